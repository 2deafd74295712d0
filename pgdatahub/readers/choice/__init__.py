"""The choice of the sheets to load, and the sheets that are left out."""
