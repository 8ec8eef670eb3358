"""Writes a bundle of files into a folder, and nothing over somebody's files without being told to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lab.errors import UserError


def make_sure(folder: Path, *, force: bool = False) -> None:
    """Raise UserError where the folder is no place for a bundle, before any work is done for it."""
    for place in (folder, *folder.parents):
        if place.exists():
            if not place.is_dir():
                raise UserError("is a file, not a folder", file=str(place), hint="name a folder that is new or empty")
            break
    try:
        taken = folder.is_dir() and any(folder.iterdir())
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror}", file=str(folder)) from None
    if taken and not force:
        raise UserError(
            "is not empty, and files in it might be overwritten",
            file=str(folder),
            hint="name a folder that is new or empty, or --force",
        )


def write(folder: Path, files: Mapping[str, bytes], *, force: bool = False) -> None:
    """Write files, named by their paths in the folder. Raises UserError where that cannot be done."""
    make_sure(folder, force=force)
    try:
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    except OSError as error:
        raise UserError(f"cannot be written: {error.strerror}", file=str(error.filename or folder)) from None
