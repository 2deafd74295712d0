"""Tables in the catalog: their columns, what depends on them, their locks, and changes of them."""
