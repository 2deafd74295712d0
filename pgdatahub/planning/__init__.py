"""What a run would do, foretold: nothing is written."""
