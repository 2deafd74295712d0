"""Exact undo: select, plan, execute, revert, reset, backup."""
