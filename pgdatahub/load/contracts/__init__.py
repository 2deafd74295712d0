"""Contracts of folders: rules for columns, verdicts on rows and cells, and the report of all faults."""
