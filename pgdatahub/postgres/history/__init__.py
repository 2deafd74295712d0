"""The metadata tables: imports, schema changes, failures and rows that are set aside."""
