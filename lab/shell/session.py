"""`Shell`: a session over a lab. One line in, text out; variables and connections last from line to line."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum

from lab.data import dataclass
from lab.shell import completion
from lab.shell.binding import Cmdlet
from lab.shell.call import Call
from lab.shell.cmdlets import registry
from lab.shell.display import default_text
from lab.shell.evaluate import Evaluator
from lab.shell.failure import ShellError, Warn
from lab.shell.parser import parse, unfinished
from lab.shell.refused import refusal
from lab.shell.syntax import Node
from lab.shell.values import Block, Record, Value
from lab.shell.world import World

Ask = Callable[[str], Awaitable[str]]
#: Bounds: steps of one line, depth of script blocks, errors that are kept, characters of a line.
_STEPS, _DEPTH, _ERRORS, _LONGEST = 200_000, 30, 256, 100_000
_BREATH = 500  # steps after which the lab's other work may go on
ONPREM, ONLINE = "onprem", "online"


class Stream(StrEnum):
    """Where a piece of the console's text comes from; a console shows errors in red and warnings in yellow."""

    OUTPUT = "output"
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Output:
    """What a line gave: the console's text in pieces, whether it ended in an error, whether the session is over (`exit`)."""

    pieces: tuple[tuple[Stream, str], ...]
    failed: bool = False
    ended: bool = False
    code: int | None = None  # what `exit` was given

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(text for _, text in self.pieces)

    def __str__(self) -> str:
        return self.text


class State:
    """What lasts in a session, and what a cmdlet may touch of it."""

    def __init__(self, world: World, *, width: int, sides: tuple[str, ...], ask: Ask | None) -> None:
        self.world: World = world
        self.width, self.ask = width, ask
        self.sides = list(sides)
        self.variables: dict[str, Value] = {}
        self.errors: list[Value] = []
        self.out: list[tuple[Stream, str]] = []
        self.pending: list[Value] = []  # what the line has written and nobody has seen yet
        self.ok, self.failures = True, 0  # `$?`, and how many errors there were
        self.failed = False
        self.appliance: object | None = None
        self.leaving = False
        self.code: int | None = None
        self.source = ""
        self._steps = 0
        self._depth = 0

    # --- bounds -------------------------------------------------------------------------------------------------------

    def begin(self, source: str) -> None:
        """Begin a line."""
        self.source, self._steps, self._depth = source, 0, 0
        self.out, self.failed, self.pending = [], False, []

    def spend(self) -> bool:
        """Count a step; return whether it is time to let others work. Raises ShellError where a line takes too many."""
        self._steps += 1
        if self._steps > _STEPS:
            raise ShellError(
                f"The line takes more than {_STEPS} steps, which is where this lab's shell stops.", id="TooManySteps", stops=True
            )
        return self._steps % _BREATH == 0

    def enter_block(self) -> None:
        """Go into a script block. Raises ShellError where they nest too deep."""
        self._depth += 1
        if self._depth > _DEPTH:
            self._depth = 0
            raise ShellError("The script failed due to call depth overflow.", id="CallDepthOverflow", stops=True)

    def leave_block(self) -> None:
        """Come out of it."""
        self._depth = max(self._depth - 1, 0)

    # --- variables ----------------------------------------------------------------------------------------------------

    def variable(self, name: str) -> Value:
        """Return a variable's value, null for one that there is not."""
        lower = name.lower()
        scope, colon, rest = lower.partition(":")
        if colon and scope in ("script", "global", "local", "private", "variable"):
            lower = rest
        match lower:
            case "true" | "false":
                return lower == "true"
            case "null":
                return None
            case "?":
                return self.ok
            case "error":
                return list(self.errors)
            case "_" | "psitem":
                return self.variables.get("_")
        return self.variables[lower] if lower in self.variables else registry.fixed_variable(lower, self.world)

    def set_variable(self, name: str, value: Value) -> None:
        """Set a variable. Raises ShellError for one that is read-only."""
        lower = name.lower().partition(":")[2] if name.lower().startswith(("script:", "global:", "local:")) else name.lower()
        if lower in ("true", "false", "null", "?", "error", "psversiontable", "host", "home"):
            message = f"Cannot overwrite variable {name} because it is read-only or constant."
            raise ShellError(
                message,
                category="WriteError",
                id="VariableNotWritable",
                exception="SessionStateUnauthorizedAccessException",
                target=name,
                kind="String",
            )
        self.variables[lower] = value

    # --- cmdlets ------------------------------------------------------------------------------------------------------

    def find_cmdlet(self, name: str, node: Node) -> Cmdlet:
        """Return a cmdlet by its name or alias. Raises ShellError where the session has none."""
        found = registry.find(name, self.sides)
        if found is not None:
            return found
        if (why := refusal(name)) is not None:
            raise ShellError(
                why, category="NotImplemented", id="NotSupported", exception="NotSupportedException", target=name, kind="String",
                start=node.start, end=node.end,
            ).named(name)  # fmt: skip
        message = (
            f"The term '{name}' is not recognized as the name of a cmdlet, function, script file, or operable program. Check the spelling of "
            "the name, or if a path was included, verify that the path is correct and try again."
        )
        raise ShellError(
            message, category="ObjectNotFound", id="CommandNotFoundException", exception="CommandNotFoundException", target=name, kind="String",
            start=node.start, end=node.end,
        ).named(name)  # fmt: skip

    def read_file(self, path: str) -> str:
        """Return the text of one of the lab's files. Raises ShellError where there is no such."""
        from lab.shell.cmdlets.files import read

        return read(self.world, path)

    # --- streams ------------------------------------------------------------------------------------------------------

    def emit(self, line: Warn) -> None:
        """Write to a stream that is not the output."""
        self.flush()
        self.out.append((Stream.WARNING if line.kind else Stream.OUTPUT, line.render(self.width)))

    def flush(self) -> None:
        """Show what the line has written up to now: what comes next on another stream stands below it."""
        if self.pending:
            self.out.append((Stream.OUTPUT, default_text(self.pending, self.width)))
            self.pending.clear()

    def drop(self, streams: tuple[str, ...], since: tuple[int, bool]) -> None:
        """Throw away what was written to streams (`2` errors, `3` warnings, `6` the host's, `*` all) since a place and a state."""
        gone = {
            kind
            for number, kind in (("2", Stream.ERROR), ("3", Stream.WARNING), ("6", Stream.OUTPUT))
            if {number, "*"} & set(streams)
        }
        place, failed = since
        self.out[place:] = [piece for piece in self.out[place:] if piece[0] not in gone]
        self.failed = failed if Stream.ERROR in gone else self.failed

    def fail(self, error: ShellError, call: Call | None = None) -> None:
        """Write an error, as the cmdlet's -ErrorAction or $ErrorActionPreference has it."""
        self.ok = False
        self.failures += 1
        action = (call.text("ErrorAction") if call is not None else None) or str(
            self.variables.get("erroractionpreference") or "Continue"
        )
        if action.lower() != "ignore":
            self.errors.insert(0, record_of(error))
            del self.errors[_ERRORS:]
        if call is not None and call.text("ErrorVariable"):
            name = str(call.text("ErrorVariable"))
            before = self.variable(name.lstrip("+")) if name.startswith("+") else None
            self.set_variable(name.lstrip("+"), [*(before if isinstance(before, list) else []), record_of(error)])
        if action.lower() == "stop":
            error.stops = True
            raise error
        if action.lower() in ("silentlycontinue", "ignore"):
            return
        self.failed = True
        self.flush()
        self.out.append((Stream.ERROR, error.render(self.source, self.width)))

    async def choose(self, call: Call, text: str) -> str:
        """Ask yes, all, no or none; return the letter. Raises ShellError where nobody can be asked."""
        prompt = '[Y] Yes  [A] Yes to All  [N] No  [L] No to All  [?] Help (default is "Y"): '
        if self.ask is None:
            message = "Windows PowerShell is in NonInteractive mode. Read and Prompt functionality is not available."
            raise call.dressed(
                ShellError(
                    message, category="InvalidOperation", id="InvalidOperationException", exception="PSInvalidOperationException"
                )
            )
        for _ in range(20):
            answer = (await self.ask(text + prompt)).strip().lower()
            text = ""
            first = {"yes": "y", "yes to all": "a", "no": "n", "no to all": "l"}.get(answer, answer or "y")
            if first in ("y", "a", "n", "l"):
                return first
            if first == "?":
                text = _HELP
        return "n"


_HELP = """\
Y - Continue with only the next step of the operation.
A - Continue with all the steps of the operation.
N - Skip this operation and proceed with the next operation.
L - Skip this operation and all subsequent operations.
"""


def record_of(error: ShellError) -> Record:
    """Return an error as `$Error` holds it."""
    properties: dict[str, Value] = {
        "Exception": Record(error.exception, {"Message": error.message}, f"{error.exception}: {error.message}"), "TargetObject": error.target,
        "CategoryInfo": f"{error.category}: ({error.target}:{error.kind}) [{error.command}], {error.exception}", "FullyQualifiedErrorId": error.id,
    }  # fmt: skip
    return Record("System.Management.Automation.ErrorRecord", properties, error.message)


def _parsed(line: str) -> tuple[Node, ...]:
    if len(line) > _LONGEST:
        raise ShellError(f"The line is longer than {_LONGEST} characters.", id="LineTooLong", stops=True)
    return parse(line)


class Shell:
    """A session over a world. Takes the console's width in columns, which sides are connected from the start (`onprem` is the
    Exchange Management Shell on the server, `online` needs Connect-ExchangeOnline), and who answers questions (None: nobody).
    """

    def __init__(self, world: World, *, width: int = 120, sides: tuple[str, ...] = (ONPREM,), ask: Ask | None = None) -> None:
        self.state = State(world, width=max(width, 40), sides=sides, ask=ask)

    @property
    def prompt(self) -> str:
        """What the console shows before a line."""
        from lab.shell.appliance_line import Console

        if isinstance(self.state.appliance, Console):
            return self.state.appliance.prompt
        return "[PS] C:\\>" if ONPREM in self.state.sides else "PS C:\\> "

    async def run(self, line: str) -> Output:
        """Run a line or a script and return what the console shows. Never raises for what the line says."""
        state = self.state
        state.begin(line)
        if state.appliance is not None:
            await self._appliance(line)
            return Output(tuple(state.out), state.failed, state.leaving, state.code)
        try:
            for statement in _parsed(line):
                await Evaluator(state, line).body((statement,), state.pending)
                state.flush()
                if state.leaving or state.appliance is not None:
                    break
        except ShellError as error:
            error.stops = False
            state.ok = False
            state.failed = True
            state.flush()
            if not state.errors or state.errors[0] is None or record_of(error) != state.errors[0]:
                state.errors.insert(0, record_of(error))
            state.out.append((Stream.ERROR, error.render(line, state.width)))
        except RecursionError:
            state.failed = True
            state.flush()
            too_deep = ShellError("The script failed due to call depth overflow.", id="CallDepthOverflow", start=0, end=1)
            state.out.append((Stream.ERROR, too_deep.render(line, state.width)))
        return Output(tuple(state.out), state.failed, state.leaving, state.code)

    async def _appliance(self, line: str) -> None:
        from lab.shell.appliance_line import Console

        state = self.state
        assert isinstance(state.appliance, Console)
        for one in line.splitlines():
            text, failed = await state.appliance.run(one)
            state.out.append((Stream.ERROR if failed else Stream.OUTPUT, text))
            state.failed = state.failed or failed
            if state.appliance.over:
                state.appliance = None
                break

    def unfinished(self, text: str) -> bool:
        """Whether a text is only the beginning of something (an open bracket or string), so that more lines belong to it."""
        return self.state.appliance is None and unfinished(text)

    def complete(self, text: str, position: int) -> list[completion.Completion]:
        """Return what may stand at a position of a text: cmdlets, parameters, values."""
        return completion.complete(self.state, text, position)

    def set_variable(self, name: str, value: str | Block | None) -> None:
        """Give a variable a value from outside."""
        self.state.set_variable(name, value)
