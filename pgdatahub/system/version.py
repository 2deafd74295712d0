"""The version of this package: that of the tag it was built from."""

from __future__ import annotations

try:
    from pgdatahub.system._version import __version__ as __version__  # the build writes this module
except ImportError:
    __version__ = "0.1.0.dev0"  # a tree that was never installed
