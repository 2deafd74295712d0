"""Plans of runs: all files read, the database asked, nothing written."""
