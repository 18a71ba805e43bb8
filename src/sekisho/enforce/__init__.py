"""Making it so: nftables over netlink, commands of action.d, or only observing."""
