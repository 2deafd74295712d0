"""Rows of imports in the users' tables: copied, found, counted and deleted."""
