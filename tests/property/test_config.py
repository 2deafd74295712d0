"""Laws of folder options and database URLs."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import assume, example, given
from hypothesis import strategies as st

from pgdatahub.config.folder_file import read_folders
from pgdatahub.config.folders import FolderTree
from pgdatahub.config.options import FolderOptions
from pgdatahub.config.url_masking import masked_url
from pgdatahub.errors import ConfigError

MANY = st.sampled_from(
    ["sales:", "  sheet: x", "\n", "\t", "    columns:", "{a: {type: date}}", "- x", "[", "]", "{", "}", "*a", "&a ", "<<: ", "? ",
     "---\n", "!!str ", "'", '"', "# c", "header_row: auto", "2024:\n", "a/b: {}\n", "%YAML 1.1\n", "| \n", ": ", "\u2028", "\x07"]
)  # fmt: skip
yaml_like = st.lists(MANY | st.text(max_size=5), max_size=20).map("".join)


def read(content: bytes) -> FolderTree:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "etl_config.yaml")
        path.write_bytes(content)
        return read_folders(path, "etl_config.yaml")


@given(st.binary(max_size=200) | yaml_like.map(lambda text: text.encode("utf-8", "surrogatepass")))
@example(b"&a <<: &a x")
def test_any_file_gives_options_or_a_mistake_that_names_the_file(content: bytes) -> None:
    mistake = None
    try:
        tree = read(content)
    except ConfigError as error:
        mistake = error
    else:
        for folder in tree.configured_folders():
            assert isinstance(tree.options_for(folder.parts), FolderOptions)
    assert mistake is None or (mistake.where or "").startswith("etl_config.yaml")


name = st.text(st.characters(categories=("L", "N", "Pd", "Pc", "Zs")), min_size=1).map(str.strip).filter(bool)


@given(name, name)
def test_quoted_names_of_folders_and_sheets_are_taken_verbatim(folder: str, sheet: str) -> None:
    tree = read(f"'{folder}/': {{sheet: '{sheet}'}}".encode())
    assert [named.parts for named in tree.configured_folders()] == [(folder,)]
    assert tree.options_for([folder]).sheet == (sheet,)
    assert (
        tree.options_for([folder.upper().casefold()]).sheet == (sheet,)
        or folder.casefold() != folder.upper().casefold()
    )


password = st.text(st.characters(exclude_characters="\0", categories=("L", "N", "P", "S")), min_size=6, max_size=20)


@given(password)
@example("p@ss/w@rd")
@example("a?b=1&c@d")
@example("a/b:c#d?e")
def test_masked_url_holds_no_password_in_any_notation(secret: str) -> None:
    assume(secret not in "postgresql://user:***@localhost:5432/database?sslmode=require")
    masked = masked_url(f"postgresql://user:{secret}@localhost:5432/database?sslmode=require")
    assert masked == "postgresql://user:***@localhost:5432/database?sslmode=require"


@given(password)
def test_no_password_is_left_in_masked_keywords(secret: str) -> None:
    quoted = secret.replace("\\", "\\\\").replace("'", "\\'")
    assert masked_url(f"host=h password='{quoted}' dbname=d") == "host=h password=*** dbname=d"
