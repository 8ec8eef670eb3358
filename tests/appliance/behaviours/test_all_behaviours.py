"""Each behaviour under each condition, over a whole session: where the condition holds, the peers see something else than without
the behaviour; where it does not, they see exactly what they see without it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pytest

from lab.appliance.behaviours import known_behaviours
from lab.appliance.behaviours.behaviour import Behaviour, Counts
from lab.appliance.behaviours.register import OURS
from lab.errors import UserError
from tests.appliance.conversation import behaviour, did, resign
from tests.appliance.playbook import Playbook
from tests.appliance.walk import walk

#: What each behaviour needs to do something in the walk, where its defaults do not.
SETTINGS: dict[str, dict[str, Any]] = {
    "resign": {"certificate": "good"}, "downgrade": {"maximum": "TLSv1.2"}, "answer-sni-wrongly": {"certificate": "wrong-host"},
    "second-receiver": {"times": {"every": 1}}, "one-sided-tls": {"certificate": "good"}, "edit-keywords": {"hide": ["SIZE"]},
    "override-reply": {"code": 252, "when": {"verb": "RCPT"}}, "rate-limit": {"most": 0}, "limit-size": {"maximum": 5},
    "close-session": {"at": "mail"}, "split-lines": {"length": 10}, "rewrite-headers": {"fields": {"Subject": "z"}},
    "replace-source-address": {"address": "127.25.0.99"}, "latency": {"delay": "1s"}, "bandwidth": {"rate": 20}, "slice": {"size": 5, "delay": "250ms"},
    "join-lines": {"when": {"verb": ["EHLO", "CONTENT"]}}, "limit-data": {"bytes": 10}, "break-bdat": {"how": "count"}, "tarpit": {"delay": "1s"},
}  # fmt: skip
#: Those that end TLS themselves or keep it away stand alone; the others beside a resign that shows a client certificate.
ALONE = {name for name in OURS if known_behaviours()[name].terminates or known_behaviours()[name].prevents_tls}
NAMES = [name for name in OURS if name != "passthrough"]  # which does nothing, and is the control itself


def listed(name: str, **conditions: Any) -> list[Behaviour]:
    settings = dict(SETTINGS.get(name, {}))
    if "when" in conditions and "when" in settings:
        conditions["when"] = settings["when"] | conditions["when"]
    one = behaviour(name, **(settings | conditions))
    return [one] if name in ALONE else [*_base(), one]


@lru_cache(maxsize=1)
def _base() -> tuple[Behaviour, ...]:
    return (resign(certificate="exchange", client_certificate="exchange", request_certificate=True),)


@lru_cache(maxsize=2)
def _control(alone: bool) -> dict[str, Any]:
    return walk(*([] if alone else _base()))


def control(name: str) -> dict[str, Any]:
    return _control(name in ALONE)


def test_the_control_goes_all_the_way() -> None:
    for alone in (True, False):
        seen = _control(alone)
        assert [reply[1][:3] for reply in seen["replies"]] == [
            b"220",
            b"250",
            b"220",
            b"250",
            b"250",
            b"250",
            b"354",
            b"250",
            b"250",
            b"250",
            b"250",
            b"221",
        ]
        assert (seen["failed"], seen["reset"]) == ("", [])
        assert all(when == 0 for when, _ in seen["replies"])
    assert _control(True) == walk(behaviour("passthrough"))


@pytest.mark.parametrize("name", NAMES)
def test_it_does_something_and_says_so(name: str) -> None:
    assert walk(*listed(name)) != control(name)


@pytest.mark.parametrize("name", NAMES)
def test_senders(name: str) -> None:
    assert walk(*listed(name, when={"senders": ["192.0.2.0/24", "127.25.0.30"]})) != control(name)
    assert walk(*listed(name, when={"senders": "192.0.2.0/24"})) == control(name)


@pytest.mark.parametrize("name", NAMES)
def test_chance(name: str) -> None:
    assert walk(*listed(name, chance=1.0, seed=5)) != control(name)
    if name == "second-receiver":
        return  # its chance is among every second session
    assert walk(*listed(name, chance=0.0)) == control(name)


@pytest.mark.parametrize("name", NAMES)
def test_times(name: str) -> None:
    first = listed(name, times={"first": 1})
    assert walk(*first) != control(name)
    assert walk(*first) == control(name)
    second = listed(name, times={"every": 2 if known_behaviours()[name].counts is Counts.SESSIONS else 100_000})
    assert walk(*second) == control(name)
    if known_behaviours()[name].counts is Counts.SESSIONS:
        assert walk(*second) != control(name)


@pytest.mark.parametrize("name", NAMES)
def test_sni(name: str) -> None:
    if not known_behaviours()[name].knows_sni:
        with pytest.raises(UserError, match="has done all it does"):
            listed(name, when={"sni": "mail.*"})
        return
    settings = {"of": "messages"} if name == "rate-limit" else {}
    assert walk(*listed(name, when={"sni": ["*.elsewhere.test", "absent"]}, **settings)) == control(name)
    assert walk(*listed(name, when={"sni": ["absent", "MAIL.*"]}, **settings)) != control(name)


@pytest.mark.parametrize("name", [name for name in NAMES if known_behaviours()[name].phases])
def test_phases(name: str) -> None:
    kind = known_behaviours()[name]
    acts = {phase for phase in sorted(kind.phases) if walk(*listed(name, when={"phase": phase})) != control(name)}
    assert acts, "in none of its phases does it do anything"


@pytest.mark.parametrize("name", [name for name in NAMES if len(known_behaviours()[name].streams) > 1])
def test_streams(name: str) -> None:
    streams = known_behaviours()[name].streams
    seen = {str(stream): walk(*listed(name, stream=stream)) for stream in streams}
    assert seen["sender"] != seen["receiver"]
    assert all(one != control(name) for one in seen.values())


@pytest.mark.parametrize("name", OURS)
def test_its_name_is_in_the_transcript(name: str) -> None:
    play = Playbook(behaviour(name, **SETTINGS.get(name, {})))
    assert [entry.data.decode() for entry in play.transcript if entry.kind == "behaviour"][:1] == [name]
    assert did(play, "nobody") == []
