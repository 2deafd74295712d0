"""Plain values of the stages: files, batches, schemas, imports, events, results."""
