"""What a receiver's session needs of its listener."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Protocol

from lab.net.tap import Tap
from lab.receiving.persona import Persona, SessionFacts
from lab.transcript import Transcript


class Listener(Protocol):
    """What a session needs of its listener (`lab.net.listener.Receiver`)."""

    name: str
    persona: Persona
    transcript: Transcript
    now: Callable[[], datetime]
    minimum_tls: str
    durable: Callable[[], Awaitable[None]] | None
    tap: Tap | None
    hold: Callable[[SessionFacts], Awaitable[None]] | None
    awake: asyncio.Event
    sessions: set[Any]
