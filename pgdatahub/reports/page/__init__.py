"""The report on a database: one page in HTML, or a data dictionary in Markdown."""
