"""Readers of workbooks: format detection, header layout, and a package for each reader."""
