"""Reading logs: whole lines from files and from the journal, through rotation and restarts."""
