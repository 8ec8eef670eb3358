"""Where hosts run makes no difference: each scenario has the same outcomes, reasons, findings and words on both backends.

What cannot be equal is taken out first, and listed here: addresses (and where a trace or a reply is cut off, for their length), moments,
numbers of sessions and messages, and whether a sender whose connection was reset is told so or finds it closed, which is a race between
its reading and its writing on either backend.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from lab.backends.backend import Backend
from lab.backends.containers_ground import Ground
from lab.backends.embedded import Embedded
from lab.clock import Clock
from lab.net.loop import loop_factory
from lab.net.loop import run as run_loop
from lab.net.patience import Patience
from lab.report.text import lines
from lab.runner import run_scenario
from lab.scenario import catalogue
from lab.scenario.load import load_scenario
from lab.scenario.result import FlowResult, ScenarioResult
from lab.scenario.topology import Topology
from lab.tls.mint import Mint
from tests.docker.ahead import Ahead, Images

#: One for each way in which a flow can fail; `make parity` plays the whole catalogue.
CHOSEN = (
    "healthy",
    "appliance-resigns-tls",
    "hybrid-certificate-mismatch",
    "intermediate-missing",
    "receive-connector-certificate-unset",
    "sts-wrong-mx",
    "dane-appliance-resigns",
    "inbound-connector-name-mismatch",
    "exchange-second-server-unconfigured",
    "firewall-refuses-online",
    "inspection-root-trusted-outbound",
    "dns-unreachable",
    "exchange-killed-in-content",
    "exchange-frozen-by-snapshot",
)
#: What only containers can play.
LARGE = "large-packets-vanish"
#: Where each failure takes seconds of a sender's patience one fix is enough here; `make parity` plays all.
ONE_FIX = {
    "dns-unreachable": "answer-everybody",
    "exchange-killed-in-content": "wait",
    "exchange-frozen-by-snapshot": "let-it-go-on",
}
NAMES = tuple(catalogue.names()) if os.environ.get("SMTPLAB_PARITY") == "all" else CHOSEN

_UNEQUAL = (
    (re.compile(r"\b(?:127\.25|10\.\d+)\.\d+\.\d+\b"), "ADDRESS"),
    (re.compile(r"\bADDRESS:\d+"), "ADDRESS:PORT"),
    (re.compile(r"\d{4}-\d{2}-\d{2}T[0-9:.]+Z"), "MOMENT"),
    (re.compile(r"\d{1,2}/\d{1,2}/\d{4} \d{1,2}:\d{2}:\d{2} [AP]M"), "MOMENT"),
    (re.compile(r"\b08D[0-9A-F]{13}\b"), "SESSION"),
    (re.compile(r"InternalId=\d+|Hostname=\S+|\d+ bytes in [0-9.]+, [0-9.]+ KB/sec"), "NUMBERS"),
    (re.compile(r"<[^<> ]*\d{14}[^<> ]*>"), "MESSAGE-ID"),
    (re.compile(r"\{LRT=[^};]*(?=\. OutboundProxyTargetIP)"), "{LRT="),
    (re.compile(r"not a reply line: b'[0-9.]*\]'"), "not a reply line: b'ADDRESS]'"),
    (re.compile(r"closed by the receiver|the connection broke: Connection reset by peer"), "BROKEN"),
)

_SURE = 150  # characters of a trace that are there whatever the length of addresses


def equal_parts(text: str) -> str:
    for pattern, word in _UNEQUAL:
        text = pattern.sub(word, text)
    head, cut, tail = text.partition(". OutboundProxyTargetIP")
    if cut and "LRT=" not in head:  # a trace is cut at a length, and addresses differ in theirs
        return head[:_SURE] + cut + tail
    return text


def flow(result: FlowResult) -> dict[str, Any]:
    return {
        "outcome": result.outcome, "security": result.security, "reason": result.reason, "findings": result.findings, "copies": result.copies,
        "words": equal_parts(result.words), "attempts": [(a.outcome, a.reason.id if a.reason else None) for a in result.attempts],
    }  # fmt: skip


def comparable(result: ScenarioResult) -> list[dict[str, Any]]:
    return [
        {
            "fix": stage.fix.name if stage.fix else None,
            "flows": {name: flow(one) for name, one in stage.flows.items()},
            "queued": {name: flow(one) for name, one in stage.queued.items()},
            "validation": [(row.task, row.successful, equal_parts(row.detail)) for row in stage.validation],
            "checks": [(c.kind, c.subject, c.expected, c.met) for c in stage.checks],
        }
        for stage in result.stages
    ]


@contextmanager
def standing_ground() -> Iterator[tuple[asyncio.Runner, Ground]]:
    """One ground for many scenarios, on a loop of its own."""
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        standing = Ground()
        runner.run(standing.start())
        try:
            yield runner, standing
        finally:
            runner.run(standing.stop())


@pytest.fixture(scope="module")
def ground(network_image: str) -> Iterator[tuple[asyncio.Runner, Ground]]:
    with standing_ground() as standing:
        yield standing


def there_and_here(name: str, ground: tuple[asyncio.Runner, Ground]) -> tuple[ScenarioResult, ScenarioResult]:
    """Play a scenario in containers and in this process."""
    runner, standing = ground
    mint = Mint(datetime.now(UTC))
    fix = None if NAMES is not CHOSEN else ONE_FIX.get(name)
    there = runner.run(run_scenario(load_scenario(name), fix=fix, mint=mint, launch=standing.launch))
    return there, run_loop(run_scenario(load_scenario(name), fix=fix, mint=mint, launch=patiently))


def patiently(topology: Topology, *, mint: Mint) -> Backend:
    """Make a lab in this process that waits longer than a played one: other labs come up beside it and take its time."""
    lab = Embedded(topology, clock=Clock(mint.moment), mint=mint)
    for host in lab.hosts.values():
        host.be_patient(Patience(8.0, 10.0, 4.0, on_lab_clock=True))
    return lab


def waited_for(images: Images) -> dict[str, Callable[[], Any]]:
    """Play on a ground of their own those scenarios that wait for what never comes; return by name what gives the results."""
    images.network()
    played: dict[str, Callable[[], Any]] = {}
    with standing_ground() as ground:
        for name in (LARGE, *(ONE_FIX if NAMES is CHOSEN else ())):
            try:
                result: Any = play_large(ground) if name == LARGE else there_and_here(name, ground)
                played[name] = partial(lambda one: one, result)
            except Exception as error:  # it is that scenario's, and the others are played
                played[name] = partial(_raise, error)
    return played


def _raise(error: Exception) -> None:
    raise error


def play_large(ground: tuple[asyncio.Runner, Ground]) -> ScenarioResult:
    runner, standing = ground
    return runner.run(run_scenario(load_scenario(LARGE), fix="let-icmp-through", launch=standing.launch))


def ahead_of(name: str) -> Any:
    return pytest.param(name, marks=pytest.mark.ahead(work=waited_for)) if NAMES is CHOSEN and name in ONE_FIX else name


@pytest.mark.parametrize("name", [ahead_of(name) for name in NAMES])
def test_both_backends_say_the_same(name: str, ground: Any, ahead: Ahead) -> None:
    first = NAMES is CHOSEN and name in ONE_FIX
    there, here = ahead.result(waited_for)[name]() if first else there_and_here(name, ground)
    assert there.met, "\n".join(lines(there, transcript=True))
    assert comparable(there) == comparable(here)
    seen = {entry.host for stage in there.stages for entry in stage.transcript}
    assert {"exchange", "online", "internet", "appliance"} <= seen, "all hosts' transcripts come back"


@pytest.mark.ahead(work=waited_for)
def test_what_only_containers_can_play_is_as_its_file_says(network_image: str, begun: Any) -> None:
    """A line that swallows large packets: commands pass, and a certificate never arrives."""
    there = begun[LARGE]()
    assert there.met, "\n".join(lines(there, transcript=True))
    faulty = there.stages[0].flows["online -> onprem"].attempts[-1].reason
    assert faulty is not None
    assert faulty.phase == "handshake"


def test_the_comparison_can_fail(ground: Any) -> None:
    """A control: another scenario is not the same."""
    runner, standing = ground
    there = runner.run(run_scenario(load_scenario("healthy"), launch=standing.launch))
    here = run_loop(run_scenario(load_scenario("appliance-resigns-tls"), fix="pass-smtp-through"))
    assert comparable(there)[0]["flows"] != comparable(here)[0]["flows"]
