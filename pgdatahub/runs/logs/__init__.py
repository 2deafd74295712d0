"""Events of a run as lines of a log."""
