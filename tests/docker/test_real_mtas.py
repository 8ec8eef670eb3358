"""Real MTAs in the ring: Postfix and Exim as the internet's sender and on-premises, through the same scenario machinery."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lab import Lab
from lab.backends.containers import Containers
from lab.backends.containers_ground import Ground
from lab.errors import UserError
from lab.net.loop import loop_factory
from lab.report.text import lines
from lab.runner import play
from lab.scenario import catalogue, change
from lab.scenario.load import load_scenario, topology_of
from lab.scenario.model import Change
from lab.sending.attempt import Outcome, ReasonId, Security
from lab.sending.implementation import Implementation
from lab.sending.message import Delivered, Message
from lab.tls.dane import association_data
from lab.tls.mint import Mint
from lab.workers import Played, Run, play_in_containers
from tests.docker import break_out
from tests.docker.ahead import Images
from tests.docker.conftest import smtplab

ALL = os.environ.get("SMTPLAB_PARITY") == "all"
THERE, BACK, OUT = "internet -> onprem", "onprem -> online", "onprem -> internet"


# --- scenarios --------------------------------------------------------------------------------------------------------------


def the_post(images: Images, program: str) -> Played:
    images.mtas()
    (played,) = play_in_containers([Run(f"{program}-validates", fix=None if ALL else "bind-exchange-certificate")])
    return played


@pytest.mark.ahead(work=the_post)
@pytest.mark.parametrize("program", ["postfix", *(["exim"] if ALL else [])])
def test_it_defers_in_its_own_words_and_is_cured_by_the_same_fix(program: str, mta_images: str, begun: Played) -> None:
    """The post with a real MTA as the validating sender on the internet."""
    assert begun.error is None, begun.error
    result = begun.result
    assert result is not None
    assert result.met, "\n".join(lines(result))
    fault, cured = result.stages[0], result.stages[1]
    deferred = fault.flows[THERE]
    assert "certificate" in deferred.words
    notes = [entry.detail["message"] for entry in fault.transcript if entry.host == "internet" and "message" in entry.detail]
    assert any("alice@contoso.test" in note for note in notes), "its own log is in the transcript"
    waited = cured.queued[THERE]
    assert waited.delivered, "delivered once, and found in the mailbox"
    assert [attempt.outcome.value for attempt in waited.attempts] == ["deferred", "delivered"]


OTHERS = ["postfix-on-premises", "exim-on-premises", *(["postfix-dane", "exim-dane", "postfix-mta-sts"] if ALL else [])]


def another(images: Images, name: str) -> list[Played]:
    images.mtas()
    first = load_scenario(name).scenario.fixes[0].name
    return play_in_containers([Run(name), Run(name, control=True)] if ALL else [Run(name, fix=first)])


@pytest.mark.ahead(work=another)
@pytest.mark.parametrize("name", OTHERS)
def test_the_scenario_is_as_it_says(name: str, mta_images: str, begun: list[Played]) -> None:
    """The policies of the other scenarios are met by the table below; `make parity` plays all, with every fix and their controls."""
    assert begun
    for one in begun:
        assert one.error is None, one.error
        assert one.result is not None
        assert one.result.met, "\n".join(lines(one.result))


def test_every_scenario_with_a_real_mta_is_played() -> None:
    here = {*OTHERS, "postfix-validates", "exim-validates", "postfix-dane", "exim-dane", "postfix-mta-sts"}
    real = {name for name in set(catalogue.names(containers=True)) - set(catalogue.names()) if _programs(name)}
    assert real == here


def _programs(name: str) -> bool:
    from lab.hosts.roles import programs_of

    return bool(programs_of(topology_of(load_scenario(name).healthy)))


def test_a_lab_of_ones_own_has_them_and_keeps_them(mta_images: str) -> None:
    """What `smtplab up` stands on: the right images, and no change of programs under a lab that is up."""
    with Lab("exim-validates", backend="docker") as lab:
        assert "certificate verification failed" in lab.send(THERE).words
        lab.fix("bind-exchange-certificate")
        assert [(one.outcome, one.copies) for one in lab.drain()] == [("delivered", 1)]
        with pytest.raises(UserError, match="another program cannot take a host's place"):
            lab.backend.apply(
                topology_of(lab.loaded.healthy | {"internet": lab.loaded.healthy["internet"] | {"implementation": "postfix"}})
            )


# --- policies ---------------------------------------------------------------------------------------------------------------

#: What the appliance does to whoever sends through it, in either direction.
RECEIVERS: dict[str, list[Any]] = {
    "good": [],
    "resigned": [{"resign": {"certificate": "appliance-default"}}],
    "stripped": ["strip-starttls"],
    "of the domain": [{"resign": {"certificate": "bare-domain"}}],
    "of another": [{"resign": {"certificate": "internet"}}],
}
CLEAR, ENCRYPTED, AUTHENTICATED = Security.CLEAR, Security.ENCRYPTED, Security.AUTHENTICATED
CERTIFICATE, MISSING, DANE = ReasonId.CERTIFICATE, ReasonId.STARTTLS_MISSING, ReasonId.DANE
#: How mail from the internet travels, or why it waits: under each policy, to each of these receivers.
POLICIES: dict[str, tuple[Security | ReasonId, ...]] = {
    "may": (ENCRYPTED, ENCRYPTED, CLEAR, ENCRYPTED, ENCRYPTED),
    "encrypt": (ENCRYPTED, ENCRYPTED, MISSING, ENCRYPTED, ENCRYPTED),
    "verify": (AUTHENTICATED, CERTIFICATE, MISSING, CERTIFICATE, CERTIFICATE),
    "secure": (AUTHENTICATED, CERTIFICATE, MISSING, AUTHENTICATED, CERTIFICATE),
    "dane": (AUTHENTICATED, DANE, MISSING, DANE, DANE),
    "mta-sts": (AUTHENTICATED, CERTIFICATE, MISSING, CERTIFICATE, CERTIFICATE),
}
#: The same for what goes from the premises to Exchange Online, where no receiver has the domain's own name.
OUTBOUND = {name: (*row[:3], row[4], row[4]) for name, row in POLICIES.items() if name != "mta-sts"}
#: What goes from the premises to a domain that publishes a policy, where Postfix is there and keeps to them.
BY_POLICY = {"good": Security.AUTHENTICATED, "resigned": ReasonId.CERTIFICATE, "stripped": ReasonId.STARTTLS_MISSING}
#: The receivers that tell policies from one another; `make parity` has each policy meet all of them.
TELLING = {
    "may": ("resigned", "stripped"),
    "encrypt": ("resigned", "stripped"),
    "verify": ("good", "of the domain"),
    "secure": ("resigned", "of the domain", "of another"),
    "dane": ("good", "resigned"),
    "mta-sts": ("good", "resigned"),
}
PAIRS = [(Implementation.POSTFIX, Implementation.EXIM), (Implementation.EXIM, Implementation.POSTFIX)]
ONLINE = "contoso-mail-onmicrosoft-test.mail.protection.outlook.test"


def published(mint: Mint) -> dict[str, Any]:
    """The hybrid with everything that senders may keep to: DNSSEC, records for both ways, and a policy."""
    key = association_data(mint.credential("online").leaf, 1, 1).hex()
    base = load_scenario("sts-enforced").healthy
    changes = (
        Change(set="dns.signed", to=["contoso.test", "fabrikam.test", "onmicrosoft.test", "outlook.test"]),
        Change(set="dns.tlsa", to={"_25._tcp.mail.contoso.test": [{"certificate": "exchange"}], f"_25._tcp.{ONLINE}": [{"data": key}]}),
        Change(set="internet.mta_sts", to=False),
        Change(add="appliance.certificates", to="bare-domain"),
        Change(add="appliance.certificates", to="internet"),
    )  # fmt: skip
    return change.apply(changes, base)


class Bench:
    """A lab with a real MTA on the internet and another on the premises."""

    def __init__(self, ground: Ground, runner: asyncio.Runner, internet: Implementation, exchange: Implementation) -> None:
        self.run, mint = runner.run, Mint(datetime.now(UTC))
        programs = (
            Change(set="internet.implementation", to=internet.value),
            Change(set="exchange.implementation", to=exchange.value),
        )
        self.data = change.apply(programs, published(mint))
        self.internet, self.exchange = internet, exchange
        lab = ground.launch(topology_of(self.data), mint=mint)
        assert isinstance(lab, Containers)
        self.lab = lab
        self.run(lab.start())

    def send(self, flows: list[str], receiver: str, **levels: str) -> dict[str, Message]:
        rules = [{"behaviours": RECEIVERS[receiver]}] if RECEIVERS[receiver] else []
        changes = [Change(set="appliance.rules", to=rules), *(Change(set=f"{role}.tls", to=to) for role, to in levels.items())]
        self.lab.apply(topology_of(change.apply(tuple(changes), self.data)))
        return self.run(play(self.lab, flows))


def seen(message: Message) -> Security | ReasonId | None:
    last = message.attempts[-1]
    return last.security if last.outcome is Outcome.DELIVERED else last.reason.id if last.reason else None


@dataclass
class Observed:
    """What was seen of two MTAs: rows that are not as the table says, their sentences, what becomes of what expires, and what somebody
    sees who has broken into one.
    """

    differing: list[Any]
    sentences: dict[tuple[str, str], dict[str, list[str]]]
    expired: Expired
    intruders: dict[str, list[str]]
    by_policy: dict[str, Security | ReasonId | None]


@dataclass
class Expired:
    """Outcomes and reports before and after a message's time has passed."""

    outcomes: list[Outcome | None]
    reports: list[bytes | None]
    message: Message
    mailbox: list[Delivered]


def observe(images: Images, pair: tuple[Implementation, Implementation]) -> Observed:
    """Bring two MTAs up, in the place of internet and Exchange, and look at all that the tests below ask about."""
    images.mtas()
    internet, exchange = pair
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        ground = Ground(programs={"internet": internet, "exchange": exchange})
        runner.run(ground.start(("exchange", "online", "internet", "appliance", "dns", "sts")))
        try:
            bench = Bench(ground, runner, internet, exchange)
            found = Observed(*_meet_all(bench), _expire(bench), _break_in(bench), _keep_policies(bench))
            runner.run(bench.lab.stop())
            return found
        finally:
            runner.run(ground.stop())


def _meet_all(bench: Bench) -> tuple[list[Any], dict[tuple[str, str], dict[str, list[str]]]]:
    differing, sentences = [], {}
    for level, wanted in POLICIES.items():
        for number, receiver in enumerate(RECEIVERS):
            if not ALL and receiver not in TELLING[level]:
                continue
            levels = {"internet": level} if level != "mta-sts" or bench.internet is Implementation.POSTFIX else {}
            both = ALL or bench.internet is Implementation.POSTFIX
            levels |= {"exchange": level} if level in OUTBOUND and both else {}
            expected = {THERE: wanted[number]} if "internet" in levels else {}
            expected |= {BACK: OUTBOUND[level][number]} if "exchange" in levels else {}
            if not expected:
                continue
            sent = bench.send(list(expected), receiver, **levels)
            found = {flow: seen(message) for flow, message in sent.items()}
            sentences[level, receiver] = {flow: message.words[-1:] for flow, message in sent.items()}
            if found != expected:
                notes = [entry.detail["message"] for entry in bench.lab.transcript if "message" in entry.detail][-12:]
                differing.append((level, receiver, found, expected, notes))
    return differing, sentences


def _keep_policies(bench: Bench) -> dict[str, Security | ReasonId | None]:
    if bench.exchange is not Implementation.POSTFIX:
        return {}
    return {receiver: seen(bench.send([OUT], receiver, exchange="mta-sts")[OUT]) for receiver in BY_POLICY}


def _expire(bench: Bench) -> Expired:
    (message,) = bench.send([THERE], "stripped", internet="encrypt").values()
    outcomes, reports = [message.outcome], [message.ndr]
    bench.lab.clock.advance(timedelta(days=6))
    bench.run(bench.lab.internet.process())
    bench.run(bench.lab.settle())
    return Expired(
        [*outcomes, message.outcome], [*reports, message.ndr], message, bench.lab.internet.mailboxes["erin@fabrikam.test"]
    )


def _break_in(bench: Bench) -> dict[str, list[str]]:
    ground, found = bench.lab.ground, {}
    gateways = [str(subnet[254]) for subnet in ground.plan.subnets.values()]
    for role in ("internet", "exchange"):
        looked = break_out.look(ground.engine, ground.containers[role], gateways)
        found[role] = break_out.found(looked, ground.engine.api.inspect_container(ground.containers[role]), real_mta=True)
    return found


both_pairs = pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair[0]}-to-{pair[1]}")


@pytest.mark.ahead(work=observe)
@both_pairs
def test_each_policy_is_kept_and_they_differ(pair: Any, mta_images: str, begun: Observed) -> None:
    """Every policy meets a good receiver and bad ones, both ways at once; a row that were another's would be seen."""
    internet, exchange = pair
    assert begun.differing == []
    assert begun.sentences["may", "resigned"][THERE] == []
    refused = begun.sentences["secure", "resigned"]
    for flow, program in ((THERE, internet), (BACK, exchange)):
        if flow not in refused:
            continue
        own = "Server certificate not verified" if program is Implementation.POSTFIX else "TLS session: ("
        assert own in refused[flow][0]


@pytest.mark.ahead(work=observe)
@both_pairs
def test_postfix_on_the_premises_keeps_to_the_policies_of_domains(pair: Any, mta_images: str, begun: Observed) -> None:
    """No connector demands anything on that way: without the policy mail would go in each case (the rows of `may` above)."""
    assert begun.by_policy == (BY_POLICY if pair[1] is Implementation.POSTFIX else {})


@pytest.mark.ahead(work=observe)
@both_pairs
def test_what_has_expired_goes_back_to_its_sender(pair: Any, mta_images: str, begun: Observed) -> None:
    """The lab's clock says when; the report is the MTA's own, and lies in the sender's mailbox."""
    expired, message = begun.expired, begun.expired.message
    assert (expired.outcomes, expired.reports[0], message.next_try) == ([Outcome.DEFERRED, Outcome.BOUNCED], None, None)
    (report,) = [one for one in expired.mailbox if message.envelope.message_id.encode() in one.envelope.content]
    assert report.envelope.sender == ""
    assert expired.reports[1] == report.envelope.content
    assert b"alice@contoso.test" in report.envelope.content


@pytest.mark.ahead(work=observe)
@both_pairs
def test_who_breaks_into_one_finds_neither_files_nor_engine(pair: Any, mta_images: str, begun: Observed) -> None:
    """It begins as root, which gives that up by itself; no more can be had with it than becoming the MTA's own users."""
    assert begun.intruders == {"internet": [], "exchange": []}


# --- what cannot be ---------------------------------------------------------------------------------------------------------


def test_this_process_says_that_it_cannot() -> None:
    assert "postfix-validates" not in catalogue.names()
    assert "postfix-validates" in catalogue.names(containers=True)
    done = smtplab("run", "postfix-validates")
    assert done.returncode == 2
    assert "real MTAs (postfix as internet), which run in containers only" in done.stderr
    assert "--backend docker" in done.stderr
