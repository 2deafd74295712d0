"""Raw numbers of cells and their number formats: numbers, dates, durations and errors."""
