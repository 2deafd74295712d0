"""Proofs that tables hold what the history tells: rows of an import, values, types."""
