"""The management shell of a lab that runs elsewhere: the same console, its lines sent over the control API."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING

from lab.shell.completion import Completion
from lab.shell.parser import unfinished
from lab.shell.session import Output, Stream

if TYPE_CHECKING:
    from lab.web.client import Client

_POWERSHELL = ("PS ", "[PS]")


class RemoteShell:
    """Looks to a console as `lab.shell.session.Shell` does. Takes the lab's client and the console's width in columns."""

    def __init__(self, client: Client, *, width: int) -> None:
        self._client, self._width = client, width
        self._name = secrets.token_hex(8)
        self.prompt = "[PS] C:\\>"

    async def run(self, line: str) -> Output:
        """Run a line; return what the console shows. Raises UserError where the lab is gone."""
        body = {"line": line, "shell": self._name, "width": max(self._width, 40)}
        told = await asyncio.to_thread(self._client.change, "POST", "shell", body)
        self.prompt = told["prompt"]
        pieces = tuple((Stream(piece["stream"]), piece["text"]) for piece in told["pieces"])
        return Output(pieces, told["failed"], told["ended"], told["code"])

    def unfinished(self, text: str) -> bool:
        """Whether more lines belong to a text."""
        return self.prompt.startswith(_POWERSHELL) and unfinished(text)

    def complete(self, text: str, position: int) -> list[Completion]:
        """Return what may stand at a position of a text."""
        body = {"line": text[:10_000], "position": position, "shell": self._name}
        return [Completion(**word) for word in self._client.change("POST", "shell/completion", body)["words"]]
