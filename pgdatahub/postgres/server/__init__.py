"""Connections to a server: opened, pinned to fixed settings, and their errors translated."""
