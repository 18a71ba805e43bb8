"""Reading logs: whole lines from files and from the journal, with the position after them."""
