"""Fields that cannot change, with what was made of them."""

from __future__ import annotations

import pickle

import pytest

from pgdatahub.values.fields import Fields, lines_of


def test_fields_read_like_the_sequence_they_were_made_of() -> None:
    fields = Fields([b"a", b"", b"c"], b"a\n\nc")
    assert (fields[0], fields[-1], fields[1:], len(fields)) == (b"a", b"c", [b"", b"c"], 3)
    assert (fields.index(b"c"), fields.count(b""), list(fields)) == (2, 1, [b"a", b"", b"c"])
    assert fields == [b"a", b"", b"c"]
    assert fields != (b"a", b"c")
    assert fields != b"a"
    assert repr(fields) == repr(list(fields))


def test_fields_cannot_be_changed() -> None:
    fields = Fields([b"a"], b"a")
    with pytest.raises(TypeError):
        fields[0] = b"b"  # type: ignore[index]


def test_fields_survive_pickling() -> None:
    fields = pickle.loads(pickle.dumps(Fields([b"a", b"b"], b"a\nb")))  # noqa: S301 - written right here
    assert fields == [b"a", b"b"]
    assert fields.lines == b"a\nb"


def test_fields_of_any_kind_have_lines() -> None:
    assert lines_of([b"a", b"", b"c"]) == lines_of(Fields([b"a", b"", b"c"], b"a\n\nc")) == b"a\n\nc"
