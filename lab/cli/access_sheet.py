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
def written(path: Path) -> Iterator[list[Row]]:
    """Yield a list for the rows, written when the block ends well; else there is no file. One that exists is left alone: its
    secrets may be somebody's. Raises UserError.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise UserError("is there already", file=str(path), hint="remove it, or name another with --sheet") from None
    except OSError as error:
        raise UserError(f"cannot be written: {error.strerror}", file=str(path)) from None
    rows: list[Row] = []
    try:
        with os.fdopen(descriptor, "w", newline="", encoding="utf-8") as out:
            yield rows
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(FIELDS)
            writer.writerows(rows)
    except BaseException:
        with suppress(OSError):
            path.unlink()
        raise
