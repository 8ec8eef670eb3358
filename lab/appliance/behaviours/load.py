"""From what stands in a file to behaviours: settings and conditions are checked, and what makes no sense is refused."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Any

from lab.appliance.behaviours.behaviour import Behaviour, Counts
from lab.appliance.behaviours.register import known_behaviours
from lab.appliance.conditions import Conditions, Phase, Stream, When
from lab.appliance.config import BehaviourSpec
from lab.appliance.settings import convert, convert_all, near
from lab.errors import UserError

#: Keys that all behaviours share.
COMMON = ("stream", "when", "times", "chance", "seed")
_WHEN = ("phase", "verb", "match", "senders", "sni")


def load_behaviour(spec: BehaviourSpec) -> Behaviour:
    """Make a behaviour of its specification. Raises UserError that names the behaviour and the setting that is wrong."""
    kind = known_behaviours().get(spec.name)
    if kind is None:
        raise UserError(f"there is no behaviour {spec.name!r}", hint=near(spec.name, known_behaviours(), "there are"))
    own = {key: value for key, value in spec.settings.items() if key not in COMMON}
    for key in own:
        if key not in kind.Settings.__dataclass_fields__ and near(key, dict.fromkeys(COMMON), "").startswith("did"):
            raise UserError(f"{spec.name} has no setting {key!r}", key=key, hint=near(key, dict.fromkeys(COMMON), ""))
    settings = convert_all(spec.name, kind.Settings, own)
    common = {key: value for key, value in spec.settings.items() if key in COMMON}
    return kind(settings, _conditions(kind, common) if common else None)


def _conditions(kind: type[Behaviour], given: Mapping[str, Any]) -> Conditions:
    name = kind.name
    fields: dict[str, Any] = {}
    if "stream" in given:
        stream = convert(name, "stream", given["stream"], Stream)
        if stream not in kind.streams:
            hint = f"one of: {', '.join(kind.streams)}" if kind.streams else "leave stream out"
            raise UserError(f"{name} cannot act towards {stream.value!r}", key="stream", hint=hint)
        fields["stream"] = stream
    if "when" in given:
        fields["when"] = _when(kind, given["when"])
    if "times" in given:
        fields |= _times(name, given["times"])
    if "chance" in given:
        fields["chance"] = convert(name, "chance", given["chance"], float)
        if not 0.0 <= fields["chance"] <= 1.0:
            raise UserError(f"{name}: chance must be from 0 to 1, not {given['chance']!r}", key="chance")
    if "seed" in given:
        fields["seed"] = convert(name, "seed", given["seed"], int)
        if "chance" not in given:
            raise UserError(f"{name}: a seed without a chance", key="seed", hint="give chance: 0.5, or leave seed out")
    return Conditions(**fields)


def _times(name: str, given: Any) -> dict[str, int]:
    """`all`, or `{first: N}`, or `{every: N}`."""
    if given == "all":
        return {}
    hint = "all, {first: 3} or {every: 2}"
    if not isinstance(given, Mapping) or len(given) != 1 or next(iter(given)) not in ("first", "every"):
        raise UserError(f"{name}: times cannot be {given!r}", key="times", hint=hint)
    ((key, value),) = given.items()
    number = convert(name, f"times.{key}", value, int)
    if number < 1:
        raise UserError(f"{name}: {key} must be at least 1", key=f"times.{key}", hint=hint)
    return {key: number}


def _when(kind: type[Behaviour], given: Any) -> When:
    name = kind.name
    if not isinstance(given, Mapping):
        raise UserError(f"{name}: when must be keys with values, not {given!r}", key="when", hint=f"keys: {', '.join(_WHEN)}")
    fields: dict[str, Any] = {}
    for key, value in given.items():
        place = f"when.{key}"
        match key:
            case "phase":
                fields[key] = frozenset(convert(name, place, value, tuple[Phase, ...]))
                if wrong := fields[key] - kind.phases:
                    hint = f"it acts in: {', '.join(sorted(kind.phases))}" if kind.phases else _once(kind)
                    raise UserError(f"{name} has nothing to do in the phase {min(wrong)}", key=place, hint=hint)
            case "sni" if not kind.knows_sni:
                hint = "senders can be told apart"
                raise UserError(f"{name} has done all it does when the name of SNI comes", key=place, hint=hint)
            case "verb" | "match" if not kind.verbs_matter:
                raise UserError(f"{name} does not look at single commands", key=place, hint=_once(kind))
            case "verb":
                fields[key] = frozenset(verb.upper() for verb in convert(name, place, value, tuple[str, ...]))
            case "match":
                fields[key] = _pattern(name, place, convert(name, place, value, str))
            case "senders":
                fields[key] = tuple(_network(name, place, one) for one in convert(name, place, value, tuple[str, ...]))
            case "sni":
                fields[key] = tuple(one.lower() for one in convert(name, place, value, tuple[str, ...]))
            case _:
                raise UserError(f"{name}: when has no {key!r}", key=place, hint=near(str(key), dict.fromkeys(_WHEN), "keys"))
    return When(**fields)


def _once(kind: type[Behaviour]) -> str:
    what = "once for a session" if kind.counts is Counts.SESSIONS else f"for {kind.counts}"
    return f"it acts {what}; senders and sni can be told apart"


def _pattern(name: str, place: str, text: str) -> re.Pattern[str]:
    try:
        return re.compile(text, re.IGNORECASE)
    except re.error as error:
        raise UserError(f"{name}: match is no regular expression: {error}", key=place) from None


def _network(name: str, place: str, text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        hint = "such as 127.25.0.30 or 127.25.0.0/24; names of hosts go into the rule's senders"
        raise UserError(f"{name}: {text!r} is no range of addresses", key=place, hint=hint) from None


def check_together(behaviours: Sequence[Behaviour]) -> None:
    """See that the behaviours of one rule make sense together. Raises UserError whose key is the number of the one to blame."""
    ending = next((b for b in behaviours if b.terminates), None)
    hiding = next((b for b in behaviours if b.prevents_tls and b.conditions.always), None)
    for number, behaviour in enumerate(behaviours):
        reason = _nonsense(behaviour, behaviours[:number], behaviours, ending, hiding)
        if reason is not None:
            message, hint = reason
            raise UserError(f"{behaviour.name}: {message}", key=str(number), hint=hint)


def _nonsense(
    one: Behaviour, before: Sequence[Behaviour], every: Sequence[Behaviour], ending: Behaviour | None, hiding: Behaviour | None
) -> tuple[str, str] | None:
    for other in every:
        if other is not one and other.name in one.conflicts:
            return f"makes no sense beside {other.name}: {one.conflicts[other.name]}", "take one of them out"
    twin = next((other for other in before if other.name == one.name), None)
    if twin is not None and twin.conditions.always and one.conditions.always and twin.stream is one.stream and one.terminates:
        return "stands twice, and always", "give each a condition, or take one out"
    rival = next((other for other in before if other.terminates and one.terminates), None)
    if rival is not None and rival.conditions.always:
        return f"{rival.name} before it ends TLS already, in every session", f"give {rival.name} a condition"
    if one.needs_termination and ending is None:
        return "changes how the appliance speaks TLS itself, and it does not", "list resign or one-sided-tls before it"
    if hiding is not None and hiding is not one and (one.terminates or one.needs_termination) and not hiding.terminates:
        return f"never comes to TLS: {hiding.name} keeps every sender from it", f"give {hiding.name} a condition"
    if one.reads_content and ending is None and hiding is None:
        return "cannot look into TLS that the appliance does not end", "list resign or strip-starttls before it"
    return None
