"""Renderers: the page in HTML, and the data dictionary in Markdown.

Jinja escapes every text: as HTML, or by :func:`~pgdatahub.reports.page.markdown_text.markdown_text`. The page's policy
(https://www.w3.org/TR/CSP3/) allows its own style and nothing else, so that a browser would run or fetch nothing even if a
text were markup.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from datetime import datetime
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pgdatahub.reports.page import charts
from pgdatahub.reports.page.content import Report
from pgdatahub.reports.page.markdown_text import markdown_text
from pgdatahub.values.printable import printable


def html(report: Report) -> str:
    """Return the report as one page that needs nothing else."""
    style = resources.files(__package__).joinpath("templates/report.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    template = _environment(_for_html, autoescape=True).get_template("report.html.j2")
    return template.render(
        report=report,
        chart=charts.period_chart(report.periods) if report.periods else None,
        style=Markup(style),  # noqa: S704 - a file of this package
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:",
    )


def markdown(report: Report) -> str:
    """Return the tables and columns of the report as a data dictionary."""
    template = _environment(_for_markdown, autoescape=False).get_template("dictionary.md.j2")
    return template.render(report=report)


def _environment(finalize: Callable[[Any], Any], *, autoescape: bool) -> Environment:
    environment = Environment(
        loader=PackageLoader("pgdatahub.reports.page"),
        autoescape=autoescape,  # noqa: S701 - Markdown has an escape of its own, for every text as well
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "count": _count,
        "day": _day,
        "listed": ", ".join,  # Jinja's own join gives markup, which is no longer escaped
        "minute": _minute,
        "percent": percent,
        "plural": _plural,
        "short": _short,
        "size": size,
    }
    environment.globals |= {"histogram_chart": charts.histogram_chart}
    return environment


def _for_html(value: Any) -> Any:
    """Return a text without characters that control or hide text; Jinja escapes the rest."""
    return printable(value, lines=True) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _for_markdown(value: Any) -> Any:
    return markdown_text(value) if isinstance(value, str) else value


def _count(number: int) -> str:
    return f"{number:,}"


def _plural(number: int, one: str, several: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _short(text: str, longest: int = 300) -> str:
    """Return a text, cut if it is long: a header may have 32,767 characters."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def percent(share: float) -> str:
    """Return a share as a percentage that is 0 or 100 only if the share is."""
    if share in (0, 1):
        return f"{share:.0%}"
    if share < 0.001:
        return "<0.1%"
    if share > 0.999:
        return ">99.9%"
    return f"{share:.1%}" if share < 0.1 or share > 0.9 else f"{share:.0%}"


def size(number: int) -> str:
    """Return a size in bytes for people."""
    amount = float(number)
    for unit in ("bytes", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "bytes" or amount >= 100 else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:,.1f} TB"
