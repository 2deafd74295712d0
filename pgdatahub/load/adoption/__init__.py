"""Lost rows of the history, rebuilt where the table itself proves them: ``run --adopt``."""
