"""The reason for which a package is not marked in place."""

from __future__ import annotations


class UnmarkableError(Exception):
    """The package has a form that cannot be marked without a risk for its content; a new workbook takes its place."""
