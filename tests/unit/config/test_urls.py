from __future__ import annotations

import pytest

from pgdatahub.config.destination import Destination
from pgdatahub.config.url_masking import masked_url
from pgdatahub.config.urls import conninfo


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql://u:p@h/d", "postgresql://u:p@h/d"),
        ("postgres://u:p@h/d", "postgresql://u:p@h/d"),
        ("postgresql+psycopg://u:p@h/d", "postgresql://u:p@h/d"),
        (" POSTGRES://h/d?sslmode=require ", "postgresql://h/d?sslmode=require"),
        ("postgresql:///d?host=/run/postgresql", "postgresql:///d?host=/run/postgresql"),
        ("host=h dbname=d password='a b'", "host=h dbname=d password='a b'"),
        ("service=reports", "service=reports"),
    ],
)
def test_the_usual_forms_become_what_libpq_takes(text: str, expected: str) -> None:
    assert conninfo(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "mysql://u:hidden@h/d",
        "postgresql+asyncpg://u:hidden@h/d",
        "u:hidden@h/d",
        "hidden",
        "//h",
        "=hidden",
        "{a}=hidden",
    ],
)
def test_anything_else_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ValueError, match="postgresql://") as caught:
        conninfo(text)
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("postgresql://u:p@h:5432/d", "postgresql://u:***@h:5432/d"),
        ("postgresql://u@h/d", "postgresql://u@h/d"),
        ("postgresql://h:5432/d", "postgresql://h:5432/d"),
        ("postgresql://[::1]:5432/d", "postgresql://[::1]:5432/d"),
        ("postgresql://u:p@h1:1,h2:2/d", "postgresql://u:***@h1:1,h2:2/d"),
        ("postgresql:///d", "postgresql:///d"),
        ("postgresql://:p@h/d", "postgresql://:***@h/d"),
        ("postgresql://u:p%40x@h/d", "postgresql://u:***@h/d"),
        ("postgresql://u:p@x/y@h/d", "postgresql://u:***@h/d"),
        ("postgresql://u:p#x/@h/d", "postgresql://u:***@h/d"),
        ("postgresql://u:p?x@h/d", "postgresql://u:***@h/d"),
        ("postgresql://u:p?x=1@h/d", "postgresql://u:***@h/d"),
        ("postgresql://h/d?password=p&sslmode=require", "postgresql://h/d?password=***&sslmode=require"),
        ("postgresql://h/d?pass%77ord=p", "postgresql://h/d?pass%77ord=***"),
        ("postgresql://h:5/d?user=me@corp&PASSWORD=p", "postgresql://h:5/d?user=me@corp&PASSWORD=***"),
        ("postgresql://h/d?passfile=/x&sslpassword=p", "postgresql://h/d?passfile=/x&sslpassword=***"),
        ("host=h password=p dbname=d", "host=h password=*** dbname=d"),
        ("host=h password = 'it\\'s p' dbname=d", "host=h password = *** dbname=d"),
        ("password='never closed", "password=***"),
        ("host=h password=a\\ b user=u", "host=h password=*** user=u"),
        ("u:p@h/d", "u:***@h/d"),
        ("", ""),
    ],
)
def test_a_password_is_masked_wherever_it_stands(text: str, masked: str) -> None:
    assert masked_url(text) == masked


def test_a_destination_does_not_show_its_password() -> None:
    shown = repr(Destination(kind="url", conninfo="postgresql://u:hidden@h/d?sslpassword=hidden"))
    assert "hidden" not in shown
    assert "@h/d" in shown
