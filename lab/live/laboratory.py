"""A lab that lasts: a topology that runs, its state on the disk, its queues tended as time passes.

What one does with it is in `lab.live.operations`, what one sees of it in `lab.live.views`.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import sqlite3
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.api import Lab
from lab.backends.backend import Backend
from lab.backends.embedded import Embedded
from lab.clock import Clock
from lab.errors import NotKept, UserError
from lab.hosts.mailhost import MailHost
from lab.live.configuration import Configuration, Step, StepKind, Version, reached, step_data, step_of
from lab.live.database import damaged, explained
from lab.live.hub import Hub
from lab.live.keeper import Keeper
from lab.live.origin import Origin
from lab.live.recorder import Recorder
from lab.net.addresses import own_addresses
from lab.net.tap import Tap
from lab.scenario.known import written
from lab.scenario.topology import Topology, in_era
from lab.shell.marks import Marks
from lab.tls import key_log
from lab.tls.mint import Mint
from lab.transcript import Entry, Kind, Transcript

if TYPE_CHECKING:
    from lab.backends.containers_ground import Ground

_TICK = 1.0  # seconds
_AT_ONCE = 100  # due messages of a destination that are tried before others have their turn
_MOST_KEYS = 8 * 1024 * 1024  # bytes
_GRACE = 5.0  # seconds that sessions under way may take at the end
_SLOWLY_MADE = ("exchange-setup", "online")  # certificates with RSA keys, of Exchange and of Exchange Online
_INSERT_VERSION = "INSERT OR REPLACE INTO configurations VALUES (?, ?, ?, ?, ?, ?)"


class LiveLab:
    """A named lab. Takes its name, folder and open database, an origin where it is new, and the ground that its hosts stand on where
    they are in containers; that one is the caller's.

    `lab` is the public face of the same topology (`lab.api.Lab`), `backend` its hosts. Raises UserError where the state is
    damaged.
    """

    def __init__(
        self, name: str, folder: Path, database: sqlite3.Connection, origin: Origin | None = None, ground: Ground | None = None
    ) -> None:
        self.name, self.folder = name, folder
        self.tap, self.keys = Tap(), folder / "keys.log"
        self.keeper = Keeper(database)
        try:
            kept = self.keeper.fact("origin")
            self.new = kept is None
            self.origin = origin if self.new and origin is not None else Origin.again(kept)
            self.configuration = self._restored_configuration(database)
            self.clock = self._restored_clock() if ground is None else _shared_clock()
            self.mint = self._restored_mint()
            self._numbers = int((database.execute("SELECT max(number) FROM sessions").fetchone() or (0,))[0] or 0)
            self.marks = Marks(self.keeper.fact("marks"), partial(self.keeper.put_fact, "marks"))
            self.backend: Backend = self._backend() if ground is None else self._on(ground)
            self.keeper.attach(self.backend.mail_hosts.values(), self.backend.exchange.log_rows)
        except sqlite3.DatabaseError as error:
            database.close()
            raise explained(error, folder / "lab.sqlite") from None
        except (ValueError, KeyError, TypeError) as error:
            database.close()
            raise damaged(error, folder / "lab.sqlite") from None
        self.backend.exchange.continue_numbers()
        self.lab = Lab.over(self.backend, self.origin.loaded, self.origin.era, folder)
        self.hub = Hub(self.keeper.epoch)
        self.keeper.hub = self.hub
        self.recorder = self._recorder()
        self._kept_clock = self._offset()
        self._kept_mint = 0 if self.new else self.mint.made
        self._stirred = {host.name: asyncio.Event() for host in self.backend.mail_hosts.values()}
        self._looked = {host.name: asyncio.Event() for host in self.backend.mail_hosts.values() if self.backend.elsewhere}
        self._shown = asyncio.Event()
        self._tending: asyncio.Task[None] | None = None
        self._stopped = False
        self.stays = False  # whether it has come so far that a new one is kept
        self.began = datetime.now(UTC)

    # --- what was kept ------------------------------------------------------------------------------------------------

    def _restored_configuration(self, database: sqlite3.Connection) -> Configuration:
        healthy = written(in_era(reached(self.origin.loaded.healthy), self.origin.era))
        rows = database.execute("SELECT * FROM configurations ORDER BY number").fetchall()
        versions = [
            Version(number, datetime.fromisoformat(at), kind, text, previous, tuple(map(step_of, json.loads(steps))))
            for number, at, kind, text, previous, steps in rows
        ]
        if not versions:
            faults = self.origin.loaded.scenario.faults
            steps = tuple(Step(StepKind.FAULT, fault.name, fault.changes) for fault in faults)
            names = ", ".join(fault.name for fault in faults)
            text = f"{self.origin.loaded.name}: {names or 'healthy'}"
            versions = [Version(1, datetime.now(UTC), "start", text, None, steps)]
        return Configuration(healthy, versions)

    def _restored_clock(self) -> Clock:
        """The lab's time went on while the lab was down, as real time does, and it never goes back."""
        kept = self.keeper.fact("clock")
        if kept is None:
            return Clock()
        down = max(datetime.now(UTC) - datetime.fromisoformat(kept["real"]), timedelta(0))
        clock = Clock(datetime.fromisoformat(kept["lab"]) + down)
        if kept["speed"] != 1:
            clock.run_at(float(kept["speed"]))
        return clock

    def _restored_mint(self) -> Mint:
        state = self.keeper.fact("mint")
        return Mint.restored(state) if state else Mint(self.clock.now())

    def _backend(self) -> Embedded:
        return Embedded(
            self.configuration.topology(), clock=self.clock, ports=self.origin.ports, mint=self.mint,
            addresses=own_addresses(self.origin.place), transcript=Transcript(first=self._numbers + 1), keeper=self.keeper,
            tap=self.tap,
        )  # fmt: skip

    def _on(self, ground: Ground) -> Backend:
        from lab.backends.containers import Containers, SharedClock

        assert isinstance(self.clock, SharedClock)
        return Containers(self.configuration.topology(), ground, clock=self.clock, mint=self.mint, keeper=self.keeper)

    def _recorder(self) -> Recorder:
        backend = self.backend
        return Recorder(
            backend.transcript, self.hub, self.clock.now, backend.host_at, self.keeper.put_later, counted_apart=backend.elsewhere
        )

    # --- life ---------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Let every host listen, and tend the queues from now on. Raises CannotTest where a port is taken."""
        try:
            _private(self.keys)
            key_log.keep_in(str(self.keys))
            await self.lab.__aenter__()
            if self.new:
                self.origin.ports.update(self._ports())
                self.keeper.put_fact("origin", self.origin.data())
                self._put_version(self.configuration.now)
            self._put_changed_facts()
            self.keeper.put_fact("clock", self._clock_fact())
            await self.keeper.durable()
            self.new = False
        except BaseException:
            await self.stop()
            raise
        self._unlisten = self.backend.transcript.listen(self._heard)
        self._tending = asyncio.ensure_future(self._tend())

    async def prepare(self) -> None:
        """Have ready what the first session asks for, on threads: what carries it, and the keys that take long to make."""
        if self.backend.elsewhere:
            return
        missing = sum(not self.mint.made_for(name) for name in _SLOWLY_MADE)
        make_keys = self.mint.made_ahead("rsa2048", missing)
        begun = asyncio.get_running_loop().run_in_executor(None, make_keys)  # at once, and not at the next turn
        await asyncio.gather(begun, asyncio.to_thread(_load_sessions))

    def _ports(self) -> dict[str, int]:
        return {name: self.lab.endpoint(name).port for name in self.origin.ports}

    async def stop(self) -> None:
        """End in good order: what is under way may end, everything is on the disk, nothing is left behind. May be called twice."""
        if self._stopped:
            return
        self._stopped = True
        tending, self._tending = self._tending, None
        if tending is not None:
            tending.cancel()
            await asyncio.gather(tending, return_exceptions=True)
            self._unlisten()
        well = await self._quiet()
        await self.lab.__aexit__(None, None, None)
        key_log.keep_in(None)
        self.keys.unlink(missing_ok=True)
        self.recorder.close()
        self.hub.close()
        self._put_changed_facts()
        self.keeper.put_fact("clock", self._clock_fact())
        await self.keeper.close(well=well)

    async def _quiet(self) -> bool:
        """Give messages under way a moment; say whether no session is left in which a 250 might not have been heard."""
        until = asyncio.get_running_loop().time() + _GRACE
        hosts = list(self.backend.mail_hosts.values())
        while any(host.busy for host in hosts):
            if asyncio.get_running_loop().time() > until:
                return False
            await asyncio.sleep(0.02)
        return not any(host.receiver and host.receiver.sessions for host in hosts)

    async def tended(self) -> None:
        """Wait until the lab is tended no more. Raises CannotTest where that is because a host is gone."""
        if self._tending is not None:
            await asyncio.shield(self._tending)

    async def _tend(self) -> None:
        """Try what is due, each host for itself, and keep what has changed, until cancelled."""
        await asyncio.gather(
            self._keep_on(), *map(self._tend_queue, self.backend.mail_hosts.values()), *map(self._look_after, self._looked)
        )

    async def _keep_on(self) -> None:
        while True:
            _bounded(self.keys)
            self._put_changed_facts()
            with suppress(NotKept):  # tried again at the next turn; the status tells of it
                await self.keeper.all_durable()
            await self.backend.tend()
            with suppress(TimeoutError):
                async with asyncio.timeout(_TICK):
                    await self._shown.wait()
            self._shown.clear()

    async def _look_after(self, name: str) -> None:
        """Bring what a host elsewhere has done into view, soon after anything of it was heard."""
        stirred = self._looked[name]
        while True:
            stirred.clear()
            await self.backend.look(name)
            with suppress(NotKept):
                await self.keeper.durable()
            with suppress(TimeoutError):
                async with asyncio.timeout(_TICK):
                    await stirred.wait()
            await asyncio.sleep(0.05)

    async def _tend_queue(self, host: MailHost) -> None:
        stirred = self._stirred[host.name]
        while True:
            stirred.clear()
            if (moment := host.next_due()) is not None and moment <= self.clock.now():
                await host.process(_AT_ONCE)
            # Python 3.11's wait_for loses a cancellation that meets the event: the lab would never end
            with suppress(TimeoutError):
                async with asyncio.timeout(self._until_due(host)):
                    await stirred.wait()
            await asyncio.sleep(0.02)  # what comes in bursts is looked at together

    def _until_due(self, host: MailHost) -> float:
        due = host.next_due()
        return _TICK if due is None else min(_TICK, max(0.0, (due - self.clock.now()).total_seconds() / self.clock.speed))

    def _heard(self, entry: Entry) -> None:
        self.stir()
        if entry.kind is Kind.CERTIFICATES and self.mint.made != self._kept_mint:
            self._shown.set()  # one that was made for it: it must be the same after whatever end

    def stir(self) -> None:
        """Look at the queues soon: something was put into one, or time has been moved."""
        for stirred in (*self._stirred.values(), *self._looked.values()):
            stirred.set()

    # --- facts that change --------------------------------------------------------------------------------------------

    def _offset(self) -> float:
        return (self.clock.now() - datetime.now(UTC)).total_seconds()

    def _clock_fact(self) -> dict[str, Any]:
        return {"lab": self.clock.now().isoformat(), "real": datetime.now(UTC).isoformat(), "speed": self.clock.speed}

    def _put_changed_facts(self) -> None:
        if self.mint.made != self._kept_mint:
            self._kept_mint = self.mint.made
            self.keeper.put_fact("mint", self.mint.state())
        offset = self._offset()
        if abs(offset - self._kept_clock) > 1:
            self._kept_clock = offset
            self.keeper.put_fact("clock", self._clock_fact())

    def _put_version(self, version: Version) -> None:
        steps = json.dumps([step_data(step) for step in version.steps])
        row = (version.number, version.at.isoformat(), version.kind, version.text, version.previous, steps)
        self.keeper.put(_INSERT_VERSION, row)

    async def take(self, topology: Topology) -> None:
        """Let the configuration's newest version take effect, and wait until it is kept. See `take_now`. Raises NotKept."""
        self.take_now(topology)
        await self.keeper.durable()

    def take_now(self, topology: Topology) -> None:
        """Let the configuration's newest version take effect. Where the hosts refuse it, it is as if it had not been."""
        before = self.backend.topology
        try:
            self.backend.apply(topology)
        except Exception:
            self.configuration.versions.pop()
            self.configuration = Configuration(self.configuration.healthy, self.configuration.versions)
            self.backend.apply(self.configuration.topology())
            raise
        version = self.configuration.now
        self._put_version(version)
        self._put_changed_facts()
        self.marks.see(before, topology, self.clock.now())
        self.hub.publish("configuration", {"number": version.number, "kind": version.kind, "text": version.text})
        self.stir()

    async def moved(self) -> None:
        """Keep where the clock was moved to, and look at what is due now."""
        self._kept_clock = self._offset()
        self.keeper.put_fact("clock", self._clock_fact())
        await self.keeper.durable()
        self.hub.publish("clock", {"now": self.clock.now().isoformat(), "speed": self.clock.speed})
        self.stir()

    async def wipe(self) -> None:
        """Forget all mail, queues, logs and sessions."""
        for host in self.backend.mail_hosts.values():
            await host.idle()
        await self.backend.empty()
        await self.keeper.wipe()
        self.recorder.sessions.clear()
        self.hub.publish("many", {"messages": 0, "mail": 0})

    # --- what is done to it -------------------------------------------------------------------------------------------

    async def fix(self, name: str) -> Version:
        """Apply a fix of the scenario. Raises UserError for one that it does not have, or that is in force already."""
        fix = self.origin.loaded.scenario.fix(name)
        if fix is None:
            known = ", ".join(fix.name for fix in self.origin.loaded.scenario.fixes) or "none"
            raise UserError(f"{self.origin.loaded.name} has no fix {name!r}", hint=f"its fixes: {known}")
        if self.configuration.has(StepKind.FIX, name):
            raise UserError(f"the fix {name!r} is in force already", hint="smtplab undo takes the last change back")
        step = Step(StepKind.FIX, name, fix.changes)
        await self.take(self.configuration.add(step, self.clock.now(), f"fix {name}"))
        return self.configuration.now


def _shared_clock() -> Clock:
    from lab.backends.containers import SharedClock  # with all that speaks to an engine

    return SharedClock()


def _load_sessions() -> None:
    for module in ("lab.net.receiver", "lab.appliance.relay", "lab.appliance.behaviours", "lab.net.sender", "lab.sending.session"):
        importlib.import_module(module)


def _private(file: Path) -> None:
    """Begin a file that only its owner can read."""
    with suppress(OSError):  # where there is no room for it, captures of relayed sessions stay closed
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))


def _bounded(file: Path) -> None:
    """Empty the key log when it has grown too large; what appends to it goes on."""
    with suppress(OSError):
        if file.stat().st_size > _MOST_KEYS:
            os.truncate(file, 0)
