"""Faults as SARIF 2.1.0, which code hosts show beside the files (https://docs.oasis-open.org/sarif/sarif/v2.1.0/).

GitHub shows the texts of a rule beside each alert, and recognizes an alert by the fingerprint ``primaryLocationLineHash``
(https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from pgdatahub.cli.fault_lines import RULES, fault_text
from pgdatahub.config.cell_ranges import parse_cell
from pgdatahub.system.version import __version__

if TYPE_CHECKING:
    from pgdatahub.model.faults import Fault
    from pgdatahub.runs.checks.check import FileCheck

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_INFORMATION: Final = "https://pypi.org/project/pgdatahub/"
_UNREADABLE: Final = "unreadable"
_HELP: Final = (
    "Correct the cells in the workbook, or the rule below `columns:` of the folder in `etl_config.yaml`. "
    "`pgdatahub check FILE` lists the cells, and `pgdatahub check FILE --mark COPY.xlsx` colours them."
)


def sarif(results: Iterable[FileCheck], directory: Path) -> dict[str, Any]:
    """Return a log with one result for each sheet, column and rule of a file.

    Args:
        results: The checked files.
        directory: A directory of the source tree. Paths are relative to the tree's root, if it is a Git working tree.
    """
    root = _source_root(directory)
    found = [one for result in results for one in _of_file(result, root)]
    rules = sorted({one["ruleId"] for one in found})
    for one in found:
        one["ruleIndex"] = rules.index(one["ruleId"])
    driver = {
        "name": "pgdatahub",
        "version": __version__,
        "informationUri": _INFORMATION,
        "rules": [_rule(rule) for rule in rules],
    }
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "originalUriBaseIds": {"%SRCROOT%": {"uri": f"{root.as_uri()}/"}},
                "results": found,
            }
        ],
    }


def _source_root(directory: Path) -> Path:
    return next((one for one in (directory, *directory.parents) if (one / ".git").exists()), directory)


def _rule(rule: str) -> dict[str, Any]:
    text = "The file cannot be read" if rule == _UNREADABLE else RULES.get(rule, "A rule of the folder is broken")
    return {
        "id": rule,
        "name": "".join(word.capitalize() for word in rule.split("-")),
        "shortDescription": {"text": text},
        "fullDescription": {"text": f"{text}."},
        "help": {"text": _HELP.replace("`", ""), "markdown": _HELP},
        "defaultConfiguration": {"level": "error"},
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
            "ruleId": _UNREADABLE,
            "level": "error",
            "message": {"text": f"{failure.where}: {failure.message}" if failure.where else failure.message},
            "locations": [{"physicalLocation": {"artifactLocation": location}}],
            "partialFingerprints": _fingerprint(location["uri"], "", "", _UNREADABLE),
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
        "partialFingerprints": _fingerprint(artifact["uri"], fault.sheet, fault.column, fault.rule),
    }


def _fingerprint(*facts: str) -> dict[str, str]:
    digest = sha256("\n".join(facts).encode("utf-8", "surrogatepass")).hexdigest()
    return {"pgdatahub/v1": digest, "primaryLocationLineHash": f"{digest[:16]}:1"}
