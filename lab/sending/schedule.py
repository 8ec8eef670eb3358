"""When to try again, and when to give up. Pure: the lab's clock decides what `now` is."""

from __future__ import annotations

from datetime import datetime, timedelta

from lab.data import dataclass


@dataclass(frozen=True, slots=True)
class Schedule:
    """Waits in minutes after the first, second, ... failed attempt; the last one repeats until `expiry`."""

    name: str
    waits: tuple[int, ...]
    expiry: timedelta

    def next_try(self, attempts: int, last: datetime, submitted: datetime) -> datetime | None:
        """Return when to try after `attempts` (at least one) failed, the last of them at `last`; None where it expires first.

        A message expires at its submission plus `expiry`, whether or not a try falls there.
        """
        wait = timedelta(minutes=self.waits[min(attempts, len(self.waits)) - 1])
        moment = last + wait
        return moment if moment < submitted + self.expiry else None

    def expires(self, submitted: datetime) -> datetime:
        """Return the moment at which a message that was not delivered is given up."""
        return submitted + self.expiry


#: facts/exchange section 6: the first few at 15 minutes or less, growing over the next half dozen to 60; NDR after 24 hours.
#: The steps in between are not documented.
EXCHANGE_ONLINE = Schedule("Exchange Online", (15, 15, 15, 20, 25, 30, 40, 50, 60), timedelta(hours=24))
#: facts/exchange section 6: what fails DANE is tried after 15 minutes, another 15, then hourly for 24 hours.
EXCHANGE_ONLINE_DANE = Schedule("Exchange Online, DANE", (15, 15, 60), timedelta(hours=24))
#: facts/exchange section 6: glitch retries 4 x 1, transient 6 x 5, then every 10 minutes; expiry after two days.
EXCHANGE_SERVER = Schedule("Exchange Server", (1,) * 4 + (5,) * 6 + (10,), timedelta(days=2))
#: RFC 5321 section 4.5.4.1: at least 30 minutes apart, given up after four to five days.
INTERNET = Schedule("internet", (30,), timedelta(days=5))
