"""What a lab may ask of a host with mailboxes that runs as a process of its own, and what such a host answers.

What only one of the hosts can answer is imported when it is asked: the others need not hold it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lab.errors import CannotTest, UserError
from lab.hosts.description import Kept
from lab.hosts.foreign import ForeignHost
from lab.hosts.host import Host
from lab.hosts.mailhost import MailHost
from lab.hosts.news import Reporter
from lab.sending.attempt import Envelope, Outcome, Policy

if TYPE_CHECKING:
    from lab.hosts.exchange import ExchangeHost


class MailCounter:
    """Takes the host. `questions` has what answers each question, by its name."""

    def __init__(self, host: Host) -> None:
        assert isinstance(host, MailHost)
        self.host = host
        self._reporter = Reporter(host)
        self.questions: dict[str, Callable[..., Awaitable[Any]]] = {
            "process": self._process, "news": self._news, "validate": self._validate, "probe": self._probe, "log": self._log,
            "keep": self._keep, "forget": self._forget, "hold": self._hold, "restart": self._restart,
        }  # fmt: skip

    def restore(self, kept: Kept) -> None:
        """Let the host have what it had on its disk, before it starts; that is no news."""
        self.host.restore(list(kept.messages), {mailbox: list(contents) for mailbox, contents in kept.mailboxes.items()})
        for name, rows in kept.rows.items():
            self._log_rows()[name].extend(rows)
        if kept.rows:
            self.host.continue_numbers()  # type: ignore[attr-defined]  # who has such rows is Exchange
        self._reporter.news()

    def _log_rows(self) -> dict[str, list[Any]]:
        return getattr(self.host, "log_rows", {})

    async def _keep(self, *, freeze: bool) -> Kept:
        """Tell everything that would be on the disk now; with `freeze` nothing is taken behind that any more."""
        if freeze:
            self.host.sleep(True)
        host = self.host
        return Kept(
            messages=tuple(host.messages), mailboxes={name: tuple(contents) for name, contents in host.mailboxes.items()},
            rows={name: tuple(rows) for name, rows in self._log_rows().items()}, news=self._reporter.news(),
            next_session=int(host.transcript.new_session(host.name).rpartition("-")[2]),
        )  # fmt: skip

    async def applied(self) -> None:
        """Let a real MTA take what the host was changed to."""
        if isinstance(self.host, ForeignHost):
            await self.host.renew()

    async def _process(
        self, *, submitted: tuple[Envelope, ...], hurried: tuple[tuple[int, datetime], ...] = (), only_news: bool = False
    ) -> tuple[tuple[int, ...], Any]:
        """Take what was submitted, and when messages by number are to be tried, and try what is due unless only news are wanted."""
        numbers = tuple(self.host.submit(envelope).id for envelope in submitted)
        due = dict(hurried)
        for message in self.host.messages if due else ():
            if message.id in due and message.outcome in (None, Outcome.DEFERRED):
                message.next_try = due[message.id]
        if not only_news:
            await self.host.process()
        return numbers, await self._news()

    async def _news(self) -> Any:
        if isinstance(self.host, ForeignHost):
            await self.host.quiet()
        return self._reporter.news()

    async def _forget(self) -> None:
        """Empty queue, mailboxes and logs."""
        if isinstance(self.host, ForeignHost):
            raise UserError(f"the host {self.host.name} is a real MTA, which keeps its mail", hint="take the lab down and up again")
        await self.host.idle()
        self.host.messages.clear()
        for mailbox, mail in self.host.mailboxes.items():
            self.host.forget(mailbox, mail)
            mail.clear()
        for rows in self._log_rows().values():
            rows.clear()
        self._reporter.forget()

    async def _hold(self, *, connector: str, name: str | None) -> None:
        self._exchange().hold_certificate(connector, name)

    async def _restart(self) -> None:
        self._exchange().restart_front_end()

    def _exchange(self) -> ExchangeHost:
        from lab.hosts.exchange import ExchangeHost

        if not isinstance(self.host, ExchangeHost):
            raise UserError(f"the host {self.host.name} is a real MTA and no Exchange")
        return self.host

    async def _validate(self, *, name: str, recipients: tuple[str, ...] | None) -> tuple[tuple[str, bool, str], ...]:
        from lab.hosts.online import OnlineHost

        assert isinstance(self.host, OnlineHost)
        return tuple(
            (task.TaskName, task.IsTaskSuccessful, task.Detail) for task in await self.host.validate_connector(name, recipients)
        )

    async def _probe(self, *, target: str, policy: Policy, ehlo_name: str) -> Any:
        if isinstance(self.host, ForeignHost):
            raise CannotTest(f"the host {self.host.name} is a real MTA, which sends mail and does not look at receivers")
        from lab.hosts.emulated import EmulatedHost

        assert isinstance(self.host, EmulatedHost)
        return await self.host.probe(target, policy, ehlo_name)

    async def _log(self, *, kind: str) -> str:
        if isinstance(self.host, ForeignHost):
            return self.host.log_text
        from lab.hosts.exchange import ExchangeHost

        assert isinstance(self.host, ExchangeHost)
        return self.host.tracking_log() if kind == "tracking" else self.host.protocol_log(kind)
