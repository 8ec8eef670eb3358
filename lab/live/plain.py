"""Data of the lab as JSON and back. What is read back is checked by type.

What is declared as `Any` is marked by what it is, as `{"$certificate": ...}`, so that it comes back as what it was.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from enum import Enum
from types import NoneType
from typing import Any

from lab.plain import Form, Leaf, as_base64
from lab.tls.certificate import Certificate
from lab.tls.findings import Verdict

_AS_IT_IS = frozenset((str, int, float, bool, NoneType))


def plain(value: Any) -> Any:
    """Return a value as JSON has it; fields that stand at their default are left out."""
    return _FORM.written(value)


def marked(value: Any) -> Any:
    """Return a value of no declared type as JSON, marked where JSON alone would not say what it was."""
    if type(value) in _AS_IT_IS:
        return value
    match value:
        case Certificate():
            return {"$certificate": plain(value)}
        case Verdict():
            return {"$verdict": plain(value)}
        case bytes():
            return {"$bytes": plain(value)}
        case tuple() | list():
            return [marked(one) for one in value]
        case None | str() | int() | float() | bool() | Enum() | Mapping():
            return plain(value)
        case _:
            return str(value)


def unmarked(data: Any) -> Any:
    """Return what `marked` was given; tuples come back as tuples."""
    if isinstance(data, list):
        return tuple(unmarked(one) for one in data)
    if isinstance(data, dict):
        if len(data) == 1:
            ((key, inner),) = data.items()
            kind = {"$certificate": Certificate, "$verdict": Verdict, "$bytes": bytes}.get(key)
            if kind is not None:
                return restored(kind, inner)
        return {key: unmarked(one) for key, one in data.items()}
    return data


def restored(kind: Any, data: Any) -> Any:
    """Return the value of a type that JSON data stands for. Raises ValueError where it stands for none."""
    return _FORM.read(kind, data)


_CERTIFICATE = Leaf(lambda one: as_base64(one.der), lambda text: Certificate(base64.b64decode(text)))
_FORM = Form({Certificate: _CERTIFICATE}, whole=False, write_loose=marked, read_loose=unmarked)
