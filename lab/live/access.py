"""Who may enter a lab that others can reach: an invitation, good once, against a session that lasts.

What the lab is given is the hash of the invitation's secret, so that neither its files nor a swarm's secrets hold what opens it.
A secret has 80 bits: nobody guesses it, neither here nor from the hash.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from pathlib import Path

from lab.errors import CannotTest, UserError

#: Letters and digits that are not taken for each other when they are read from paper.
_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_GROUPS, _GROUP = 4, 4
_FILE = "access.json"
_MOST_SESSIONS = 32  # a student's browsers


def new_secret() -> str:
    """Return a secret as it stands in the access sheet: `K7QF-2MXD-9PRT-4WBA`."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))


def invitation(user: str, secret: str) -> bytes:
    """Return what a lab is given in the place of a user's secret; how the secret is written (case, dashes) does not matter."""
    plain = "".join(c for c in secret.upper() if c.isalnum())
    return _hashed(f"{user}\n{plain}").encode() + b"\n"


class Access:
    """The door of one lab. Takes the lab's folder, its user, and the file that holds the invitation, which may be replaced.

    What was used and whose session lasts is kept in the folder, so that a restart opens nothing again.
    """

    def __init__(self, folder: Path, user: str, offered: Path) -> None:
        self.user, self._offered, self._file = user, offered, folder / _FILE
        self._used: list[str] = []
        self._sessions: list[str] = []
        self._read()

    def _read(self) -> None:
        try:
            kept = json.loads(self._file.read_text(encoding="ascii"))
            self._used, self._sessions = list(kept["used"]), list(kept["sessions"])
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError):
            raise UserError(
                "cannot be read", file=str(self._file), hint="without it an old invitation would be good again"
            ) from None

    def enter(self, user: str, secret: str) -> str | None:
        """Return the token of a new session for an invitation that was not used yet, else None. Raises CannotTest where that
        cannot be kept; the invitation is still good then.
        """
        if user != self.user:  # everybody is told whose lab it is
            return None
        try:
            wanted = self._offered.read_bytes().strip()
        except OSError:
            return None
        shown = invitation(user, secret).strip()
        if not hmac.compare_digest(shown, wanted) or shown.decode() in self._used:
            return None
        token = secrets.token_urlsafe(24)
        used, sessions = [*self._used, shown.decode()], [*self._sessions, _hashed(self.looks(token))][-_MOST_SESSIONS:]
        self._keep(used, sessions)
        self._used, self._sessions = used, sessions
        return token

    def knows(self, token: str) -> bool:
        """Whether a token is that of a session."""
        return self.may_look(self.looks(token))

    def looks(self, token: str) -> str:
        """Return what a session shows to look, and not to change: it travels as a cookie, which other ports of the host are sent."""
        return _hashed(f"look\n{token}")

    def may_look(self, word: str) -> bool:
        """Whether that is of one of the sessions."""
        return _hashed(word) in self._sessions  # what is kept is good for neither

    @property
    def entered(self) -> bool:
        """Whether somebody has come in."""
        return bool(self._sessions)

    def _keep(self, used: list[str], sessions: list[str]) -> None:
        half = self._file.with_suffix(".part")
        try:
            with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
                json.dump({"used": used, "sessions": sessions}, out)
                out.flush()
                os.fsync(out.fileno())
            half.replace(self._file)
        except OSError as error:
            raise CannotTest(f"the session cannot be kept: {error.strerror}", file=str(error.filename)) from None


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
