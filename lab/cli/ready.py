"""The ready file: what a script waits for, and reads to know where everything is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from lab.errors import UserError


@contextmanager
def removed_at_end(path: Path | None) -> Iterator[None]:
    """Remove a file that an earlier run left behind, which must not be taken for ours, and our own at the end."""
    _remove(path)
    try:
        yield
    finally:
        _remove(path)


def write(path: Path | None, content: Mapping[str, Any]) -> None:
    """Write the file as JSON so that nobody reads half of it; does nothing without a path. Raises UserError."""
    if path is None:
        return
    half = path.with_name(f".{path.name}.part")
    try:
        half.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        half.replace(path)
    except OSError as error:
        raise UserError(f"cannot be written: {error.strerror}", file=str(path)) from None


def _remove(path: Path | None) -> None:
    if path is not None:
        with suppress(OSError):
            path.unlink(missing_ok=True)
