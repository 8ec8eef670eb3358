"""What one does to a running lab. Each returns when it is on the disk. Raises UserError for what makes no sense."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Sequence
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

from lab.data import dataclass
from lab.errors import UserError
from lab.hosts.mailhost import MailHost
from lab.live import views
from lab.live.configuration import Configuration, Step, StepKind, Version
from lab.live.laboratory import LiveLab
from lab.scenario import catalogue, change
from lab.scenario.load import load_scenario
from lab.scenario.model import Change
from lab.sending.attempt import Envelope, Outcome
from lab.sending.message import Message

MOST_AT_ONCE = 10_000
_ADDRESS = re.compile(r"[^\s<>@\x00-\x1f\x7f]+@[^\s<>@\x00-\x1f\x7f]+")
_FARTHEST = timedelta(days=3650)
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Post:
    """What to send: along a flow, or from one address to another; `content` as it is, or a plain test message."""

    flow: str | None = None
    sender: str | None = None
    recipient: str | None = None
    content: bytes | None = None
    count: int = 1


async def send(lab: LiveLab, post: Post) -> list[str]:
    """Submit messages at the sender's own host; return their ids once they are kept. Raises UserError, NotKept."""
    host, sender, recipient = _ends(lab, post)
    if not 1 <= post.count <= MOST_AT_ONCE:
        raise UserError(f"{post.count} messages", hint=f"from 1 to {MOST_AT_ONCE} at once")
    if host.asleep and lab.backend.elsewhere:
        raise UserError(f"the host {host.name} is stopped, and takes no mail of its users", hint="smtplab status shows the faults")
    sent = []
    for number in range(post.count):
        content = post.content if post.content is not None else _test_message(lab, sender, recipient)
        message_id = "" if post.count == 1 or number == 0 else f"<{next(_numbers)}.{lab.hub.last_id}@copies.test>"
        if message_id and post.content is not None:  # copies of one message must be messages of their own
            content = _with_message_id(content, message_id)
        sent.append(host.submit(Envelope(sender, (recipient,), content)))
    await lab.backend.hand_over()
    lab.stir()
    await lab.keeper.durable()
    return [f"{host.name}-{message.id}" for message in sent]


def _ends(lab: LiveLab, post: Post) -> tuple[MailHost, str, str]:
    if post.flow is not None:
        flow = " -> ".join(part.strip() for part in post.flow.replace("->", " -> ").split(" -> "))
        ends = lab.backend.topology.flows.get(flow)
        if ends is None:
            raise views.NotThere(f"there is no flow {post.flow!r}", hint=f"flows: {', '.join(lab.backend.topology.flows)}")
        return lab.backend.mail_hosts[flow.partition(" ")[0]], post.sender or ends.sender, post.recipient or ends.recipient
    if post.sender is None or post.recipient is None:
        raise UserError("a message needs a flow, or sender and recipient", hint=f"flows: {', '.join(lab.backend.topology.flows)}")
    for address in (post.sender, post.recipient):
        if not _ADDRESS.fullmatch(address) and not (address == "" and address is post.sender):
            raise UserError(f"{address!r} is no mail address", hint="for instance alice@contoso.test")
    for host in lab.backend.mail_hosts.values():
        if post.sender.lower() in host.mailboxes:
            return host, post.sender, post.recipient
    domain = post.sender.rpartition("@")[2].lower()
    own = {"onprem": lab.backend.topology.exchange.accepted_domains, "online": lab.backend.topology.online.accepted_domains}
    side = next((side for side, domains in own.items() if domain in {one.lower() for one in domains}), "internet")
    return lab.backend.mail_hosts[side], post.sender, post.recipient


def _test_message(lab: LiveLab, sender: str, recipient: str) -> bytes:
    number, now = next(_numbers), lab.clock.now()
    head = f"From: <{sender}>\r\nTo: <{recipient}>\r\nSubject: Test {number} of {lab.name}\r\nDate: {format_datetime(now)}\r\n"
    name = f"Message-ID: <{number}.{now:%Y%m%d%H%M%S%f}@{sender.rpartition('@')[2] or 'lab.test'}>\r\n"
    return f"{head}{name}\r\nThis is a test message of the lab {lab.name}.\r\n".encode()


def _with_message_id(content: bytes, name: str) -> bytes:
    block, separator, body = content.partition(b"\r\n\r\n")
    kept = [line for line in block.split(b"\r\n") if not line.lower().startswith(b"message-id:")]
    return b"\r\n".join([f"Message-ID: {name}".encode(), *kept]) + separator + body


async def retry(lab: LiveLab, name: str | None = None) -> list[str]:
    """Make waiting messages due now, all or one; return their ids. Raises NotThere."""
    chosen: Sequence[tuple[MailHost, Message]]
    if name is not None:
        chosen = [views.message(lab, name)]
    else:
        chosen = [(host, message) for host in lab.backend.mail_hosts.values() for message in host.messages]
    due = [(host, message) for host, message in chosen if message.outcome in (None, Outcome.DEFERRED)]
    for host, message in due:
        message.next_try = lab.clock.now()
        lab.keeper.changed(host.name, message)
    lab.stir()
    await lab.keeper.durable()
    return [f"{host.name}-{message.id}" for host, message in due]


# --- configuration ----------------------------------------------------------------------------------------------------


async def add_fault(lab: LiveLab, name: str) -> Version:
    """Break the lab by a fault of its scenario, or of another: `SCENARIO/NAME`, or `SCENARIO` for its first."""
    if lab.configuration.has(StepKind.FAULT, name):
        raise UserError(f"the fault {name!r} is there already", hint=f"smtplab fault remove {name}")
    step = Step(StepKind.FAULT, name, _fault_changes(lab, name))
    await lab.take(lab.configuration.add(step, lab.clock.now(), f"fault {name}"))
    return lab.configuration.now


def _fault_changes(lab: LiveLab, name: str) -> tuple[Change, ...]:
    own = lab.origin.loaded.scenario.faults
    for fault in own:
        if fault.name == name:
            return fault.changes
    scenario, _, wanted = name.partition("/")
    if name != lab.origin.loaded.name and scenario in catalogue.names():
        for fault in load_scenario(scenario).scenario.faults:
            if wanted in (fault.name, ""):
                return fault.changes
    names = ", ".join(fault.name for fault in own)
    hint = f"its own: {names or 'none'}; smtplab fault list --all shows those of the other scenarios"
    raise views.NotThere(f"there is no fault {name!r}", hint=hint)


async def remove_fault(lab: LiveLab, name: str) -> Version:
    """Take a fault out, as if it had never been there; what was changed since stays."""
    if not lab.configuration.has(StepKind.FAULT, name):
        active = [step.name for step in lab.configuration.now.steps if step.kind is StepKind.FAULT]
        raise views.NotThere(f"the fault {name!r} is not there", hint=f"there are: {', '.join(active) or 'none'}")
    await lab.take(lab.configuration.take_out(StepKind.FAULT, name, lab.clock.now()))
    return lab.configuration.now


async def fix(lab: LiveLab, name: str) -> Version:
    """Apply a fix of the scenario."""
    if lab.origin.loaded.scenario.fix(name) is None:
        known = ", ".join(one.name for one in lab.origin.loaded.scenario.fixes) or "none"
        raise views.NotThere(f"{lab.origin.loaded.name} has no fix {name!r}", hint=f"its fixes: {known}")
    return await lab.fix(name)


async def set_value(lab: LiveLab, path: str, value: Any, how: str = "set") -> Version:
    """Set, add to, or remove what stands at a path of the topology; `how` says which."""
    if how == "set":
        _ = change.get(lab.configuration.data, path)  # every default is written out: what is not there is a slip of the pen
    one = {"set": Change(set=path, to=value), "add": Change(add=path, to=value), "remove": Change(remove=path)}[how]
    text = f"{how} {path}" + (f" {_short(value)}" if how != "remove" else "")
    await lab.take(lab.configuration.add(Step(StepKind.SET, path, (one,)), lab.clock.now(), text))
    return lab.configuration.now


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


async def undo(lab: LiveLab) -> tuple[Version, Version]:
    """Take the last change back; return it, and the version that came of it."""
    undone, topology = lab.configuration.undo(lab.clock.now())
    await lab.take(topology)
    return undone, lab.configuration.now


async def reset(lab: LiveLab) -> Version:
    """Make the lab as it began: mail, queues, logs, sessions and changes are gone; certificates, ports and time stay."""
    await lab.wipe()
    start: Configuration = lab.configuration
    await lab.take(start.reset(lab.clock.now()))
    lab.marks.clear()
    await lab.keeper.durable()
    return lab.configuration.now


async def move_clock(lab: LiveLab, *, forward: timedelta = timedelta(0), speed: float | None = None) -> None:
    """Move the lab's time forward, or let it run faster or slower. Raises UserError."""
    if not timedelta(0) <= forward <= _FARTHEST:
        raise UserError("the lab's clock goes forward only, by ten years at most", hint="for instance smtplab clock +6h")
    if speed is not None and not 0.01 <= speed <= 1_000_000:
        raise UserError(f"{speed:g} is no speed", hint="from 0.01 to 1000000; 1 is real time")
    lab.clock.advance(forward)
    if speed is not None:
        lab.clock.run_at(speed)
    await lab.moved()


async def settle(lab: LiveLab, ids: Sequence[str], seconds: float) -> None:
    """Wait until each of the messages was tried, at most so long."""
    until = asyncio.get_running_loop().time() + seconds
    wanted = [views.message(lab, name)[1] for name in ids]
    while any(one.outcome is None for one in wanted) and asyncio.get_running_loop().time() < until:  # noqa: ASYNC110  (bounded)
        await asyncio.sleep(0.01)
