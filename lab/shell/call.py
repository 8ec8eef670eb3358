"""One call of a cmdlet: what it was given, and what it may do with the shell around it."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import field
from typing import TYPE_CHECKING, Any, Protocol

from lab.data import dataclass
from lab.shell.binding import Bound, Cmdlet
from lab.shell.failure import Remote, ShellError, Warn
from lab.shell.syntax import Command
from lab.shell.values import Block, Value

if TYPE_CHECKING:
    from lab.shell.session import State
    from lab.shell.world import World


class Evaluate(Protocol):
    """Runs a script block with `$_`; what it writes is returned, and added to `out` as soon as it is there."""

    def __call__(self, block: Block, item: Value, out: list[Value] | None = None) -> Awaitable[list[Value]]: ...


@dataclass(slots=True)
class Call:
    """See the module. `given` are the arguments under their parameters' names, `input` what came down the pipeline (`piped`: whether
    there was a pipeline at all).
    """

    cmdlet: Cmdlet
    bound: Bound
    input: list[Value]
    piped: bool
    state: State
    node: Command
    run_block: Evaluate
    out: list[Value] = field(default_factory=list)
    choice_for_all: bool | None = None

    @property
    def world(self) -> World:
        """The lab."""
        return self.state.world

    def __contains__(self, name: str) -> bool:
        return name in self.bound.given

    def get(self, name: str) -> Any:
        """Return what a parameter was given, None where nothing."""
        return self.bound.given.get(name)

    def text(self, name: str) -> str | None:
        """Return a string parameter."""
        value = self.bound.given.get(name)
        return value if isinstance(value, str) else None

    def on(self, name: str) -> bool:
        """Whether a switch is on."""
        return self.bound.given.get(name) is True

    def strings(self, name: str) -> list[str]:
        """Return a parameter of strings."""
        value = self.bound.given.get(name)
        return (
            [one for one in value if isinstance(one, str)] if isinstance(value, list) else [value] if isinstance(value, str) else []
        )

    # --- the other streams --------------------------------------------------------------------------------------------

    def warn(self, text: str) -> None:
        """Write a warning."""
        if self.text("WarningAction") not in ("SilentlyContinue", "Ignore"):
            self.state.emit(Warn(text))

    def verbose(self, text: str) -> None:
        """Write to the verbose stream, where -Verbose asks for it."""
        if self.on("Verbose"):
            self.state.emit(Warn(text, "VERBOSE"))

    def say(self, text: str) -> None:
        """Write a line to the console past the pipeline, as Write-Host does."""
        self.state.emit(Warn(text, ""))

    def fail(self, error: ShellError) -> None:
        """Write an error and go on."""
        self.state.fail(self.dressed(error), self)

    # --- errors -------------------------------------------------------------------------------------------------------

    def dressed(self, error: ShellError) -> ShellError:
        """Give an error the cmdlet's name and place."""
        error.command = error.command or self.cmdlet.name
        return error.at(self.node.start, self.node.end)

    def error(
        self, message: str, exception: str, *, category: str = "NotSpecified", target: str = "", kind: str = "", id: str = ""
    ) -> ShellError:
        """Return an error of this cmdlet: a remote session's for one of Exchange's, else one with a place."""
        if not self.cmdlet.side:
            identifier = f"{id or exception},{self.cmdlet.class_name}"
            made = ShellError(message, category=category, id=identifier, exception=exception, target=target, kind=kind)
            return self.dressed(made)
        server, computer = self.world.session(self.cmdlet.side)
        remote = Remote(
            server,
            computer,
            self.cmdlet.task or f"Microsoft.Exchange.Management.{self.cmdlet.name.replace('-', '')}",
            self.world.now(),
        )
        return self.dressed(ShellError(message, category=category, exception=exception, target=target, kind=kind, remote=remote))

    def not_found(self, identity: str) -> ShellError:
        """Return Exchange's error for an object that is not there (learn.microsoft.com/answers, many samples)."""
        where = self.world.domain_controller(self.cmdlet.side)
        message = f"The operation couldn't be performed because object '{identity}' couldn't be found on '{where}'."
        return self.error(message, "ManagementObjectNotFoundException")

    def check_server(self, *, param: str = "Server") -> None:
        """See that -Server, where it is given, names the one server that there is. Raises the not-found error."""
        given = self.text(param)
        if given is not None and given.lower() not in (name.lower() for name in self.world.session("onprem")):
            raise self.not_found(given)

    # --- questions ----------------------------------------------------------------------------------------------------

    async def may(self, target: str, operation: str = "", question: str = "", *, ask: bool = False) -> bool:
        """Whether to go on with a change: -WhatIf says no and what it would be, -Confirm and `ask` ask first.

        The words are about_CommonParameters' and those of remote sessions (no Suspend); Exchange's own words for what is done are
        unsourced but for those that a cmdlet gives here.
        """
        doing = operation or f'Performing the operation "{self.cmdlet.name}" on target "{target}".'
        if self.on("WhatIf"):
            self.say(f"What if: {doing}")
            return False
        confirm = self.get("Confirm")
        if confirm is False or (confirm is None and not ask):
            return True
        if self.choice_for_all is not None:
            return self.choice_for_all
        body = question or f"Are you sure you want to perform this action?\n{doing}"
        answer = await self.state.choose(self, f"\nConfirm\n{body}\n")
        if answer in ("a", "l"):
            self.choice_for_all = answer == "a"
        return answer in ("y", "a")
