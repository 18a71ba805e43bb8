"""Questions to the system: names, own addresses, service ports, countries."""
