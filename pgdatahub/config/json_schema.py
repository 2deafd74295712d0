"""JSON Schema (draft 2020-12) of ``etl_config.yaml``, for editors: made from the options, with their help as descriptions.

The schema takes what the parser takes, as YAML gives it: a text may be written as a number, and ``required: true`` is a boolean.
Rules between options stay with the parser. A folder with the name of an option is ``name/:`` in the schema too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from pgdatahub.config import coerce, coerce_values
from pgdatahub.config.column_options import COLUMN_TYPE, ColumnOptions
from pgdatahub.config.folder_file import DEFAULT_SHEET, ENTRY_OPTIONS
from pgdatahub.config.option_fields import Option, options
from pgdatahub.config.options import FolderOptions

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
SCHEMA_FILE: Final = "etl_config.schema.json"
"""The file that ``init`` writes beside ``etl_config.yaml``, whose first line names it to editors."""
MODELINE: Final = f"# yaml-language-server: $schema={SCHEMA_FILE}"

Schema: TypeAlias = "dict[str, Any]"

_SCALAR: Final[Schema] = {"type": ["string", "number", "boolean"]}
_LIST: Final[Schema] = {"type": "array", "items": {"$ref": "#/$defs/text"}}
_TEXT: Final[Schema] = {"$ref": "#/$defs/text"}
_TEXTS: Final[Schema] = {"anyOf": [_TEXT, {**_LIST, "minItems": 1}]}
_COUNT: Final[Schema] = {"type": ["integer", "string"], "minimum": 0, "maximum": 9_999_999, "pattern": "^[0-9]{1,7}$"}
_MARK: Final[Schema] = {"type": "string", "minLength": 1, "maxLength": 1, "pattern": "^[^A-Za-z0-9+-]$"}
_BOOLEAN: Final[Schema] = {"enum": [True, False]}
_SHAPES: Final[Mapping[Callable[[coerce.Written], Any], Schema]] = {
    coerce.BOOLEAN[1]: _BOOLEAN,
    coerce.COUNT[1]: _COUNT,
    coerce.ROW_LIMIT[1]: {"anyOf": [_COUNT, {"const": ""}]},
    coerce.MARK[1]: _MARK,
    coerce.QUOTE[1]: {"anyOf": [_MARK, {"const": "none"}]},
    coerce.HEADER_ROW[1]: {
        "anyOf": [
            {"enum": ["first", "auto", "none"]},
            {"type": "integer", "minimum": 1, "maximum": 9_999_999},
            {"type": "string", "pattern": "^[0-9]+( *- *[0-9]+)?$"},
        ]
    },
    coerce.TEXTS[1]: _TEXTS,
    coerce_values.UNITS[1]: _TEXTS,
    coerce_values.STOP[1]: _TEXTS,
    coerce_values.FORMATS[1]: _TEXTS,
    coerce.KEY[1]: {"anyOf": [_TEXT, _LIST]},
    coerce_values.NULLS[1]: {"anyOf": [_TEXT, _LIST]},
    coerce_values.VALUES[1]: {"anyOf": [_TEXT, {**_LIST, "maxItems": coerce_values.MAX_VALUES}]},
    coerce.VARIABLE[1]: {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"},
    coerce_values.MAX_BAD[1]: {"type": ["integer", "string"], "minimum": 0, "pattern": "^[0-9]+(\\.[0-9]+)? ?%?$"},
    coerce.MISSING_KEYS[1]: {"type": "string", "pattern": "^(keep|\\s*[Ff][Ll][Aa][Gg]\\s+\\S.*)$"},
}
"""Shapes of values by the function that checks them; the others take a text."""


def folders_schema() -> Schema:
    """Return the schema of the file."""
    folder_options = options(FolderOptions)
    special = {
        "columns": {"$ref": "#/$defs/columns"},
        "cell_columns": {"$ref": "#/$defs/cell_columns"},
    }
    of_folder = {
        **{name: _described(option) for name, option in folder_options.items()},
        **special,
        "sheets": {"$ref": "#/$defs/sheets"},
    }
    below = {"$ref": "#/$defs/folder"}
    return {
        "$schema": DIALECT,
        "title": "etl_config.yaml of pgdatahub",
        "description": "Options of folders below the data root: sheets, headers, types, contracts.",
        "anyOf": [{"type": "null"}, {"type": "object"}],
        "properties": {
            DEFAULT_SHEET: {
                **_described(folder_options["sheet"]),
                "description": "The sheet for folders that name none.",
            },
            **of_folder,
        },
        "additionalProperties": below,
        "$defs": {
            "text": {**_SCALAR, "description": "A text; numbers and dates stand for what is written."},
            "folder": {
                "description": "A folder below the data root, with its options; folders inside it inherit them.",
                "type": ["object", "null"],
                "properties": of_folder,
                "additionalProperties": below,
            },
            "columns": {
                "description": "Columns, by header as written in the sheet or by name in the table.",
                "type": ["object", "null"],
                "additionalProperties": {"$ref": "#/$defs/column"},
            },
            "column": {
                "description": "The options of a column.",
                "type": "object",
                "properties": {name: _described(option) for name, option in options(ColumnOptions).items()},
                "additionalProperties": False,
            },
            "cell_columns": {
                "description": "Further columns from cells above the table: name and address, such as  as_of: B1.",
                "type": "object",
                "additionalProperties": {"type": "string", "pattern": "^\\s*\\$?[A-Za-z]{1,3}\\$?[1-9][0-9]*\\s*$"},
            },
            "sheets": {
                "description": 'Tables on the sheets of a workbook, by the name of a sheet or a glob; "*" is the rest.',
                "type": "object",
                "additionalProperties": {
                    "anyOf": [
                        {"$ref": "#/$defs/entry"},
                        {"type": "array", "items": {"$ref": "#/$defs/entry"}, "minItems": 1},
                    ]
                },
            },
            "entry": {
                "description": "The options of a table on a sheet.",
                "type": ["object", "null"],
                "properties": {**{name: _described(option) for name, option in ENTRY_OPTIONS.items()}, **special},
                "additionalProperties": False,
            },
        },
    }


def _described(option: Option) -> Schema:
    help_text = f"{option.help[0].upper()}{option.help[1:]}."
    described: Schema = {"description": help_text, **_shape(option)}
    if isinstance(option.default, bool | int) or (isinstance(option.default, str) and option.default):
        described["default"] = option.default
    return described


def _shape(option: Option) -> Schema:
    if option.parse is COLUMN_TYPE[1]:
        # Beside the listed words, any type of the server: an editor completes the words and takes the others.
        return {"anyOf": [{"enum": list(option.choices)}, {"type": "string", "minLength": 1}]}
    if option.choices:
        switches: list[Any] = [word == "true" for word in option.choices if word in ("true", "false")]
        return {"enum": [*option.choices, *switches]}
    return _SHAPES.get(option.parse, _TEXT)
