"""What one sees of a running lab. Only looks; what is done to a lab is in `lab.live.operations`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache

from lab.errors import UserError
from lab.hosts.mailhost import MailHost
from lab.live.configuration import StepKind
from lab.live.laboratory import LiveLab
from lab.live.recorder import entry_of, line_of
from lab.live.summaries import (
    SIDES,
    WAITING,
    AttemptView,
    CertificateView,
    ChainView,
    ClockView,
    DifferenceView,
    FaultView,
    FixView,
    FlowState,
    HostStatus,
    LegSummary,
    MailboxSummary,
    MailSummary,
    MailView,
    MessageSummary,
    MessageTrace,
    SessionDetail,
    SessionSummary,
    Status,
    TraceEvent,
    VersionView,
    mail_summary,
    message_summary,
    printable,
)
from lab.network.config import Partition
from lab.scenario import catalogue
from lab.scenario.remembered import remembered_scenario
from lab.sending.attempt import Attempt, Outcome
from lab.sending.message import Delivered, Message
from lab.smtp.headers import header_block
from lab.tls.certificate import Certificate
from lab.transcript import Entry, Kind

SHOWN_TEXT = 64 * 1024  # bytes of a message's body that a view holds
_SEARCHED = 20_000  # messages of a host that the matrix looks through


class NotThere(UserError):
    """What was asked for by name does not exist."""


def status(lab: LiveLab) -> Status:
    """Return the lab at a glance."""
    topology, origin = lab.backend.topology, lab.origin
    names = {"appliance": topology.appliance.name, "exchange": topology.exchange.name, "online": topology.online.name,
             "internet": topology.internet.name}  # fmt: skip
    certificates = {"appliance": topology.appliance.certificates, "online": (topology.online.certificate,),
                    "exchange": tuple(one.certificate for one in topology.exchange.certificates),
                    "internet": (topology.internet.certificate,) if topology.internet.certificate else ()}  # fmt: skip
    hosts = []
    for name in origin.ports:
        place = lab.lab.endpoint(name)
        stopped = lab.backend.network.stopped.get(name)
        state = stopped.value if stopped else "up"
        hosts.append(HostStatus(name, names.get(name, ""), place.address, place.port, certificates.get(name, ()), state))
    counts = Counter(message.outcome.value if message.outcome else WAITING for _, message in _messages(lab))
    steps = lab.configuration.now.steps
    scenario = origin.loaded.scenario
    return Status(
        lab.name, origin.loaded.name, scenario.title, scenario.report, scenario.why, topology.online.era.value, str(lab.folder),
        str(lab.lab.ca_file), lab.began.isoformat(), lab.clock.now().isoformat(), lab.clock.speed, tuple(hosts),
        {host.name: tuple(host.mailboxes) for host in lab.backend.mail_hosts.values()},
        tuple(step.name for step in steps if step.kind is StepKind.FAULT),
        tuple(step.name for step in steps if step.kind is StepKind.FIX),
        lab.configuration.now.number, lab.recorder.count, dict(counts), lab.hub.last_id, lab.keeper.failure,
        tuple(map(_cut_way, topology.network.partitions)), "docker" if lab.backend.elsewhere else "embedded",
    )  # fmt: skip


def _cut_way(partition: Partition) -> str:
    by = f", begun by {partition.begun_by}" if partition.begun_by else ""
    return f"{' - '.join(partition.between)} ({partition.packets}{by})"


def _messages(lab: LiveLab) -> Iterator[tuple[MailHost, Message]]:
    for host in lab.backend.mail_hosts.values():
        for message in host.messages:
            yield host, message


# --- flows ------------------------------------------------------------------------------------------------------------


def flows(lab: LiveLab) -> list[FlowState]:
    """Return the matrix: each flow with the newest message along it."""
    newest: dict[str, tuple[MailHost, Message]] = {}
    sides = _sides(lab)
    for host in lab.backend.mail_hosts.values():
        wanted = {flow for flow in lab.backend.topology.flows if flow.startswith(f"{SIDES[host.name]} -> ")}
        for message in host.messages[: -_SEARCHED - 1 : -1]:
            side = sides.get(message.envelope.recipients[0].lower())
            flow = f"{SIDES[host.name]} -> {side}"
            if flow in wanted and message.envelope.sender:
                newest[flow] = (host, message)
                wanted.discard(flow)
                if not wanted:
                    break
    rows = []
    for flow, ends in lab.backend.topology.flows.items():
        if flow not in newest:
            rows.append(FlowState(flow, ends.sender, ends.recipient, "none"))
            continue
        host, message = newest[flow]
        last = message.attempts[-1] if message.attempts else None
        summary = message_summary(host.name, message)
        rows.append(
            FlowState(
                flow, summary.sender, summary.recipient, summary.outcome, last.security.value if last else None,
                last.reason.id.value if last and last.reason else None, _findings(last), summary.last_error,
                (last.at if last else message.submitted).isoformat(), summary.id, summary.session,
            )
        )  # fmt: skip
    return rows


def _sides(lab: LiveLab) -> dict[str, str]:
    """The side on which an address has its mailbox."""
    sides = {mailbox: side for side, host in lab.backend.mail_hosts.items() for mailbox in host.mailboxes}
    for address, target in lab.backend.exchange.config.remote.items():
        sides.setdefault(address.lower(), sides.get(target.lower(), "online"))
    return sides


def _findings(attempt: Attempt | None) -> tuple[str, ...]:
    return tuple(finding.id.value for finding in attempt.verdict.findings) if attempt and attempt.verdict else ()


# --- messages ---------------------------------------------------------------------------------------------------------


def messages(
    lab: LiveLab, *, queued: bool = False, host: str | None = None, limit: int = 100, offset: int = 0
) -> list[MessageSummary]:
    """Return messages, newest first and without the `offset` newest: all, those of one host, or those that still wait (the queues)."""
    if host is not None and host not in SIDES:
        raise NotThere(f"there is no host {host!r} with a queue", hint=f"hosts: {', '.join(SIDES)}")
    found = [
        (one.submitted, where.name, one)
        for where, one in _messages(lab)
        if (host is None or where.name == host) and (not queued or one.outcome in (None, Outcome.DEFERRED))
    ]
    found.sort(key=lambda row: row[0], reverse=True)
    return [message_summary(name, one) for _, name, one in found[offset : offset + limit]]


def message(lab: LiveLab, name: str) -> tuple[MailHost, Message]:
    """Return a message by its id, `HOST-NUMBER`, or its Message-ID. Raises NotThere."""
    host_name, _, number = name.rpartition("-")
    bare = name.strip("<>")
    for host, one in _messages(lab):
        if host.name == host_name and str(one.id) == number:
            return host, one
        if one.envelope.message_id.strip("<>") == bare:
            return host, one
    raise NotThere(f"there is no message {name!r}", hint="see smtplab trace for those that there are")


def trace(lab: LiveLab, name: str) -> MessageTrace:
    """Return a message and all that happened to it. Raises NotThere."""
    host, one = message(lab, name)
    words = iter(one.words)
    attempts = tuple(_attempt(each, next(words, None) if each.outcome is not Outcome.DELIVERED else None) for each in one.attempts)
    same = [(where, other) for where, other in _messages(lab) if other.envelope.message_id == one.envelope.message_id]
    elsewhere = tuple(message_summary(where.name, other) for where, other in same if other is not one)
    return MessageTrace(
        message_summary(host.name, one), attempts, tuple(_events(lab, host, one)), elsewhere,
        tuple(row for row in _all_mail(lab) if row.message_id == one.envelope.message_id),
    )  # fmt: skip


def _attempt(attempt: Attempt, words: str | None) -> AttemptView:
    reason, reply = attempt.reason, attempt.reply or (attempt.reason.reply if attempt.reason else None)
    return AttemptView(
        attempt.at.isoformat(), attempt.outcome.value, attempt.target, f"{attempt.address}:{attempt.port}" if attempt.address else "",
        attempt.security.value, reason.id.value if reason else None, (reason.phase or None) if reason else None,
        printable(reply.text) if reply else None, _findings(attempt), printable(words) if words else None, attempt.session or None,
    )  # fmt: skip


def _events(lab: LiveLab, host: MailHost, one: Message) -> Iterator[TraceEvent]:
    """The host's own record: Exchange Online's trace, Exchange's tracking log."""
    if host is lab.backend.online:
        for event in lab.backend.online.trace_of(one).Events:
            yield TraceEvent(event.Date.isoformat(), event.Event, event.Action, event.Detail)
    for row in lab.backend.exchange.log_rows["tracking"]:
        if row["message-id"] == one.envelope.message_id:
            yield TraceEvent(row["date-time"], row["event-id"], row["source"], row.get("recipient-status", ""))


# --- mailboxes --------------------------------------------------------------------------------------------------------


def mailboxes(lab: LiveLab) -> list[MailboxSummary]:
    """Return all mailboxes."""
    hosts = lab.backend.mail_hosts.values()
    return [MailboxSummary(host.name, address, len(mail)) for host in hosts for address, mail in host.mailboxes.items()]


def _all_mail(lab: LiveLab) -> Iterator[MailSummary]:
    for host in lab.backend.mail_hosts.values():
        for address, mail in host.mailboxes.items():
            yield from (mail_summary(host.name, address, number, one) for number, one in enumerate(mail))


def mailbox(lab: LiveLab, address: str, *, limit: int = 100, offset: int = 0) -> list[MailSummary]:
    """Return what lies in a mailbox, newest first and without the `offset` newest. Raises NotThere."""
    host, mail = _mailbox(lab, address)
    newest = range(len(mail) - 1, -1, -1)[offset : offset + limit]
    return [mail_summary(host.name, address.lower(), number, mail[number]) for number in newest]


def _mailbox(lab: LiveLab, address: str) -> tuple[MailHost, list[Delivered]]:
    for host in lab.backend.mail_hosts.values():
        if address.lower() in host.mailboxes:
            return host, host.mailboxes[address.lower()]
    known = [one for host in lab.backend.mail_hosts.values() for one in host.mailboxes]
    raise NotThere(f"there is no mailbox {address!r}", hint=f"mailboxes: {', '.join(known[:12])}")


def delivered(lab: LiveLab, address: str, number: int) -> tuple[MailSummary, Delivered]:
    """Return a message of a mailbox whole. Raises NotThere."""
    host, mail = _mailbox(lab, address)
    if not 0 <= number < len(mail):
        raise NotThere(f"there is no message {number} in {address}", hint=f"it holds {len(mail)}")
    return mail_summary(host.name, address.lower(), number, mail[number]), mail[number]


def mail(lab: LiveLab, address: str, number: int) -> MailView:
    """Return a message of a mailbox: all header fields, and the beginning of the body as text. Raises NotThere."""
    summary, one = delivered(lab, address, number)
    content = one.envelope.content
    block = header_block(content)
    fields: list[tuple[str, str]] = []
    for line in block.split(b"\r\n"):
        text = line.decode("utf-8", "backslashreplace")
        if line[:1].isspace() and fields:
            fields[-1] = (fields[-1][0], f"{fields[-1][1]}\n{text}")
        elif line:
            name, _, value = text.partition(":")
            fields.append((name, value.strip()))
    body = content[len(block) + 4 :]
    return MailView(summary, tuple(fields), body[:SHOWN_TEXT].decode("utf-8", "backslashreplace"), max(len(body) - SHOWN_TEXT, 0))


# --- sessions ---------------------------------------------------------------------------------------------------------


def sessions(lab: LiveLab, *, limit: int = 100, offset: int = 0, host: str | None = None) -> list[SessionSummary]:
    """Return sessions, newest first, those of earlier lives of the lab too; `offset` leaves so many of the newest out."""
    recent = [one for one in reversed(lab.recorder.sessions.values()) if host is None or one.host == host]
    end = offset + limit
    found = [lab.recorder.summary(one) for one in recent[offset:end]]
    if len(recent) < end:
        known = {one.id for one in recent}
        kept = (json.loads(text) for text in lab.keeper.kept_sessions(end, host))  # some of them are the recent ones
        older = [summary for summary in kept if summary["id"] not in known]
        found += map(summary_of, older[max(offset - len(recent), 0) : end - len(recent)])
    return found


def session_entries(lab: LiveLab, name: str) -> tuple[SessionSummary, list[Entry]]:
    """Return a session with its entries. Raises NotThere."""
    session = lab.recorder.sessions.get(name)
    if session is not None:
        return lab.recorder.summary(session), session.entries
    kept = lab.keeper.kept_session(name)
    if kept is None:
        raise NotThere(f"there is no session {name!r}", hint="see smtplab transcript for those that there are")
    return summary_of(json.loads(kept[0])), [entry_of(name, data) for data in json.loads(kept[1])]


def session(lab: LiveLab, name: str) -> SessionDetail:
    """Return a session line by line, with the chains of both legs. Raises NotThere."""
    summary, entries = session_entries(lab, name)
    began = entries[0].at if entries else 0.0
    return SessionDetail(summary, tuple(line_of(entry, began) for entry in entries), tuple(chains(entries)))


def chains(entries: Iterable[Entry]) -> Iterator[ChainView]:
    """Yield the chains that were shown in a session, each with what its viewer found."""
    entries = list(entries)
    verdicts = {entry.leg: entry.detail["verdict"] for entry in entries if entry.kind is Kind.VERDICT}
    for entry in entries:
        if entry.kind is Kind.CERTIFICATES:
            shown = tuple(entry.detail["chain"])
            verdict = verdicts.get(entry.leg)
            judged = verdict is not None and tuple(verdict.chain) == shown
            found = tuple(finding.id.value for finding in verdict.findings) if judged and verdict else ()
            shown_by = str(entry.detail["shown_by"])
            yield ChainView(entry.leg.value, shown_by, tuple(map(certificate, shown)), judged, found)


def certificate(one: Certificate) -> CertificateView:
    """Return a certificate's facts."""
    return CertificateView(
        one.subject, one.issuer, one.dns_names, one.not_before.isoformat(), one.not_after.isoformat(), one.key, one.thumbprint
    )


def summary_of(data: dict[str, object]) -> SessionSummary:
    """Return the summary that was kept as plain data."""
    fields: dict[str, object] = dict(data)
    legs = fields.pop("legs")
    assert isinstance(legs, list)
    fields["legs"] = tuple(LegSummary(**{**leg, "findings": tuple(leg.get("findings", ()))}) for leg in legs)
    fields["behaviours"] = tuple(fields["behaviours"])  # type: ignore[arg-type]
    return SessionSummary(**fields)  # type: ignore[arg-type]


# --- configuration ----------------------------------------------------------------------------------------------------


def faults(lab: LiveLab, *, every: bool = False) -> list[FaultView]:
    """Return the faults that can be switched: the scenario's own, those in force, and with `every` all of the catalogue."""
    own = lab.origin.loaded
    active = [step.name for step in lab.configuration.now.steps if step.kind is StepKind.FAULT]
    rows = [FaultView(fault.name, own.name, fault.what, fault.name in active) for fault in own.scenario.faults]
    known = {row.name for row in rows}
    for row in catalogue_faults() if every else ():
        if row.scenario != own.name:
            rows += [FaultView(row.name, row.scenario, row.what, row.name in active)]
    known |= {row.name for row in rows}
    rows += [FaultView(name, name.partition("/")[0], "", True) for name in active if name not in known]
    return rows


@lru_cache(maxsize=1)
def catalogue_faults() -> tuple[FaultView, ...]:
    """Return the faults of all scenarios of the catalogue; the first call reads them all."""
    rows = []
    for name in catalogue.names():
        loaded = remembered_scenario(name)
        rows += [
            FaultView(f"{name}/{fault.name}", name, fault.what or loaded.scenario.title, False) for fault in loaded.scenario.faults
        ]
    return tuple(rows)


def fixes(lab: LiveLab) -> list[FixView]:
    """Return the fixes of the lab's scenario."""
    has = lab.configuration.has
    return [
        FixView(fix.name, fix.what, fix.cures.value, fix.weakens, has(StepKind.FIX, fix.name))
        for fix in lab.origin.loaded.scenario.fixes
    ]


def history(lab: LiveLab) -> list[VersionView]:
    """Return the versions of the configuration, oldest first."""
    return [VersionView(one.number, one.at.isoformat(), one.kind, one.text) for one in lab.configuration.versions]


def differences(lab: LiveLab) -> list[DifferenceView]:
    """Return where the configuration is not as at the start."""
    return [DifferenceView(one.path, one.before, one.after) for one in lab.configuration.differences()]


def clock(lab: LiveLab) -> ClockView:
    """Return the lab's time and the real one."""
    return ClockView(lab.clock.now().isoformat(), datetime.now(UTC).isoformat(), lab.clock.speed)
