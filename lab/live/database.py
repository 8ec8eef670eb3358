"""The state of one lab in SQLite: its tables, its version, and what is done where a file is damaged or from the future.

WAL with `synchronous=FULL`: a commit is on the disk when it returns.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from lab.errors import CannotTest, UserError

VERSION = 1
_APPLICATION = 0x736D6C62  # "smlb"
FILE = "lab.sqlite"
_CHECK_BELOW = 32 * 1024 * 1024  # bytes; a larger file is only checked as it is read

TABLES = {
    "facts": "name TEXT PRIMARY KEY, value TEXT NOT NULL",
    "configurations": "number INTEGER PRIMARY KEY, at TEXT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL, previous INTEGER,"
    " steps TEXT NOT NULL",
    "messages": "host TEXT NOT NULL, id INTEGER NOT NULL, sender TEXT NOT NULL, recipient TEXT NOT NULL, message_id TEXT NOT NULL,"
    " content BLOB NOT NULL, submitted TEXT NOT NULL, outcome TEXT, next_try TEXT, attempts TEXT NOT NULL, words TEXT NOT NULL,"
    " ndr BLOB, PRIMARY KEY (host, id)",
    "mail": "host TEXT NOT NULL, mailbox TEXT NOT NULL, number INTEGER NOT NULL, at TEXT NOT NULL, sender TEXT NOT NULL,"
    " recipients TEXT NOT NULL, message_id TEXT NOT NULL, session TEXT NOT NULL, content BLOB NOT NULL,"
    " PRIMARY KEY (host, mailbox, number)",
    "receipts": "host TEXT NOT NULL, receipt BLOB NOT NULL, epoch INTEGER NOT NULL, PRIMARY KEY (host, receipt)",
    "log_rows": "log TEXT NOT NULL, number INTEGER NOT NULL, rows TEXT NOT NULL, PRIMARY KEY (log, number)",
    "sessions": "number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, host TEXT NOT NULL, began TEXT NOT NULL, peer TEXT NOT NULL,"
    " summary TEXT NOT NULL, entries TEXT NOT NULL",
}


def connect(folder: Path) -> sqlite3.Connection:
    """Open the state in a folder, made where it is not there.

    Raises UserError for a state of a newer version or a damaged one, CannotTest where it cannot be read or written.
    """
    file = folder / FILE
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        database = sqlite3.connect(file, isolation_level=None, check_same_thread=False, timeout=5.0)
        try:
            _prepare(database, file)
        except BaseException:
            database.close()
            raise
        file.chmod(0o600)
    except sqlite3.DatabaseError as error:
        raise explained(error, file) from None
    except OSError as error:
        hint = "set XDG_STATE_HOME to a folder that can be written"
        raise CannotTest(f"cannot be written: {error.strerror}", file=str(error.filename or folder), hint=hint) from None
    return database


def _prepare(database: sqlite3.Connection, file: Path) -> None:
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        raise UserError(
            f"was written by a newer smtplab (state version {version}; this one knows {VERSION})",
            file=str(file), hint="update smtplab, or give the new lab another --name; nothing was changed",
        )  # fmt: skip
    if version == 0 and database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise UserError("is no state of a lab", file=str(file), hint="move it away, or give the lab another --name")
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    if version == 0:
        create(database)
    elif file.stat().st_size < _CHECK_BELOW:
        found = database.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise sqlite3.DatabaseError(found)


def create(database: sqlite3.Connection) -> None:
    """Make the tables."""
    with database:
        database.execute("BEGIN IMMEDIATE")
        for name, columns in TABLES.items():
            database.execute(f"CREATE TABLE {name} ({columns})")
        database.execute(f"PRAGMA application_id={_APPLICATION}")
        database.execute(f"PRAGMA user_version={VERSION}")
        database.execute("COMMIT")


def explained(error: sqlite3.DatabaseError, file: Path) -> UserError:
    """Return the error for what SQLite could not do: CannotTest where the place is to blame, else that the state is damaged."""
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_BUSY", "SQLITE_PERM")):
        hint = "see to space and permissions there, or set XDG_STATE_HOME to another folder; nothing was lost"
        return CannotTest(f"cannot be used: {error}", file=str(file), hint=hint)
    return damaged(error, file)


def damaged(error: Exception, file: Path) -> UserError:
    """Return the error for a state that cannot be read whole; it says what of it can be."""
    rows = readable(file)
    names = {"mail": "delivered messages", "messages": "messages of queues and traces", "sessions": "sessions",
             "configurations": "configurations"}  # fmt: skip
    counted = [f"{len(rows[table])} {what}" for table, what in names.items() if rows.get(table)]
    saved = f"can be saved: {', '.join(counted)}" if counted else "nothing in it can be read"
    return UserError(
        f"is damaged ({' '.join(str(error).split())}); {saved}", file=str(file),
        hint="smtplab up --name NAME --salvage goes on with what can be saved, and keeps the damaged file beside it",
    )  # fmt: skip


def readable(file: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return all rows that can be read from a state, damaged or not, by table; it is opened for reading only."""
    rows: dict[str, list[tuple[object, ...]]] = {table: [] for table in TABLES}
    try:
        database = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    except sqlite3.DatabaseError:
        return rows
    with closing(database):
        for table in TABLES:
            with suppress(sqlite3.DatabaseError):
                for row in database.execute(f"SELECT * FROM {table} NOT INDEXED ORDER BY rowid"):  # noqa: S608
                    rows[table].append(row)  # one by one: what was read before the damage counts
    return rows


def salvage(folder: Path, stamp: str) -> Path:
    """Begin a new state with what can be read of a damaged one; return where the damaged file is kept."""
    file = folder / FILE
    rows = readable(file)
    kept = folder / f"damaged-{stamp}"
    kept.mkdir()
    for name in (FILE, f"{FILE}-wal", f"{FILE}-shm"):
        with suppress(FileNotFoundError):
            (folder / name).rename(kept / name)
    with closing(connect(folder)) as database, database:
        database.execute("BEGIN IMMEDIATE")
        for table, its in rows.items():
            for row in its:
                database.execute(f"INSERT OR IGNORE INTO {table} VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608
        database.execute("COMMIT")
    return kept
