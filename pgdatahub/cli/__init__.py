"""The console script: the only package that imports Typer and Rich.

Each command: options → Config → one call of the API → output → exit code.
"""
