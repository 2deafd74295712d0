"""Taking imports, changes of schema and whole databases of ours back, exactly."""
