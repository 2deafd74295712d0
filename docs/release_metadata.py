"""Metadata of a release: addresses of the project, and links of README that work on the package index.

The build calls :class:`ReleaseMetadata`. The repository's address is in no file, since a fork has another one: the release
workflow passes its own in ``PGDATAHUB_REPOSITORY``. Without this variable, links in README stay relative and there are no
addresses.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Final

from hatchling.metadata.plugin.interface import MetadataHookInterface

VARIABLE: Final = "PGDATAHUB_REPOSITORY"
_LINK: Final = re.compile(r"(?P<image>!?)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)")


class ReleaseMetadata(MetadataHookInterface):
    """Sets the description, and the addresses if the repository is known."""

    PLUGIN_NAME = "custom"

    def update(self, metadata: dict[str, Any]) -> None:
        """Set ``readme`` and ``urls``."""
        text = Path(self.root, "README.md").read_text(encoding="utf-8")
        repository = os.environ.get(VARIABLE, "").rstrip("/")
        if repository:
            # A version between tags has no tag of its own.
            tag = "HEAD" if "dev" in metadata["version"] else f"v{metadata['version']}"
            text = absolute_links(text, repository, tag)
            metadata["urls"] = project_urls(repository, tag)
        metadata["readme"] = {"content-type": "text/markdown", "text": text}


def project_urls(repository: str, tag: str) -> dict[str, str]:
    """Return the addresses that the package index shows, by their labels."""
    return {
        "Homepage": repository,
        "Documentation": f"{repository}/blob/{tag}/docs/index.md",
        "Changelog": f"{repository}/blob/{tag}/CHANGELOG.md",
        "Issues": f"{repository}/issues",
        "Source": f"{repository}/tree/{tag}",
    }


def absolute_links(text: str, repository: str, tag: str) -> str:
    """Return a text in Markdown whose links to files of the repository are addresses at a tag; pictures are raw files."""

    def absolute(link: re.Match[str]) -> str:
        target = link["target"]
        if re.match(r"[a-z]+:|#", target):
            return link[0]
        kind = "raw" if link["image"] else "blob"
        return f"{link['image']}[{link['text']}]({repository}/{kind}/{tag}/{target})"

    return _LINK.sub(absolute, text)
