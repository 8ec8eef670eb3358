"""Puts a running lab's control API up, and lets commands find it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.live.access import Access
    from lab.live.laboratory import LiveLab


@asynccontextmanager
async def served(lab: LiveLab, port: int, *, address: str = "127.0.0.1", access: Access | None = None) -> AsyncIterator[str]:
    """Serve a lab within the block; yield the link to its page, the token in it. Raises CannotTest.

    With a door (`access`) it may be served at an address that others reach.
    """
    from lab.live import places
    from lab.web.serving import serving

    async with serving(lab, port=port, address=address, access=access) as where:
        one = places.Running(lab.name, os.getpid(), str(lab.folder), where.socket, where.url)
        places.announce(one)
        try:
            yield f"{where.url}#{one.token}"  # a fragment: it goes to no server and into no log
        finally:
            places.withdraw(one)
