"""Fields that cannot change, with what was made of them."""

from __future__ import annotations

import pickle

import pytest

from pgdatahub.values.fields import FieldBuffer, buffer_of, empty_fields, lines_of, one_below_the_other


def test_fields_read_like_the_sequence_they_were_made_of() -> None:
    fields = FieldBuffer([b"a", b"", b"c"], b"a\n\nc")
    assert (fields[0], fields[-1], fields[1:], len(fields)) == (b"a", b"c", [b"", b"c"], 3)
    assert (fields.index(b"c"), fields.count(b""), list(fields)) == (2, 1, [b"a", b"", b"c"])
    assert fields == [b"a", b"", b"c"]
    assert fields != (b"a", b"c")
    assert fields != b"a"
    assert repr(fields) == repr(list(fields))


def test_fields_are_cut_out_of_their_lines_when_asked_for() -> None:
    for texts in ([b"a", b"", b"c"], [b"", b"a"], [b"a", b"", b""], [b""], [b"", b"", b""], [b"a"], []):
        lines = b"\n".join(texts)
        fields = FieldBuffer(None, lines, len(texts))
        assert (fields.has_value, fields.is_full) == (any(texts), bool(texts) and all(texts))
        assert len(fields) == len(texts)
        assert fields == texts == list(fields)
        assert fields.count(b"") == texts.count(b"")
        assert pickle.loads(pickle.dumps(fields)) == texts  # noqa: S301 - written right here


def test_fields_one_below_the_other_are_those_of_all_parts() -> None:
    joined = one_below_the_other(
        [buffer_of([b"a", b""]), empty_fields(3), FieldBuffer(None, b"\nb", 2), buffer_of([b""])]
    )
    assert list(joined) == [b"a", b"", b"", b"", b"", b"", b"b", b""]
    assert joined.lines == b"\n".join(joined)


def test_fields_cannot_be_changed() -> None:
    fields = FieldBuffer([b"a"], b"a")
    with pytest.raises(TypeError):
        fields[0] = b"b"  # type: ignore[index]


def test_fields_survive_pickling() -> None:
    fields = pickle.loads(pickle.dumps(FieldBuffer([b"a", b"b"], b"a\nb")))  # noqa: S301 - written right here
    assert fields == [b"a", b"b"]
    assert fields.lines == b"a\nb"


def test_fields_of_any_kind_have_lines() -> None:
    assert lines_of([b"a", b"", b"c"]) == lines_of(FieldBuffer([b"a", b"", b"c"], b"a\n\nc")) == b"a\n\nc"
