"""Exact undo: select, plan, check, execute, revert, reset, backup."""
