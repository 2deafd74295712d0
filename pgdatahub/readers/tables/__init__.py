"""The table in a sheet: its header, its rows and columns, and the cells outside of it."""
