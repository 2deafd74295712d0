"""The report's page in headless Chromium: silent, self-contained, accessible, on small screens and on paper."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pgdatahub.config import Config
from pgdatahub.reports.page.render import html
from pgdatahub.reports.page.report import make_report
from pgdatahub.reports.page.selection import Choice

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium (apt install chromium)")
SCHEMES = ("light", "dark")
SIZES = {"desktop": (1280, 900), "telephone": (390, 844)}
A4 = (695, 1000)
"""The printable part of A4 with the page's margins, in CSS pixels."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless browser without network."""
    reason = "the dependency group browser is not installed"
    playwright = pytest.importorskip("playwright.sync_api", reason=reason)
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def file(loaded: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the loaded database, with everything that it can show."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(html(make_report(loaded, Choice(scan=True, texts=True))), encoding="utf-8")
    return path


@dataclass(slots=True)
class Watched:
    """An open page, with all that it said and asked for."""

    page: Page
    messages: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def dismiss(self, dialog: Dialog) -> None:
        """Note a dialog and close it."""
        self.messages.append(dialog.message)
        dialog.dismiss()


@contextmanager
def opened(browser: Browser, file: Path, scheme: str, size: str, *, bypass: bool = False) -> Iterator[Watched]:
    width, height = SIZES[size]
    options: Any = {"viewport": {"width": width, "height": height}, "color_scheme": scheme, "bypass_csp": bypass}
    with browser.new_context(**options) as context:
        watched = Watched(context.new_page())
        watched.page.on("console", lambda message: watched.messages.append(message.text))
        watched.page.on("pageerror", lambda error: watched.messages.append(str(error)))
        watched.page.on("dialog", lambda dialog: watched.dismiss(dialog))
        watched.page.on("request", lambda request: watched.requests.append(request.url))
        watched.page.goto(file.as_uri())
        yield watched


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", SIZES)
def test_page_is_silent_fits_and_asks_for_nothing(browser: Browser, file: Path, scheme: str, size: str) -> None:
    with opened(browser, file, scheme, size) as watched:
        for summary in watched.page.locator("summary").all():
            summary.click()
        wide = watched.page.evaluate("[document.documentElement.scrollWidth, document.body.scrollWidth]")
        ground = watched.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert watched.page.evaluate("document.scripts.length") == 0
    assert watched.messages == []
    assert [url for url in watched.requests if url not in (file.as_uri(), "data:,")] == []
    assert max(wide) <= SIZES[size][0]
    assert ground == {"light": "rgb(252, 252, 250)", "dark": "rgb(20, 22, 26)"}[scheme]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", SIZES)
def test_page_has_no_serious_fault_of_access(browser: Browser, file: Path, scheme: str, size: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.base", reason="the dependency group browser is not installed")
    with opened(browser, file, scheme, size, bypass=True) as watched:
        for summary in watched.page.locator("summary").all():
            summary.click()
        watched.page.evaluate(Path(axe.__file__).with_name("axe.min.js").read_text(encoding="utf-8"))
        found = watched.page.evaluate("axe.run({resultTypes: ['violations']})")
    faults = [
        (fault["impact"], fault["id"], [node["html"][:120] for node in fault["nodes"][:3]])
        for fault in found["violations"]
        if fault["impact"] in ("serious", "critical")
    ]
    assert faults == []
    assert len(found["passes"]) > 20


def test_page_fits_on_paper_with_its_figures(browser: Browser, file: Path) -> None:
    with opened(browser, file, "dark", "desktop") as watched:
        page = watched.page
        page.emulate_media(media="print", color_scheme="dark")
        page.set_viewport_size({"width": A4[0], "height": A4[1]})
        assert page.evaluate("document.documentElement.scrollWidth") <= A4[0]
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        cut = "[...document.querySelectorAll('.scroll')].filter(one => one.scrollWidth > one.clientWidth + 1).length"
        assert page.evaluate(cut) == 0
        assert page.locator(".figures tbody tr").first.bounding_box() is not None
        printed = page.pdf(format="A4")
    assert printed.startswith(b"%PDF-")
    assert printed.count(b"/Type /Page\n") >= 2
