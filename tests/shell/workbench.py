"""A lab with a shell over it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from lab.api import Lab
from lab.backends.management import ManagedLab
from lab.runner import play
from lab.shell.session import Output, Shell

Ask = Callable[[str], Awaitable[str]]


class Bench:
    """A running lab and its shell."""

    def __init__(self, lab: Lab, shell: Shell, prompts: list[str]) -> None:
        self.lab, self.shell, self.prompts = lab, shell, prompts

    async def __call__(self, line: str) -> str:
        """Run a line and return what the console shows."""
        return (await self.shell.run(line)).text

    async def output(self, line: str) -> Output:
        return await self.shell.run(line)


@asynccontextmanager
async def bench(
    scenario: str = "healthy",
    *,
    online: bool = False,
    played: bool = False,
    era: str | None = None,
    answers: tuple[str, ...] | None = None,
    width: int = 120,
) -> AsyncIterator[Bench]:
    """Start a scenario with a shell over it; `answers` are what its user says when asked (None: nobody can be asked)."""
    asked = iter(answers or ())
    prompts: list[str] = []

    async def ask(prompt: str) -> str:
        prompts.append(prompt)
        return next(asked)

    async with Lab(scenario, era=era) as lab:
        if played:
            await play(lab.backend)
        world = ManagedLab(lab.backend)
        sides = ("onprem", "online") if online else ("onprem",)
        yield Bench(lab, Shell(world, width=width, sides=sides, ask=ask if answers is not None else None), prompts)
