"""Faults as SARIF 2.1.0, which code hosts show beside the files (https://docs.oasis-open.org/sarif/sarif/v2.1.0/)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from pgdatahub.cli.fault_lines import fault_text
from pgdatahub.config.cell_ranges import parse_cell
from pgdatahub.system.version import __version__

if TYPE_CHECKING:
    from pgdatahub.model.faults import Fault
    from pgdatahub.runs.check import FileCheck

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_INFORMATION: Final = "https://pypi.org/project/pgdatahub/"


def sarif(results: Iterable[FileCheck], directory: Path) -> dict[str, Any]:
    """Return a log with one result for each sheet, column and rule of a file.

    Args:
        results: The checked files.
        directory: The root of the source tree, to which paths are relative.
    """
    found = [one for result in results for one in _of_file(result, directory)]
    rules = sorted({one["ruleId"] for one in found})
    driver = {
        "name": "pgdatahub",
        "version": __version__,
        "informationUri": _INFORMATION,
        "rules": [{"id": rule} for rule in rules],
    }
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "originalUriBaseIds": {"%SRCROOT%": {"uri": f"{directory.as_uri()}/"}},
                "results": found,
            }
        ],
    }


def _of_file(result: FileCheck, directory: Path) -> Iterator[dict[str, Any]]:
    path = Path(result.source.location)
    inside = path.is_relative_to(directory)
    location: dict[str, Any] = {"uri": quote(path.relative_to(directory).as_posix()) if inside else path.as_uri()}
    if inside:
        location["uriBaseId"] = "%SRCROOT%"
    for fault in result.faults:
        yield _of_fault(fault, result, location)
    if result.failure is not None and not result.faults:
        failure = result.failure
        yield {
            "ruleId": "unreadable",
            "level": "error",
            "message": {"text": f"{failure.where}: {failure.message}" if failure.where else failure.message},
            "locations": [{"physicalLocation": {"artifactLocation": location}}],
            "partialFingerprints": _fingerprint(result.source.identity, "", "", "unreadable"),
        }


def _of_fault(fault: Fault, result: FileCheck, artifact: dict[str, Any]) -> dict[str, Any]:
    first = fault.cells[0] if fault.cells else None
    subject = fault.header or fault.column
    text = f"{subject}: {fault_text(fault)}" if subject else fault_text(fault)
    if first is not None and first.value is not None and first.cell:
        text += f', such as "{first.value}"' + (f" ({first.hint})" if first.hint else "")
    place: dict[str, Any] = {"artifactLocation": artifact}
    location: dict[str, Any] = {"physicalLocation": place}
    if first is not None and first.cell and first.row:
        place["region"] = {"startLine": first.row, "startColumn": parse_cell(first.cell)[1] + 1}
        location["logicalLocations"] = [{"fullyQualifiedName": f"{fault.sheet}!{first.cell}"}]
    elif fault.sheet:
        location["logicalLocations"] = [{"fullyQualifiedName": fault.sheet}]
    return {
        "ruleId": fault.rule,
        "level": "error" if result.verdict == "fail" else "warning",
        "message": {"text": text},
        "locations": [location],
        "partialFingerprints": _fingerprint(result.source.identity, fault.sheet, fault.column, fault.rule),
    }


def _fingerprint(*facts: str) -> dict[str, str]:
    return {"pgdatahub/v1": sha256("\n".join(facts).encode("utf-8", "surrogatepass")).hexdigest()}
