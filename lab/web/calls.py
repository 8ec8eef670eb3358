"""Every call of the control API, in one table: method, path, what it takes, what it gives, what it does.

The routes, the checks of what comes in and the OpenAPI document are made from this table and from nothing else.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from pydantic import BaseModel

from lab.data import dataclass
from lab.live import operations, views
from lab.live import summaries as seen
from lab.live.configuration import Version
from lab.live.laboratory import LiveLab
from lab.live.shells import Shells
from lab.live.summaries import printable
from lab.web import answers, requests


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was found good: the lab, its shells, names from the path, parameters and body."""

    lab: LiveLab
    shells: Shells
    path: dict[str, str]
    query: Any
    body: Any


@dataclass(frozen=True, slots=True)
class Call:
    """One call. `does` gives what is answered, or an awaitable of it, of the type `gives`."""

    method: str
    path: str
    name: str
    what: str
    does: Callable[[Asked], Any]
    gives: Any
    query: type[BaseModel] = requests.Nothing
    body: type[BaseModel] | None = None
    status: int = 200

    @property
    def changes(self) -> bool:
        """Whether it needs the token."""
        return self.method != "GET"


def _version(version: Version) -> seen.VersionView:
    return seen.VersionView(version.number, version.at.isoformat(), version.kind, version.text)


async def _send(asked: Asked) -> answers.Sent:
    body = asked.body
    content = base64.b64decode(body.content) if body.content is not None else None
    ids = await operations.send(asked.lab, operations.Post(body.flow, body.sender, body.recipient, content, body.count))
    if body.wait:
        await operations.settle(asked.lab, ids[:100], body.wait)
    return answers.Sent(tuple(ids))


async def _retry(asked: Asked) -> answers.Sent:
    return answers.Sent(tuple(await operations.retry(asked.lab, asked.body.id)))


async def _faults(asked: Asked) -> list[seen.FaultView]:
    if asked.query.every:  # a hundred files are read: not in the loop that carries the lab
        await asyncio.to_thread(views.catalogue_faults)
    return views.faults(asked.lab, every=asked.query.every)


async def _add_fault(asked: Asked) -> seen.VersionView:
    return _version(await operations.add_fault(asked.lab, asked.path["name"]))


async def _remove_fault(asked: Asked) -> seen.VersionView:
    return _version(await operations.remove_fault(asked.lab, asked.path["name"]))


async def _fix(asked: Asked) -> seen.VersionView:
    return _version(await operations.fix(asked.lab, asked.path["name"]))


async def _change(asked: Asked) -> seen.VersionView:
    return _version(await operations.set_value(asked.lab, asked.body.path, asked.body.value, asked.body.how))


async def _undo(asked: Asked) -> answers.Undone:
    undone, now = await operations.undo(asked.lab)
    return answers.Undone(_version(undone), _version(now))


async def _reset(asked: Asked) -> seen.VersionView:
    return _version(await operations.reset(asked.lab))


async def _clock(asked: Asked) -> seen.ClockView:
    await operations.move_clock(asked.lab, forward=timedelta(seconds=asked.body.forward), speed=asked.body.speed)
    return views.clock(asked.lab)


async def _shell(asked: Asked) -> answers.ShellOutput:
    output, prompt = await asked.shells.run(asked.body.shell, asked.body.line, asked.body.width)
    pieces = tuple(answers.ShellPiece(stream.value, printable(text)) for stream, text in output.pieces)
    return answers.ShellOutput(pieces, prompt, output.failed, output.ended, output.code)


async def _complete(asked: Asked) -> answers.Completions:
    body = asked.body
    found = asked.shells.session(body.shell).complete(body.line, min(body.position, len(body.line)))
    return answers.Completions(tuple(answers.CompletionWord(one.text, one.length, one.help) for one in found[:100]))


async def _examine(asked: Asked) -> answers.Report:
    from lab.live.examination import report  # the examiner is only loaded by those who use it

    return answers.Report(printable(await report(asked.lab, asked.body.host)))


def _configuration(asked: Asked) -> answers.Configuration:
    return answers.Configuration(asked.lab.configuration.now.number, asked.lab.configuration.data)


CALLS = (
    Call("GET", "/api/status", "status", "The lab at a glance.", lambda a: views.status(a.lab), seen.Status),
    Call("GET", "/api/flows", "flows", "The flow matrix: the newest message of each flow.",
         lambda a: views.flows(a.lab), list[seen.FlowState]),
    Call("GET", "/api/messages", "messages", "Messages of all hosts, or those that still wait: the queues.",
         lambda a: views.messages(a.lab, queued=a.query.queued, host=a.query.host, limit=a.query.limit, offset=a.query.offset),
         list[seen.MessageSummary], requests.MessageQuery),
    Call("POST", "/api/messages", "send", "Send messages; answered once they are kept.", _send, answers.Sent,
         body=requests.SendBody, status=201),
    Call("GET", "/api/messages/{id}", "trace", "A message and all that happened to it, by its id or Message-ID.",
         lambda a: views.trace(a.lab, a.path["id"]), seen.MessageTrace),
    Call("POST", "/api/queue/retry", "retry", "Try waiting messages now.", _retry, answers.Sent, body=requests.RetryBody),
    Call("GET", "/api/mailboxes", "mailboxes", "All mailboxes.", lambda a: views.mailboxes(a.lab), list[seen.MailboxSummary]),
    Call("GET", "/api/mailboxes/{address}", "mailbox", "What lies in a mailbox.",
         lambda a: views.mailbox(a.lab, a.path["address"], limit=a.query.limit, offset=a.query.offset),
         list[seen.MailSummary], requests.MailboxQuery),
    Call("GET", "/api/mailboxes/{address}/{number}", "mail", "A message of a mailbox: header fields and the beginning of its body.",
         lambda a: views.mail(a.lab, a.path["address"], int(a.path["number"])), seen.MailView),
    Call("GET", "/api/sessions", "sessions", "Sessions, open and ended.",
         lambda a: views.sessions(a.lab, limit=a.query.limit, offset=a.query.offset, host=a.query.host),
         list[seen.SessionSummary], requests.SessionQuery),
    Call("GET", "/api/sessions/{id}", "session", "A session line by line, with the chains of both legs.",
         lambda a: views.session(a.lab, a.path["id"]), seen.SessionDetail),
    Call("GET", "/api/faults", "faults", "Faults that can be switched.",
         _faults, list[seen.FaultView], requests.FaultQuery),
    Call("PUT", "/api/faults/{name}", "addFault", "Break the lab by a fault.", _add_fault, seen.VersionView),
    Call("DELETE", "/api/faults/{name}", "removeFault", "Take a fault out.", _remove_fault, seen.VersionView),
    Call("GET", "/api/fixes", "fixes", "The fixes of the lab's scenario.", lambda a: views.fixes(a.lab), list[seen.FixView]),
    Call("PUT", "/api/fixes/{name}", "fix", "Apply a fix.", _fix, seen.VersionView),
    Call("GET", "/api/configuration", "configuration", "The topology in force.", _configuration, answers.Configuration),
    Call("POST", "/api/configuration", "change", "Change the topology.", _change, seen.VersionView, body=requests.ChangeBody),
    Call("GET", "/api/history", "history", "All versions of the configuration.",
         lambda a: views.history(a.lab), list[seen.VersionView]),
    Call("GET", "/api/differences", "differences", "What was changed since the start.",
         lambda a: views.differences(a.lab), list[seen.DifferenceView]),
    Call("POST", "/api/undo", "undo", "Take the last change back.", _undo, answers.Undone),
    Call("POST", "/api/reset", "reset", "Make the lab as it began: mail, logs and changes are gone.", _reset, seen.VersionView),
    Call("POST", "/api/shell", "shell", "Run a line in the management shell.", _shell, answers.ShellOutput, body=requests.ShellBody),
    Call("POST", "/api/shell/completion", "complete", "What may stand at a place of a line.", _complete, answers.Completions,
         body=requests.CompletionBody),
    Call("POST", "/api/examinations", "examine", "Examine a host of the lab from outside.", _examine, answers.Report,
         body=requests.ExaminationBody),
    Call("GET", "/api/clock", "clock", "The lab's time.", lambda a: views.clock(a.lab), seen.ClockView),
    Call("POST", "/api/clock", "moveClock", "Move the lab's time.", _clock, seen.ClockView, body=requests.ClockBody),
)  # fmt: skip
