"""Numbers as Exchange prints them, on-premises and online."""

from __future__ import annotations

import hashlib


def session_number(session: str) -> str:
    """Return 16 hex digits for a session, as Exchange prints them (`08DD2CB85E2FE9DB`); the same at each call."""
    return "08DD" + hashlib.sha256(session.encode()).hexdigest()[:12].upper()
