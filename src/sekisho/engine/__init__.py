"""Running it: the one owner of live state."""
