"""``python -m pgdatahub``: the same as the console script."""

from __future__ import annotations

from pgdatahub.cli.app import main

if __name__ == "__main__":
    main()
