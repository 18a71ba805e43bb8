"""For hands at a keyboard: one module a command."""
