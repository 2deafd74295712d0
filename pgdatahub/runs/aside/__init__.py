"""Rows of loaded files that are set aside: listed, exported, loaded later."""
