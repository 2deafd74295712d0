"""Any history of a keyed table leaves what the model says, and any other order of its files leaves the same."""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase
from hypothesis.stateful import run_state_machine_as_test

from tests.integration.keyed.key_machine import machine
from tests.integration.keyed.wrong_designs import CHANGES, put_in_place

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
EXAMPLES = int(os.environ.get("KEYED_EXAMPLES", "400")) if THOROUGH else 3


def settings(*, derandomize: bool = False) -> hypothesis.settings:
    return hypothesis.settings(
        max_examples=EXAMPLES,
        stateful_step_count=12 if THOROUGH else 8,
        deadline=None,
        derandomize=derandomize,
        database=None,
        report_multiple_bugs=False,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def test_any_history_of_a_keyed_table_leaves_the_model(database_url: str, tmp_path: Path) -> None:
    run_state_machine_as_test(machine(database_url, tmp_path), settings=settings())


if THOROUGH:

    @pytest.mark.parametrize("design", CHANGES)
    def test_histories_catch_a_wrong_design(
        design: str,
        database_url: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        """Random histories, without a hint about the design, come upon the fault."""
        put_in_place(monkeypatch, CHANGES[design])
        examples = count()
        with pytest.raises(Exception) as caught:  # noqa: PT011 - a difference, or any error of a load or an undo
            run_state_machine_as_test(
                machine(database_url, tmp_path, examples=examples), settings=settings(derandomize=True)
            )
        with capsys.disabled():
            print(f"{design}: {type(caught.value).__name__} after {next(examples)} histories")  # noqa: T201
