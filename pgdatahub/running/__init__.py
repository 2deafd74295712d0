"""A run: its order and its end, who works on it, what interrupts it, what is logged."""
