"""Mutation tests of small modules without a server, by cosmic-ray: each changed operator or number must fail a test.

``python -m tests.mutants [MODULE…]`` works on a copy of the checkout and lists the mutants that no test notices. Exit code 1:
some of them are not in ``ACCEPTED``.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

CHECKOUT: Final = Path(__file__).parents[1]
MODULES: Final = {
    "values/sql_types.py": ("unit/values/test_sql_types.py", "property/test_lattice.py", "property/test_inference.py"),
    "values/identifiers.py": ("unit/values/test_identifiers.py", "property/test_identifiers.py"),
    "values/numbers.py": (
        "unit/values",
        "property/test_lattice.py",
        "property/test_long_numbers.py",
        "property/test_shortest_digits.py",
    ),
    "readers/numbers/number_formats.py": ("unit/readers/test_number_formats.py",),
}
"""Modules below ``pgdatahub/``, and the tests of each below ``tests/``."""

_CUT = "63 is all ones in binary, so minus and exclusive or give the same"
_TAKEN = "the name itself is taken whenever a numbered name is sought"
_LESS = "any smaller number leads to the same neighbour"
_NEXT = "the neighbour of a double is more than half of it and less than twice"
_FEWER = "numbers of fewer digits are tried, and are never near enough"
_QUICK = "both ways give the same number; one is faster"
ACCEPTED: Final = {
    "@cache": "the cache saves time only",
    "if len(group) != 1 or name in": "a group has a header at least",
    "return cut(name, CUT_BYTES ^ len(suffix)) + suffix": _CUT,
    "limit - _DIGEST_LENGTH ^ 1": _CUT,
    "number = tried.get(name, 2) if tried else 1": _TAKEN,
    "candidate = name if number >= 1 else": _TAKEN,
    "candidate = name if number <= 1 else": "numbers begin at 1",
    "/,": "callers pass these arguments by name",
    "kw_only=False": "callers pass these arguments by name",
    "slots=False": "slots save memory only",
    "nextafter(abs(value), -1)": _LESS,
    "nextafter(abs(value), 1)": _LESS,
    "exact % int(nextafter(abs(value), 0))": _NEXT,
    "int(following) % exact": _NEXT,
    "int(following) ^ exact": "Python writes a number half-way to a neighbour only where the last bit of the double is 0",
    "return nearest if value >": "the double is at least 10^16",
    "range(fewest, 19)": "17 digits distinguish every double",
    'text.partition("e")[ -1]': _FEWER,
    'text.partition("e")[ 1]': _FEWER,
    "text) is _LONG_DIGITS": _QUICK,
    "text) < _LONG_DIGITS": _QUICK,
    "text) == _LONG_DIGITS": _QUICK,
    "value.bit_length()": _QUICK,
    "MAX_DIGITS * MAX_FRACTION_DIGITS, traps": "a longer fraction is refused either way",
    'self.operator <= "<"': "no other operator sorts before <",
}
"""Part of a changed or removed line → the reason why no test can notice the change."""

CONFIGURATION: Final = """
[cosmic-ray]
module-path = ["{module}"]
timeout = 120.0
excluded-modules = []
test-command = "{python} -m pytest -x -q -p no:cacheprovider {tests}"
[cosmic-ray.distributor]
name = "local"
[cosmic-ray.filters.operators-filter]
exclude-operators = ["core/ReplaceBinaryOperator_BitOr_.*"]
"""
"""``|`` is mostly in annotations, which nothing evaluates."""


def survivors(module: str, tests: tuple[str, ...]) -> list[str]:
    """Return the changed lines of a module that no test notices.

    Raises:
        subprocess.CalledProcessError: The tests fail on the unchanged module, or cosmic-ray does.
    """
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary)
        for part in ("pgdatahub", "tests"):
            shutil.copytree(CHECKOUT / part, copy / part, ignore=shutil.ignore_patterns("target", "__pycache__"))
        shutil.copy(CHECKOUT / "pyproject.toml", copy)
        chosen = " ".join(f"tests/{test}" for test in tests)
        text = CONFIGURATION.format(module=f"pgdatahub/{module}", python=sys.executable, tests=chosen)
        (copy / "mutants.toml").write_text(text, encoding="utf-8")
        environment = os.environ | {"PYTHONPATH": temporary, "PYTHONDONTWRITEBYTECODE": "1"}
        for command in (
            ("cosmic-ray", "init", "mutants.toml", "mutants.sqlite"),
            ("cr-filter-operators", "mutants.sqlite", "mutants.toml"),
            ("cosmic-ray", "baseline", "mutants.toml"),
            ("cosmic-ray", "exec", "mutants.toml", "mutants.sqlite"),
        ):
            subprocess.run(command, cwd=copy, env=environment, check=True)
        rows = sqlite3.connect(copy / "mutants.sqlite").execute(
            "SELECT diff FROM work_results WHERE test_outcome = 'SURVIVED'"
        )
        return [_changed(diff) for (diff,) in rows]


def _changed(diff: str) -> str:
    """Return the removed and the added lines of a unified diff."""
    lines = [line for line in diff.splitlines() if line[:1] in ("-", "+") and line[:3] not in ("---", "+++")]
    return "\n".join(line for line in lines if line[1:].strip())


def main(modules: list[str]) -> int:
    """Test the modules, or all of them, and print the survivors."""
    unknown = 0
    for module in modules or MODULES:
        for change in survivors(module, MODULES[module]):
            reasons = [reason for part, reason in ACCEPTED.items() if part in change]
            unknown += not reasons
            print(f"{module}: {reasons[0] if reasons else 'SURVIVED'}\n{change}", flush=True)  # noqa: T201 - its answer
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
