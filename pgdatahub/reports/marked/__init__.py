"""Marked copies of workbooks, which go back to their senders: coloured cells, comments, and a list of all faults."""
