"""Tables with a key, and snapshots: the winners in the table, all other rows in its companion ``<table>_replaced``.

The state is a function of the loaded imports and not of the order of loading: a total order of rows decides, and an undo
promotes, for each key, the greatest row that remains.
"""
