"""Rules of keyed tables as messages tell them."""

from __future__ import annotations

from pgdatahub.config.key_rule import KeyRule, describe_change

BY_NO = KeyRule(mode="merge", key=("no",))


def test_a_rule_is_described_by_what_is_not_the_default() -> None:
    assert BY_NO.describe() == "mode: merge, key: [no]"
    assert KeyRule(mode="snapshot").describe() == "mode: snapshot"
    rule = KeyRule(mode="merge", key=("no", "part"), newest="at", duplicates="last", missing="gone")
    assert rule.describe() == ("mode: merge, key: [no, part], newest: at, duplicates: last, missing_keys: flag gone")


def test_two_rules_are_told_apart_by_what_differs() -> None:
    other = KeyRule(mode="merge", key=("city",), missing="gone")
    assert describe_change(BY_NO, other) == ("key: [no], missing_keys: keep", "key: [city], missing_keys: flag gone")
    assert describe_change(None, BY_NO) == ("mode: append", "mode: merge, key: [no]")
    assert describe_change(BY_NO, KeyRule(mode="snapshot")) == ("mode: merge, key: [no]", "mode: snapshot")
