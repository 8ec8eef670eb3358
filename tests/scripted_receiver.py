"""The receiver's side of a session over memory: says lines or bytes, in TLS once it is there, and cut into pieces where asked."""

from __future__ import annotations

from typing import Any, Self

from lab.tls.channel import TlsChannel


class ScriptedReceiver:
    """Takes the session under test and the size of the pieces that it gets (None: whole)."""

    def __init__(self, session: Any, cut: int | None) -> None:
        self.session = session
        self.tls: TlsChannel | None = None
        self._cut = cut

    def says(self, *lines: str) -> Self:
        """Answer."""
        return self.raw(b"".join(line.encode() + b"\r\n" for line in lines))

    def raw(self, data: bytes) -> Self:
        if self.tls is not None:
            self.tls.send(data)
            data = self.tls.outgoing()
        size = self._cut or len(data)
        for start in range(0, len(data), size):
            self.session.receive(data[start : start + size])
        return self
