"""Ranges of cells that workbooks define by name."""
