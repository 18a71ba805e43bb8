"""The socket, and the words that are spoken over it."""
