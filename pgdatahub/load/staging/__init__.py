"""A file from its bytes to encoded rows in a spool, without a database."""
