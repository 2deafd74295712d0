"""What a cell can say, and the one text that each value has."""
