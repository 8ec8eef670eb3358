"""What a request may say: parameters and bodies as typed data, from which pydantic makes both the checks and the schemas."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

_HOSTS = Literal["exchange", "online", "internet"]
_EVERY_HOST = Literal["exchange", "online", "internet", "appliance"]
#: A whole number as JSON Schema has it: 3.0 is one.
_WHOLE = BeforeValidator(lambda value: int(value) if isinstance(value, float) and value.is_integer() else value)
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Address = Annotated[str, Field(min_length=3, max_length=320, pattern=r"^[^\s<>@\x00-\x1f\x7f]+@[^\s<>@\x00-\x1f\x7f]+$")]
#: Exact, since Python's own decoder takes nearly anything.
_BASE64 = r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
Base64 = Annotated[str, Field(pattern=_BASE64, description="The message, byte for byte, base64; a test message by default.")]
Limit = Annotated[int, Field(ge=1, le=1000, description="At most so many, newest first.")]


Offset = Annotated[int, Field(ge=0, le=10_000_000, description="So many of the newest are left out.")]


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Body(_Said):
    model_config = ConfigDict(extra="forbid", strict=True)


class Nothing(_Said):
    """No parameters."""


class MessageQuery(_Said):
    """Which messages to list."""

    queued: Annotated[bool, Field(description="Only those that still wait.")] = False
    host: _HOSTS | None = None
    limit: Limit = 100
    offset: Offset = 0


class SessionQuery(_Said):
    """Which sessions to list."""

    host: _EVERY_HOST | None = None
    limit: Limit = 100
    offset: Offset = 0


class MailboxQuery(_Said):
    """Which messages of a mailbox to list."""

    limit: Limit = 100
    offset: Offset = 0


class FaultQuery(_Said):
    """Which faults to list."""

    every: Annotated[bool, Field(description="Those of all scenarios of the catalogue, too.")] = False


class SendBody(_Body):
    """What to send: along a flow, or from an address to another."""

    flow: Annotated[str, Field(max_length=100, description="Such as `online -> onprem`.")] | None = None
    sender: Address | None = None
    recipient: Address | None = None
    content: Base64 | None = None
    count: Annotated[int, Field(ge=1, le=10_000), _WHOLE] = 1
    wait: Annotated[float, Field(ge=0, le=60, description="Seconds to wait until each was tried.")] = 0


class RetryBody(_Body):
    """Which waiting message to try now; all by default."""

    id: Name | None = None


class ChangeBody(_Body):
    """A change of the topology: at a path, such as `online.outbound_connectors[0].TlsSettings`."""

    path: Annotated[str, Field(min_length=1, max_length=500)]
    how: Literal["set", "add", "remove"] = "set"
    value: Any = None


class ClockBody(_Body):
    """How to move the lab's time."""

    forward: Annotated[float, Field(ge=0, le=315_360_000, description="Seconds.")] = 0
    speed: Annotated[float, Field(ge=0.01, le=1_000_000)] | None = None


class ShellBody(_Body):
    """A line for the management shell."""

    line: Annotated[str, Field(max_length=10_000)]
    shell: Annotated[str, Field(max_length=64, description="Lines with the same word here share variables.")] = ""
    width: Annotated[int, Field(ge=40, le=1000, description="Columns of the console, for the first line of a session."), _WHOLE] = (
        120
    )


class ExaminationBody(_Body):
    """Which host to examine."""

    host: _EVERY_HOST


class CompletionBody(_Body):
    """A line of the management shell that is not complete, and where the cursor stands in it."""

    line: Annotated[str, Field(max_length=10_000)]
    position: Annotated[int, Field(ge=0, le=10_000), _WHOLE]
    shell: Annotated[str, Field(max_length=64)] = ""
