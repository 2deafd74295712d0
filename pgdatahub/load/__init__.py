"""One file from its bytes to its committed rows: staging, spool, dedup, schema evolution, transaction."""
