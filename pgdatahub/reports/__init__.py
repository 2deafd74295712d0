"""Reports on what was loaded, for people who did not load it."""
