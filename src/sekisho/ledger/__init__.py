"""What is remembered: bans with their evidence, their history, and how far each log has been read."""
