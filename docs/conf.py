"""How Sphinx builds the documentation: ``nox -s docs``, or ``python -m sphinx -W docs build/docs``.

Pages are Markdown. Where one has ``<!-- from the code: NAME -->``, the text that :mod:`from_code` makes under that name
is put in, so that what the reference lists is what the code has.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import from_code  # noqa: E402 - they lie beside this file
import pictures  # noqa: E402

import pgdatahub  # noqa: E402

project = "pgdatahub"
copyright = "the pgdatahub contributors"  # noqa: A001 - the name that Sphinx asks for
version = release = pgdatahub.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]

# Markdown
myst_enable_extensions = ["colon_fence", "deflist", "attrs_inline"]
myst_heading_anchors = 3
# `console` blocks hold what is typed after "$ " and what the program answers.
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

# Pages: nothing is fetched from elsewhere, so that the site can be read and searched without a network.
html_theme = "furo"
html_title = f"pgdatahub {version}"
html_static_path: list[str] = ["static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
# Excerpts are fetched page by page, which browsers refuse where the site is opened from disk.
html_show_search_summary = False
html_theme_options = {"navigation_with_keys": True}


def take_pictures(app: Any, config: Any) -> None:
    """Make the pictures of the terminal, unless KEEP_PICTURES says that those of the last build will do."""
    del app, config
    folder = HERE / "terminal"
    if not os.environ.get("KEEP_PICTURES") or not all((folder / f"{it.name}.svg").exists() for it in pictures.PICTURES):
        pictures.take_pictures(folder)


def put_in_what_the_code_says(app: Any, document: str, source: list[str]) -> None:
    """Replace the markers of a page."""
    del app, document
    source[0] = from_code.expanded(source[0])


def without_reserved_characters(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Take out of docstrings what Sphinx would warn of: references to names that the reference does not list."""
    del app, what, name, thing, options
    lines[:] = [re.sub(r":(?:class|func|mod|meth):`~?(?:[\w.]*\.)?(\w+)`", r"``\1``", line) for line in lines]


def setup(app: Any) -> None:
    """Register what is above."""
    app.connect("config-inited", take_pictures)
    app.connect("source-read", put_in_what_the_code_says)
    app.connect("autodoc-process-docstring", without_reserved_characters)
