"""Tables compared with the history, import by import; nothing is written."""
