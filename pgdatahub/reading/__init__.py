"""A file from its bytes to encoded rows: which files there are, where the table is, what is staged. No database."""
