"""Checks of files for their senders, drafts of contracts, and marked copies; without a database."""
