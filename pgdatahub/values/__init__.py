"""Cell values: their kinds, canonical texts, SQL types and SQL names."""
