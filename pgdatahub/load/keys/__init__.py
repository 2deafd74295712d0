"""Keyed tables and snapshots: settings of a key, faults of keys, and the merge of a part."""
