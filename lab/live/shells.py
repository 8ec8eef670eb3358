"""The management shell over a running lab: sessions by name, each with its variables; what a line changes is in the history."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from lab.backends.management import ManagedLab
from lab.live.configuration import Step, StepKind
from lab.live.laboratory import LiveLab
from lab.scenario.model import Change
from lab.shell.session import Output, Shell

_SESSIONS = 32
_LONGEST = 200  # characters of a line that the history shows


class Shells:
    """Takes the lab. One line runs at a time; the oldest session goes where there are too many."""

    def __init__(self, lab: LiveLab) -> None:
        self._lab = lab
        self._world = ManagedLab(lab.backend, self._change, lab.marks)
        self._sessions: OrderedDict[str, Shell] = OrderedDict()
        self._turn = asyncio.Lock()
        self._line = ""

    def session(self, name: str, width: int = 120) -> Shell:
        """Return a session, made where there is none of this name."""
        if name not in self._sessions:
            self._sessions[name] = Shell(self._world, width=width)
            while len(self._sessions) > _SESSIONS:
                self._sessions.popitem(last=False)
        self._sessions.move_to_end(name)
        return self._sessions[name]

    async def run(self, name: str, line: str, width: int = 120) -> tuple[Output, str]:
        """Run a line in a session; return what it gave and the prompt for the next, once all that it did is kept. Raises NotKept."""
        async with self._turn:
            shell = self.session(name, width)
            self._line = " ".join(line.split())[:_LONGEST]
            output = await shell.run(line)
            self._lab.stir()
            await self._lab.keeper.durable()
            if output.ended:
                del self._sessions[name]
            return output, shell.prompt

    def _change(self, changes: tuple[Change, ...]) -> None:
        lab = self._lab
        step = Step(StepKind.SHELL, self._line, changes)
        lab.take_now(lab.configuration.add(step, lab.clock.now(), self._line))
