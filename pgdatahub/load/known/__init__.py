"""The question whether a file is loaded already: the facts of the history, and the decision for each part."""
