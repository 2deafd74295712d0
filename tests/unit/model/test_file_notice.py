"""A notice about a file travels with its kind, and is a text everywhere else."""

from __future__ import annotations

import json
import pickle

from pgdatahub.model.file_notice import FileNotice, kind_of


def test_a_notice_is_its_text_and_keeps_its_kind() -> None:
    notice = FileNotice("2 cells of a.xlsx are odd", "odd cells")
    assert notice == "2 cells of a.xlsx are odd"
    assert json.dumps([notice]) == '["2 cells of a.xlsx are odd"]'
    assert kind_of(pickle.loads(pickle.dumps(notice, pickle.HIGHEST_PROTOCOL))) == "odd cells"  # noqa: S301 - its own


def test_a_plain_text_is_its_own_kind() -> None:
    assert kind_of("odd") == kind_of(FileNotice("odd")) == "odd"
