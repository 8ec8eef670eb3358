"""The access sheet of a class: a CSV file with a row for each student, which only its owner can read."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lab.errors import UserError

FIELDS = ("user", "address", "secret")
Row = tuple[str, str, str]


@contextmanager
def written(path: Path, instead: str = "name another with --sheet") -> Iterator[list[Row]]:
    """Yield a list for the rows, written when the block ends well; else there is no file. One that exists is left alone: its
    secrets may be somebody's, and the user is told what to do `instead`. Raises UserError.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise UserError("is there already", file=str(path), hint=f"remove it, or {instead}") from None
    except OSError as error:
        raise UserError(f"cannot be written: {error.strerror}", file=str(path)) from None
    rows: list[Row] = []
    try:
        with os.fdopen(descriptor, "w", newline="", encoding="utf-8") as out:
            yield rows
            try:
                csv.writer(out, lineterminator="\n").writerows([FIELDS, *rows])
                out.flush()
            except OSError as error:
                raise UserError(f"cannot be written: {error.strerror}", file=str(path)) from None
    except BaseException:
        with suppress(OSError):
            path.unlink()
        raise
