"""Plain values that flow through the stages: files, batches, schemas, imports, events, results."""
