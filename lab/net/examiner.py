"""Carries examinations over real connections: the session first, then the probes for versions and suites side by side."""

from __future__ import annotations

import asyncio
import errno
import os
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from lab.check import probe, score, strength
from lab.check.encryption import is_address
from lab.check.findings import SessionFindingId as F
from lab.check.result import CipherProbe, Examination, Exchanger, HostResult, Stage, StageResult, State, Target, VersionProbe
from lab.check.session import ExamSession
from lab.check.setting import Setting
from lab.evidence.wire import Ending, Wire, WireRecorder
from lab.net.exchangers import Names
from lab.tls.suites import Weakness, suites

if TYPE_CHECKING:
    from lab.net.examined_policies import Policies

_AT_ONCE = 12  # connections of one examination; receivers count them
_NO_ROUTE = frozenset({errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})
_LINGER = 1.0  # seconds for a peer to take our last words


class _Carried(Protocol):
    """A session as the carrier sees it."""

    @property
    def ended(self) -> bool: ...
    @property
    def deadline(self) -> float: ...
    def connected(self, local: tuple[str, int]) -> None: ...
    def receive(self, data: bytes) -> None: ...
    def closed(self, error: str = "") -> None: ...
    def timed_out(self) -> None: ...
    def not_connected(self, finding: F, detail: str) -> None: ...
    def outgoing(self) -> bytes: ...


class Record:
    """A record of one connection that is to be made, and its clock."""

    def __init__(self, address: str, port: int, name: str, label: str) -> None:
        self._base = time.monotonic()
        self.recorder = WireRecorder(began=datetime.now(UTC), remote=(address, port), name=name, label=label)

    def now(self) -> float:
        """Return the seconds since the record began."""
        return time.monotonic() - self._base


class _Wire(asyncio.Protocol):
    """One connection: hands bytes to the session and its bytes to the wire, and wakes it when its patience ends."""

    def __init__(self, session: _Carried, record: Record | None) -> None:
        self._session, self._record = session, record
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.lost: asyncio.Future[None] = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # uvloop's is no subclass of asyncio's
        if self._session.ended:  # the connection came when patience had ended
            transport.abort()  # type: ignore[attr-defined]
            return
        local = transport.get_extra_info("sockname")
        ours = (str(local[0]), int(local[1]))
        if self._record is not None:
            self._record.recorder.connect(self._record.now(), ours)
        self._watch()
        self._do(lambda: self._session.connected(ours))

    def data_received(self, data: bytes) -> None:
        if self._record is not None:
            self._record.recorder.carried(self._record.now(), data, outward=False)
        if not self._session.ended:
            self._do(lambda: self._session.receive(data))

    def eof_received(self) -> bool:
        self._over(Ending.PEERS)
        self._do(self._session.closed)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        error = f"the connection broke: {exc.strerror or exc}" if isinstance(exc, OSError) else ""
        self._over(Ending.RESET if error else Ending.PEERS)
        self._do(lambda: self._session.closed(error))
        if self._timer is not None:
            self._timer.cancel()
        if not self.lost.done():
            self.lost.set_result(None)

    def _do(self, step: Callable[[], None]) -> None:
        """Let the session take a step; a bug in it must end the wait and be seen."""
        try:
            step()
            self._flush()
        except Exception as bug:  # in a callback of the loop's, where it would be lost: it is raised where the session is awaited
            if not self.lost.done():
                self.lost.set_exception(bug)
            if self._transport is not None:
                self._transport.abort()

    def _flush(self) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if data := self._session.outgoing():
            transport.write(data)
            if self._record is not None:
                self._record.recorder.carried(self._record.now(), data, outward=True)
        if self._session.ended:
            self._over(Ending.OURS)
            transport.close()
            self._loop.call_later(_LINGER, transport.abort)

    def _over(self, ending: Ending) -> None:
        if self._record is not None:
            self._record.recorder.end(self._record.now(), ending)

    def _watch(self) -> None:
        """Sleep until the deadline as it is now; if it has moved meanwhile, sleep again."""
        left = self._session.deadline - time.monotonic()
        if self._session.ended:
            return
        if left <= 0:
            self._do(self._session.timed_out)
            left = self._session.deadline - time.monotonic()
        if not self._session.ended:
            self._timer = self._loop.call_later(max(left, 0.001), self._watch)


async def carry(session: _Carried, address: str, port: int, record: Record | None = None) -> None:
    """Connect and let a session speak until it has ended; keep the record of the connection where one is wanted.

    Never raises for what a peer does.
    """
    loop = asyncio.get_running_loop()
    try:
        connecting = loop.create_connection(lambda: _Wire(session, record), address, port)
        _, wire = await asyncio.wait_for(connecting, session.deadline - time.monotonic())
    except TimeoutError:
        session.timed_out()
        _not_made(record, Ending.UNANSWERED)
    except OSError as error:
        session.not_connected(*_why(error, address, port))
        _not_made(record, Ending.REFUSED if error.errno == errno.ECONNREFUSED else Ending.UNANSWERED)
    else:
        await wire.lost


def _not_made(record: Record | None, ending: Ending) -> None:
    if record is not None:
        record.recorder.end(record.now(), ending)


def _why(error: OSError, address: str, port: int) -> tuple[F, str]:
    where = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    number = error.errno
    if number == errno.ECONNREFUSED:
        return F.CONNECTION_REFUSED, f"{where} refuses connections"
    if number == errno.ETIMEDOUT:
        return F.CONNECTION_TIMED_OUT, f"no connection to {where}"
    if ":" in address and number in _NO_ROUTE:
        return F.NO_IPV6_HERE, f"this machine has no way to {where}: {os.strerror(number)}"
    return F.UNREACHABLE, f"no connection to {where}: {os.strerror(number) if number else error}"


async def examine_host(exchanger: Exchanger, address: str, port: int, setting: Setting) -> HostResult:
    """Examine one address of one host. Never raises for what a peer does."""
    session = ExamSession(exchanger, address, port, setting, time.monotonic)
    record = Record(address, port, exchanger.name, "examination") if setting.keep_wire else None
    await carry(session, address, port, record)
    result = session.result
    if record is not None:
        record.recorder.secrets.extend(session.key_log)
        result = replace(result, wires=(record.recorder.wire(),))
    if setting.all_versions and (
        (result.starttls is not None and result.starttls.code == 220) or (setting.implicit_tls and result.reached)
    ):
        versions, ciphers, wires = await _probe(exchanger, address, port, setting)
        weak = strength.of_probes(versions, ciphers)
        result = replace(
            result, versions=versions, ciphers=ciphers, session_findings=(*result.session_findings, *weak),
            wires=(*result.wires, *wires),
        )  # fmt: skip
    return replace(result, score=score.of_host(result))


async def _probe(
    exchanger: Exchanger, address: str, port: int, setting: Setting
) -> tuple[tuple[VersionProbe, ...], tuple[CipherProbe, ...], tuple[Wire, ...]]:
    name = setting.sni or setting.name or exchanger.name
    sni = None if is_address(name) else name
    wires: list[Wire] = []

    async def ask(version: str, offer: tuple[int, ...]) -> probe.ProbeSession:
        session = probe.ProbeSession(version, offer, setting, time.monotonic, os.urandom(64), sni)
        record = Record(address, port, exchanger.name, f"probe of {version}") if setting.keep_wire else None
        await carry(session, address, port, record)
        if record is not None:
            wires.append(record.recorder.wire())
        return session

    async def worst() -> tuple[dict[Weakness, str], bool]:
        """Take away each weakness that was chosen and ask again, until nothing is."""
        taken: dict[Weakness, str] = {}
        while offer := probe.worst_suites(tuple(taken)):
            session = await ask("TLSv1.2", offer)
            found = probe.chosen(session)
            if found is None:
                return taken, session.answer is not None
            taken[found[0]] = found[1]
        return taken, True

    asked = [ask(version, probe.offer(version)) for version in probe.ASKED]
    sessions, static, (taken, known) = await asyncio.gather(
        asyncio.gather(*asked), ask("TLSv1.2", suites(Weakness.STATIC_RSA)), worst()
    )
    if found := probe.chosen(static):
        taken[found[0]] = found[1]
    versions = tuple(probe.version_probe(session) for session in sessions)
    return versions, probe.cipher_probes(taken, known=known and static.answer is not None), tuple(wires)


async def examine(target: Target, setting: Setting, names: Names, policies: Policies | None = None) -> Examination:
    """Examine a target: all its hosts in order of preference, each at all its addresses. Never raises for what peers do."""
    today, began = datetime.now(UTC), time.monotonic()
    located = await names.exchangers(target)
    exchangers = located.exchangers
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(exchanger: Exchanger, address: str) -> HostResult:
        async with gate:
            return await examine_host(exchanger, address, target.port, setting)

    work = [one(exchanger, address) for exchanger in exchangers for address in exchanger.addresses]
    asked = None
    if policies is None:
        done = iter(await asyncio.gather(*work))
    else:
        from lab.net import examined_policies

        domain = target.domain or target.host
        asking = examined_policies.ask(policies, domain, exchangers, located.mx, target.port, setting)
        asked, results = await asyncio.gather(asking, asyncio.gather(*work))
        done = iter(results)
    hosts = [
        host
        for exchanger in exchangers
        for host in ([next(done) for _ in exchanger.addresses] or [_nowhere(exchanger, target.port)])
    ]
    whole = Examination(target=target, began=today, seconds=0.0, exchangers=exchangers, findings=located.findings)
    if asked is not None:
        sts = examined_policies.judged_sts(asked, exchangers)
        judged = [examined_policies.under(host, asked, sts, setting) for host in hosts]
        hosts = [host for host, _, _ in judged]
        whole = replace(
            whole, sts=sts, policy_findings=sts.found if sts else (),
            sts_hosts=tuple(result for _, result, _ in judged if result is not None),
            dane=tuple({host.exchanger.name: result for host, _, result in judged if result is not None}.items()),
        )  # fmt: skip
    return replace(whole, hosts=tuple(hosts), score=score.of_domain(hosts), seconds=time.monotonic() - began)


def _nowhere(exchanger: Exchanger, port: int) -> HostResult:
    """The row of a host that has no address."""
    stages = tuple(
        StageResult(stage, State.FAILED if stage is Stage.ANSWER else State.SKIPPED)
        for stage in Stage
        if stage not in (Stage.MTA_STS, Stage.DANE)
    )
    empty = HostResult(exchanger=exchanger, address="", port=port, stages=stages)
    return replace(empty, score=score.of_host(empty))
