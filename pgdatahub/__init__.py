"""Excel workbooks in folders to PostgreSQL tables that can be trusted."""

from __future__ import annotations

__version__ = "0.1.0.dev0"
