"""From a file to a `Scenario` that can be played. Every error names file, line and key, and all that can be found are found at
once.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from lab.appliance.behaviours import check_together, load_behaviour
from lab.appliance.config import Rule
from lab.errors import UserError, UserErrors
from lab.network.contradictions import check_network
from lab.scenario import catalogue, change, model
from lab.scenario.loaded import Loaded
from lab.scenario.model import Change, Scenario
from lab.scenario.names import check_dns, near
from lab.scenario.source import Place, Source, read
from lab.scenario.topology import Flow, Topology
from lab.sending.implementation import Implementation, MtaTls
from lab.tls.mint import ADOPTED
from lab.tls.mint_cases import CASES

_CHAIN = 8  # files that may inherit from one another
_LONGEST = timedelta(days=3650)  # what may pass: the roots of the mint are good for as long


def load_scenario(name: str | Path) -> Loaded:
    """Load a scenario of the catalogue by name, or a file by path. Raises UserError."""
    path = catalogue.find(name)
    source = read(path)
    files = [path]
    data = _inherited(source, path, files)
    scenario: Scenario = _validated(scenario_adapter(), data, source)
    _check_changes(source, scenario)
    inherited = _topology_data(scenario.topology.inherit, path, source, files)
    healthy, topology = _changed(("topology",), scenario.topology.changes, inherited, source)
    problems: list[UserError] = _check_names(scenario, topology, source)
    broken = healthy
    places: list[tuple[Place, tuple[Change, ...], bool]] = []
    places += [(("faults", number), fault.changes, True) for number, fault in enumerate(scenario.faults)]
    places += [(("fixes", number), fix.changes, False) for number, fix in enumerate(scenario.fixes)]
    for place, changes, lasting in places:
        try:
            changed, _ = _changed(place, changes, broken, source)
        except UserError as error:
            problems.append(error)
        else:
            broken = changed if lasting else broken
    _raise(problems)
    return Loaded(path.stem, scenario, healthy, broken, tuple(files))


def _changed(below: Place, changes: tuple[Change, ...], data: dict[str, Any], source: Source) -> tuple[dict[str, Any], Topology]:
    """Make the changes that stand below a place of a file. Raises UserError, with the change that is wrong as far as it can be told."""
    try:
        changed = change.apply(changes, data)
        return changed, topology_of(changed)
    except UserError as error:
        within = _within(changes, error.key)
        message = error.message if within or not error.key else f"{error.key}: {error.message}"
        named = UserError(message, key=error.key, hint=error.hint)
        raise _placed(named, source, (*below, "changes", *within)) from None


def _within(changes: Iterable[Change], key: str | None) -> Place:
    """Return where among changes something of the topology was set that is wrong, by its dotted key; as far as it can be told."""
    parts = (key or "").split(".")
    found: Place = ()
    for number, one in enumerate(changes):
        path = re.findall(r"[\w-]+", one.path) if one.remove is None else []
        if path and parts[: len(path)] == path:
            below = parts[len(path) + (one.add is not None) :]
            found = (number, "to", *(int(part) if part.isdigit() else part for part in below))
    return found


@lru_cache(maxsize=1)
def scenario_adapter() -> TypeAdapter[Scenario]:
    """Return pydantic's view of a scenario."""
    return TypeAdapter(Scenario)


@lru_cache(maxsize=1)
def _topology_adapter() -> TypeAdapter[Topology]:
    return TypeAdapter(Topology)


def topology_of(data: dict[str, Any]) -> Topology:
    """Make a topology of its plain data, and see that it holds together. Raises UserError."""
    plain = {**data}
    if isinstance(plain.get("appliance"), dict):
        rules = plain["appliance"].get("rules")
        if isinstance(rules, list):
            plain["appliance"] = {**plain["appliance"], "rules": [_plain_rule(rule) for rule in rules]}
    try:
        topology = _topology_adapter().validate_python(plain)
    except ValidationError as error:
        first = error.errors()[0]
        raise UserError(_message(first), key=".".join(map(str, first["loc"])), hint=_hint(first)) from None
    _check_topology(topology)
    return topology


def plain_topology(topology: Topology) -> dict[str, Any]:
    """Return a topology as plain data, with every default written out; `topology_of` takes it back."""
    data: dict[str, Any] = _topology_adapter().dump_python(topology, mode="json")
    return data


def _plain_rule(rule: Any) -> Any:
    """A behaviour may be a word, or one word with its settings."""
    if not isinstance(rule, dict) or not isinstance(rule.get("behaviours"), list):
        return rule
    behaviours: list[Any] = []
    for behaviour in rule["behaviours"]:
        if isinstance(behaviour, str):
            behaviours.append({"name": behaviour})
        elif isinstance(behaviour, dict) and len(behaviour) == 1 and "name" not in behaviour:
            ((name, settings),) = behaviour.items()
            behaviours.append({"name": name, "settings": settings or {}})
        else:
            behaviours.append(behaviour)
    return {**rule, "behaviours": behaviours}


def _check_topology(topology: Topology) -> None:
    store = topology.appliance.certificates
    for number, rule in enumerate(topology.appliance.rules):
        _check_behaviours(rule, store, f"appliance.rules.{number}.behaviours")
        for sender in rule.senders:
            if "." not in sender and ":" not in sender and sender not in HOSTS:
                raise UserError(f"{sender!r} is no host of the topology", hint=near(sender, HOSTS))
    names = [*store, *(c.certificate for c in topology.exchange.certificates), topology.online.certificate]
    names += [site.certificate for site in topology.sts.sites.values()]
    names += [record.certificate for records in topology.dns.tlsa.values() for record in records if not record.data]
    for name in names + ([topology.internet.certificate] if topology.internet.certificate else []):
        if name not in CASES and not name.startswith(ADOPTED):
            raise UserError(f"the mint knows no certificate {name!r}", hint=near(name, CASES))
    for name, host in topology.dns.hosts.items():
        if host not in HOSTS:
            raise UserError(f"{host!r} is no host of the topology", key=f"dns.hosts.{name}", hint=near(host, HOSTS))
    check_dns(topology.dns)
    real = [role for role in HOSTS if topology.program(role) is not Implementation.EMULATED]
    check_network(topology.network, HOSTS, real)
    _check_programs(topology)


def _check_programs(topology: Topology) -> None:
    """A real MTA must be able to be as strict as it is asked to be; an emulated host is asked in other words."""
    tls = {"exchange": topology.exchange.tls, "internet": topology.internet.tls}
    for role, level in tls.items():
        program = topology.program(role)
        key, words = f"{role}.tls", "may, encrypt, verify, secure, dane"
        if program is Implementation.EMULATED and level not in (None, MtaTls.MAY):
            own = {"exchange": "exchange.send_connectors", "internet": "internet.mta_sts, internet.dane"}[role]
            hint = f"{own} say how strict the emulated one is; or set {role}.implementation to postfix or exim"
            raise UserError("only a real MTA is told so how strict it is", key=key, hint=hint)
        if level is not MtaTls.MTA_STS:
            continue
        if program is Implementation.EXIM:
            raise UserError("Exim keeps no MTA-STS policies", key=key, hint=f"{words}; or let Postfix play {role}")


def _check_behaviours(rule: Rule, store: tuple[str, ...], below: str) -> None:
    """Behaviours must be known, rightly set, have their certificates, and make sense together."""
    behaviours = []
    for number, spec in enumerate(rule.behaviours):
        place = f"{below}.{number}.{spec.name}"
        try:
            behaviour = load_behaviour(spec)
        except UserError as error:
            raise UserError(error.message, key=f"{place}.{error.key}" if error.key else place, hint=error.hint) from None
        behaviours.append(behaviour)
        for name in behaviour.certificates:
            if name not in store:
                raise UserError(
                    f"the appliance holds no certificate {name!r}", key=place, hint=f"its store: {', '.join(store) or 'empty'}"
                )
    try:
        check_together(behaviours)
    except UserError as error:
        place = f"{below}.{error.key}.{rule.behaviours[int(error.key or 0)].name}"
        raise UserError(error.message, key=place, hint=error.hint) from None


HOSTS = ("exchange", "appliance", "online", "internet", "dns", "sts")


def _check_names(scenario: Scenario, topology: Topology, source: Source) -> list[UserError]:
    """Flows must exist, and fixes must have names of their own."""
    problems = []
    expectations: list[tuple[Place, model.Expectation]] = [(("expect",), scenario.expect)]
    expectations += [(("fixes", number, "expect"), fix.expect) for number, fix in enumerate(scenario.fixes)]
    for place, expectation in expectations:
        for flow in expectation.flows:
            if flow != "*" and flow not in topology.flows:
                error = UserError(f"there is no flow {flow!r}", hint=near(flow, topology.flows))
                problems.append(_placed(error, source, (*place, "flows", flow)))
    names = [fix.name for fix in scenario.fixes]
    for number, name in enumerate(names):
        if name in names[:number]:
            problems.append(_placed(UserError(f"a fix {name!r} is there already"), source, ("fixes", number, "name")))
    return problems


def _check_changes(source: Source, scenario: Scenario) -> None:
    problems = []
    groups: list[tuple[Place, tuple[Change, ...]]] = [(("topology", "changes"), scenario.topology.changes)]
    groups += [(("faults", n, "changes"), fault.changes) for n, fault in enumerate(scenario.faults)]
    groups += [(("fixes", n, "changes"), fix.changes) for n, fix in enumerate(scenario.fixes)]
    for place, changes in groups:
        for number, one in enumerate(changes):
            if sum(word is not None for word in (one.set, one.add, one.remove)) != 1:
                error = UserError("a change has one of set, add and remove", hint="for instance {set: online.era, to: classic}")
                problems.append(_placed(error, source, (*place, number)))
    for number, fault in enumerate(scenario.faults):
        if not timedelta(0) <= fault.passes <= _LONGEST:
            error = UserError("time goes forward only, and not more than ten years", hint="for instance PT26H or P30D")
            problems.append(_placed(error, source, ("faults", number, "passes")))
    _raise(problems)


def _inherited(source: Source, path: Path, files: list[Path], seen: tuple[Path, ...] = ()) -> Any:
    """Return a file's data over that of the one that it inherits from, key by key; note which files those are."""
    data = source.data
    if not isinstance(data, dict) or "inherit" not in data:
        return data
    place: Place = ("inherit",)
    parent = data["inherit"]
    chain = (*seen, path.resolve())
    if not isinstance(parent, str):
        raise _placed(UserError("must be the name of a scenario"), source, place)
    try:
        parent_path = catalogue.find(parent, beside=path)
    except UserError as error:
        raise _placed(error, source, place) from None
    if parent_path.resolve() in chain or len(chain) > _CHAIN:
        names = " -> ".join([*(p.stem for p in chain), parent_path.stem])
        raise _placed(UserError(f"inherits from itself: {names}"), source, place)
    files.append(parent_path)
    parent_data = _inherited(read(parent_path), parent_path, files, chain)
    return {**parent_data, **{key: value for key, value in data.items() if key != "inherit"}}


def _topology_data(name: str, beside: Path, asked: Source, files: list[Path], seen: tuple[Path, ...] = ()) -> dict[str, Any]:
    place: Place = ("topology", "inherit") if not seen else ("inherit",)
    try:
        path = catalogue.find_topology(name, beside=beside)
    except UserError as error:
        raise _placed(error, asked, place) from None
    chain = (*seen, path.resolve())
    if path.resolve() in seen or len(chain) > _CHAIN:
        raise _placed(UserError(f"inherits from itself: {' -> '.join(p.stem for p in chain)}"), asked, place)
    files.append(path)
    source = read(path)
    data = source.data
    if not isinstance(data, dict):
        raise UserError("is no topology", file=source.file, line=1)
    if "inherit" in data:
        parent = _topology_data(str(data["inherit"]), path, source, files, chain)
        changes: tuple[Change, ...] = _validated(TypeAdapter(tuple[Change, ...]), data.get("changes", []), source, ("changes",))
        return change.apply(changes, parent)
    try:
        topology_of(data)
    except UserError as error:
        where: Place = tuple(int(part) if part.isdigit() else part for part in (error.key or "").split("."))
        raise _placed(error, source, where) from None
    return data


# --- errors -----------------------------------------------------------------------------------------------------------


def _validated(adapter: TypeAdapter[Any], data: Any, source: Source, below: Place = ()) -> Any:
    try:
        return adapter.validate_python(data)
    except ValidationError as error:
        problems = []
        for entry in error.errors():
            place = tuple(
                part for part in entry["loc"] if not (isinstance(part, str) and ("[" in part or part in ("str", "tuple", "dict")))
            )
            problem = UserError(_message(entry), key=".".join(map(str, below + place)), hint=_hint(entry))
            problems.append(_placed(problem, source, below + place))
        unique = {(p.line, p.key): p for p in reversed(problems)}
        raise UserErrors(sorted(unique.values(), key=lambda problem: problem.line or 0)) from None


def _placed(error: UserError, source: Source, place: Place) -> UserError:
    if error.file is not None:
        return error
    key = error.key if error.key and not place else ".".join(map(str, place))
    return UserError(error.message, file=source.file, line=source.line(place), key=key, hint=error.hint)


def _raise(problems: list[UserError]) -> None:
    if problems:
        raise UserErrors(problems)


def _message(entry: Any) -> str:
    match entry["type"]:
        case "extra_forbidden" | "unexpected_keyword_argument":
            return "is no key that is known here"
        case "missing" | "missing_keyword_only_argument" | "missing_argument":
            return "is missing"
        case "enum":
            return f"cannot be {entry['input']!r}"
        case "dataclass_type":
            return f"must be keys with values, not {entry['input']!r}"
        case "tuple_type":
            return f"must be a list, not {entry['input']!r}"[:300]
        case _:
            text = str(entry["msg"])
            return f"{text[:1].lower()}{text[1:]}, not {entry['input']!r}"[:300]


def _hint(entry: Any) -> str | None:
    if entry["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return near(str(entry["loc"][-1]), _known_keys())
    if entry["type"] == "enum":
        expected = str(entry["ctx"]["expected"])
        choices = [choice.strip(" '") for choice in expected.replace(" or ", ",").split(",")]
        close = difflib.get_close_matches(str(entry["input"]), choices, 1)
        return f"did you mean {close[0]}?" if close else f"one of: {', '.join(choices)}"
    return None


@lru_cache(maxsize=1)
def _known_keys() -> tuple[str, ...]:
    """All keys of scenario and topology files."""
    kinds = [kind for kind in vars(model).values() if is_dataclass(kind)] + [Topology, Flow]
    keys = {entry.name for kind in kinds for entry in fields(kind)}
    return tuple(sorted(keys))
