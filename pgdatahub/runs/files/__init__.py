"""The files of a run: selected, warned about, stable."""
