"""The document property by which a corrected copy names its origin, beside the properties that a workbook has."""

from __future__ import annotations

from itertools import count
from typing import Final

from pgdatahub.model.files import MarkedOrigin
from pgdatahub.readers.packages.marked_origin import (
    CUSTOM_PROPERTIES,
    MAX_ORIGINS,
    PROPERTY,
    is_origin_property,
    origin_text,
    read_origins,
)
from pgdatahub.reports.marked.parts import ChangedParts
from pgdatahub.reports.marked.relations import Relations
from pgdatahub.reports.marked.small_part import SmallPart
from pgdatahub.reports.marked.tags import as_text

_NAMESPACE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/custom-properties"
_VALUES: Final = "http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes"
_RELATIONSHIP: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/custom-properties"
_CONTENT_TYPE: Final = "application/vnd.openxmlformats-officedocument.custom-properties+xml"
_FORMAT: Final = "{D5CDD505-2E9C-101B-9397-08002B2CF9AE}"
"""The identifier of the set of custom properties (MS-OSHARED 2.3.3.2.3.1.1)."""
_EMPTY: Final = f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Properties xmlns="{_NAMESPACE}"/>'.encode()
REMARK: Final = "its path is too long to be noted, so that a corrected copy under another name is another file"


def add_origin(parts: ChangedParts, relations: Relations, origin: MarkedOrigin) -> str | None:
    """Have a copy name its origin, before the origins that the workbook names; return a remark if that is not possible.

    Args:
        parts: The parts of the package.
        relations: The relationships of the package.
        origin: The file that is marked.
    """
    if origin_text(origin) is None:
        return REMARK
    texts = [text for one in (origin, *read_origins(parts.package)) if (text := origin_text(one)) is not None]
    found = next(
        (one for one in parts.package.relationships("") if one.type in ("custom-properties", "customProperties")), None
    )
    if found is not None and found.target in parts.package:
        name = found.target
        part = SmallPart.read(parts.package.open(name), parts.limits)
    else:
        name = (
            CUSTOM_PROPERTIES
            if CUSTOM_PROPERTIES not in parts.package
            else parts.fresh_name("docProps/pgdatahub{}.xml")
        )
        part = SmallPart(_EMPTY, name, parts.limits)
        relations.add(_RELATIONSHIP, name)
        parts.types.add(name, _CONTENT_TYPE)
    numbers = [1]
    for one in part.children(part.root):
        if is_origin_property(one.attributes.get("name", "")):
            part.remove(one)
        if (pid := one.attributes.get("pid", "")[:9]).isdecimal():
            numbers.append(int(pid))
    start = f'<{part.prefix}property fmtid="{_FORMAT}"'
    for order, number, text in zip(count(1), count(max(numbers) + 1), texts[:MAX_ORIGINS]):
        label = PROPERTY if order == 1 else f"{PROPERTY} {order}"
        part.append(
            part.root,
            f'{start} pid="{number}" name="{label}"><vt:lpwstr xmlns:vt="{_VALUES}">{as_text(text)}</vt:lpwstr>'
            f"</{part.prefix}property>",
        )
    parts.replace_later(name, part.render)
    return None
