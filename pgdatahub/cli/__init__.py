"""The console script: the only package that imports Typer and Rich.

A command is: options → Config → one call of the API → render → exit code.
"""
