"""Sphinx settings of the documentation: ``nox -s docs``, or ``python -m sphinx -W docs build/docs``.

Pages are Markdown. :mod:`from_code` replaces each marker ``<!-- from the code: NAME -->`` by text made from the code, so
that the reference always matches the code.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import from_code  # noqa: E402 - modules beside this file
import pictures  # noqa: E402

import pgdatahub  # noqa: E402

project = "pgdatahub"
copyright = "the pgdatahub contributors"  # noqa: A001 - the name that Sphinx asks for
version = release = pgdatahub.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]

# Markdown
myst_enable_extensions = ["colon_fence", "deflist", "attrs_inline"]
myst_heading_anchors = 3
# In `console` blocks, "$ " starts a command; the other lines are output.
copybutton_prompt_text = r"\$ "
copybutton_prompt_is_regexp = True
copybutton_here_doc_delimiter = "END"
highlight_language = "none"

# Docstrings
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 80
add_module_names = False
napoleon_use_ivar = True
napoleon_use_rtype = False

# Pages load nothing from other servers, so the site works and can be searched without a network.
html_theme = "furo"
html_title = f"pgdatahub {version}"
html_static_path: list[str] = ["static"]
html_css_files = ["site.css"]
html_extra_path = ["terminal/report.html"]  # shown by a page; made with the pictures
html_favicon = "static/favicon.svg"
html_show_sphinx = False
html_copy_source = False
# Excerpts are fetched page by page, which browsers refuse for a site opened from disk.
html_show_search_summary = False
html_theme_options = {"navigation_with_keys": True}


def take_pictures(app: Any, config: Any) -> None:
    """Take the terminal pictures, unless KEEP_PICTURES is set and the last build left them."""
    del app, config
    folder = HERE / "terminal"
    files = [pictures.REPORT, *(f"{picture.name}.svg" for picture in pictures.PICTURES)]
    if not os.environ.get("KEEP_PICTURES") or not all((folder / name).exists() for name in files):
        pictures.take_pictures(folder)


def expand_markers(app: Any, document: str, source: list[str]) -> None:
    """Replace the markers of a page by text made from the code."""
    del app, document
    source[0] = from_code.expanded(source[0])


def unlink_references(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Turn references to names that the reference does not list into code, since Sphinx would warn of them."""
    del app, what, name, thing, options
    lines[:] = [re.sub(r":(?:class|func|mod|meth):`~?(?:[\w.]*\.)?(\w+)`", r"``\1``", line) for line in lines]


def setup(app: Any) -> None:
    """Register the functions above."""
    app.connect("config-inited", take_pictures)
    app.connect("source-read", expand_markers)
    app.connect("autodoc-process-docstring", unlink_references)
