"""Behaviours from what stands in a file: every mistake has its sentence, its key and its hint, and nonsense has its reason."""

from __future__ import annotations

from typing import Any

import pytest

from lab.appliance.behaviours import check_together, known_behaviours, load_behaviour
from lab.appliance.behaviours.register import OURS
from lab.appliance.config import BehaviourSpec
from lab.errors import UserError
from tests.appliance.conversation import behaviour

#: The name, its settings, and of the error: message (part), key, hint (part).
MISTAKES: list[tuple[str, dict[str, Any], str, str, str]] = [
    ("resing", {}, "no behaviour 'resing'", "", "did you mean resign?"),
    ("resign", {"certificat": "x"}, "no setting 'certificat'", "certificat", "did you mean certificate?"),
    ("resign", {"certificate": 5}, "must be text, not 5", "certificate", ""),
    ("resign", {"leftover": "keep"}, "cannot be 'keep'", "leftover", "reject, ignore, allow"),
    ("resign", {"wen": {}}, "no setting 'wen'", "wen", "did you mean when?"),
    ("resign", {"stream": "sender"}, "cannot act towards 'sender'", "stream", "leave stream out"),
    ("resign", {"when": {"verb": "MAIL"}}, "does not look at single commands", "when.verb", "once for a session"),
    ("resign", {"when": {"phase": "mail"}}, "nothing to do in the phase mail", "when.phase", "once for a session"),
    ("resign", {"when": "sometimes"}, "must be keys with values", "when", "phase, verb"),
    ("resign", {"when": {"snl": "a"}}, "when has no 'snl'", "when.snl", "did you mean sni?"),
    ("resign", {"when": {"senders": "online"}}, "no range of addresses", "when.senders", "rule's senders"),
    ("strip-starttls", {"when": {"sni": "a"}}, "has done all it does", "when.sni", "senders"),
    ("resign", {"times": 3}, "times cannot be 3", "times", "{first: 3}"),
    ("resign", {"times": {"every": 0}}, "at least 1", "times.every", ""),
    ("resign", {"chance": 2}, "from 0 to 1", "chance", ""),
    ("resign", {"chance": "often"}, "must be a number", "chance", ""),
    ("resign", {"seed": 1}, "a seed without a chance", "seed", "leave seed out"),
    ("latency", {}, "needs delay", "delay", "how long"),
    ("latency", {"delay": "fast"}, "a duration such as 200ms", "delay", ""),
    ("latency", {"delay": 1, "stream": "up"}, "cannot be 'up'", "stream", "sender, receiver, both"),
    ("latency", {"delay": 1, "when": {"phase": "later"}}, "cannot be 'later'", "when.phase", "connect"),
    ("override-reply", {"code": 250}, "which reply?", "when", "RCPT"),
    ("override-reply", {"code": 99, "when": {"verb": "MAIL"}}, "99 is no reply code", "code", "200 to 599"),
    ("override-reply", {"code": 250, "when": {"verb": "RCPT", "match": "("}}, "no regular expression", "when.match", ""),
    ("refuse-starttls", {"code": 220}, "refuses nothing", "code", "220 is acceptance"),
    ("strip-headers", {"names": {"a": 1}}, "must be text", "names", ""),
]


@pytest.mark.parametrize(("name", "settings", "message", "key", "hint"), MISTAKES)
def test_each_mistake_is_named(name: str, settings: dict[str, Any], message: str, key: str, hint: str) -> None:
    with pytest.raises(UserError) as caught:
        load_behaviour(BehaviourSpec(name, settings))
    assert message in caught.value.message
    assert (caught.value.key or "") == key
    assert hint in (caught.value.hint or "")


# behaviours of one rule, the number of the one to blame, the reason (part)
NONSENSE: list[tuple[list[tuple[str, dict[str, Any]]], int, str]] = [
    ([("passthrough", {}), ("resign", {})], 0, "one carries TLS unread, the other ends it"),
    ([("resign", {}), ("resign", {"certificate": "x"})], 1, "stands twice"),
    ([("strip-starttls", {}), ("resign", {})], 1, "strip-starttls keeps every sender from it"),
    ([("resign", {}), ("refuse-starttls", {"code": 454})], 0, "refuse-starttls keeps every sender from it"),
    ([("strip-headers", {})], 0, "cannot look into TLS that the appliance does not end"),
    ([("latency", {"delay": 1}), ("greylist", {})], 1, "cannot look into TLS that the appliance does not end"),
    ([("downgrade", {}), ("passthrough", {})], 0, "changes how the appliance speaks TLS itself, and it does not"),
    ([("resign", {}), ("one-sided-tls", {})], 1, "resign before it ends TLS already"),
    ([("refuse-starttls", {}), ("fake-starttls", {})], 0, "both answer STARTTLS"),
    ([("resign", {}), ("drop-chunking", {}), ("break-bdat", {})], 1, "no BDAT comes when CHUNKING is not offered"),
]  # fmt: skip

SENSE: list[list[tuple[str, dict[str, Any]]]] = [
    [],
    [("passthrough", {}), ("latency", {"delay": 1})],
    [("resign", {}), ("strip-headers", {})],
    [("resign", {"times": {"every": 2}}), ("resign", {"certificate": "x"})],
    [("strip-starttls", {"times": {"every": 2}}), ("resign", {})],
    [("strip-starttls", {}), ("strip-headers", {})],
    [("latency", {"delay": 1}), ("latency", {"delay": 2, "stream": "receiver"})],
]


@pytest.mark.parametrize(("listed", "blamed", "reason"), NONSENSE)
def test_nonsense_is_refused_with_the_reason(listed: list[tuple[str, dict[str, Any]]], blamed: int, reason: str) -> None:
    with pytest.raises(UserError) as caught:
        check_together([behaviour(name, **settings) for name, settings in listed])
    assert reason in caught.value.message
    assert caught.value.key == str(blamed)
    assert caught.value.hint


@pytest.mark.parametrize("listed", SENSE)
def test_what_makes_sense_is_taken(listed: list[tuple[str, dict[str, Any]]]) -> None:
    check_together([behaviour(name, **settings) for name, settings in listed])


@pytest.mark.parametrize("name", OURS)
def test_a_behaviour_has_one_name_and_explains_itself(name: str) -> None:
    kind = known_behaviours()[name]
    assert kind.name == name
    assert OURS[name].partition(":")[0].rpartition(".")[2] == name.replace("-", "_")
    assert kind.__doc__
    assert kind.example
    assert kind.family
