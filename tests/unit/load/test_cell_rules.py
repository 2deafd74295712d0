from __future__ import annotations

import random
import re
from collections.abc import Sequence
from decimal import Decimal

import pytest

from pgdatahub.config import ColumnOptions
from pgdatahub.load.contracts import cell_rules as rules
from pgdatahub.model.batches import NormalizedColumn
from pgdatahub.plugins.convert import convert
from pgdatahub.plugins.infer import observe
from pgdatahub.values.cells import Kind, TextColumn
from pgdatahub.values.copytext import unescape


def column_of(kind: Kind, texts: Sequence[bytes], options: ColumnOptions) -> NormalizedColumn:
    cells = TextColumn(kind=kind, texts=texts)
    fields, observed = observe(convert(cells, options) if options.is_converted else cells, str)
    return NormalizedColumn(name="a", header="a", texts=fields, observed=observed)


@pytest.mark.parametrize("seed", range(8))
def test_a_pattern_of_distinct_texts_is_matched_cell_by_cell(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same cells are faults before and after more texts were seen than are remembered."""
    monkeypatch.setattr(rules, "_REMEMBERED", 6)
    chance = random.Random(seed)  # noqa: S311 - test data
    some = [
        b"",
        b"u1",
        b"u22",
        b"u333",
        b"u4444",
        b"u\\\\5",
        b"u\\n6",
        b"v",
        b"u7 ",
        b"u8",
        b"u9",
        b"u10",
        b"u\xc3\xa411",
    ]
    (rule,) = rules.cell_rules(ColumnOptions(pattern="(?s)u.*[^ ]"))
    for _ in range(12):
        texts = chance.choices(some if chance.random() < 0.5 else some[:5], k=chance.choice((1, 3, 7)))
        bad = [index for index, text in enumerate(texts) if text and not re.fullmatch("(?s)u.*[^ ]", unescape(text))]
        assert list(rule.faulty(column_of(Kind.TEXT, texts, ColumnOptions()))) == bad


@pytest.mark.parametrize("type_name", ["numeric", "double", "integer"])
@pytest.mark.parametrize("bound", ["0", "-2", "-0.5", "7", "1000"])
def test_limits_of_numbers_are_exact(type_name: str, bound: str) -> None:
    if type_name == "integer" and "." in bound:
        return
    chance = random.Random(bound)  # noqa: S311 - test data
    some = [b"", b"0", b"-1", b"-2", b"-3", b"7", b"8", b"1000", b"1001", b"1E3"]
    some += [] if type_name == "integer" else [b"-0.5", b"-0.51", b"6.999", b"7.0000000001", b"1E-7", b"-1E-7"]
    for option in ("min", "max"):
        options = (
            ColumnOptions(type=type_name, min=bound) if option == "min" else ColumnOptions(type=type_name, max=bound)
        )
        (rule,) = rules.cell_rules(options)
        for _ in range(25):
            texts = chance.choices(some, k=chance.choice((1, 2, 3)))
            bad = [
                index
                for index, text in enumerate(texts)
                if text
                and (
                    Decimal(text.decode()) < Decimal(bound)
                    if option == "min"
                    else Decimal(text.decode()) > Decimal(bound)
                )
            ]
            assert list(rule.faulty(column_of(Kind.NUMBER, texts, options))) == bad


@pytest.mark.parametrize("text", ["Cafe\u0301", "ＣＡＦÉ", "ca f\u00a0é", "Café "])
def test_a_hint_names_the_word_that_looks_alike(text: str) -> None:
    (values,) = rules.cell_rules(ColumnOptions(values=("other", "Café")))
    assert values.hint(text.encode()) == "did you mean Café?"
