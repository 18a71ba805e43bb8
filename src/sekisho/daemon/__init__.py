"""For the init system: start, assemble, signals, logging."""
