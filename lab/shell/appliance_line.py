"""The appliance's command line. The appliance is the lab's own, and so are these commands; they change its rules and its store."""

from __future__ import annotations

import difflib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from lab.appliance.behaviours import known_behaviours, load_behaviour
from lab.appliance.config import BehaviourSpec, Direction, Rule
from lab.errors import UserError, UserErrors
from lab.scenario.model import Change
from lab.shell.world import World
from lab.tls.certificate import Certificate

_HELP = """\
show interface                        listeners, and what each direction does with TLS
show rules                            the rules as they are kept
certificate list                      the certificate store
certificate show NAME                 one certificate in full
certificate available                 certificates that can be imported
certificate import NAME               take a certificate and its key into the store
certificate remove NAME               remove one from the store
certificate bind NAME [DIRECTION]     show it in TLS that the appliance terminates
tls passthrough [DIRECTION]           let TLS through untouched
tls terminate [NAME] [DIRECTION]      terminate TLS, with a certificate of the store
log [COUNT | SESSION]                 the last sessions, or one line by line
exit                                  back to the management shell

DIRECTION is inbound, outbound or both (default: inbound for bind, both for tls). Words may be shortened."""
_TREE: dict[str, tuple[str, ...]] = {
    "show": ("interface", "rules"), "certificate": ("list", "show", "available", "import", "remove", "bind"), "tls": ("passthrough", "terminate"),
    "log": (), "help": (), "exit": (),
}  # fmt: skip
_DIRECTIONS = ("inbound", "outbound", "both")
_LOG = 10


class _Wrong(Exception):
    """A command that cannot be: what is said of it."""


class Console:
    """A session on the appliance. `over` says that the user has left."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.over = False

    @property
    def name(self) -> str:
        """The appliance's short name."""
        return self._world.topology.appliance.name.partition(".")[0]

    @property
    def prompt(self) -> str:
        """What stands before a line."""
        return f"{self.name}# "

    @property
    def greeting(self) -> str:
        """What is shown at the begin of a session."""
        return f"Connected to {self._world.topology.appliance.name}. Type help for the commands, exit to leave."

    async def run(self, line: str) -> tuple[str, bool]:
        """Run a command; return what it says, and whether it failed."""
        words = line.split()
        if not words or words[0].startswith("#"):
            return "", False
        try:
            verb, *rest = _expanded(words)
            text = await self._verbs()[verb](rest)
        except _Wrong as wrong:
            return f"% {wrong}\n", True
        except UserError as error:
            first = error.errors[0] if isinstance(error, UserErrors) else error
            hint = f" ({first.hint})" if first.hint else ""
            return f"% {first}{hint}\n", True
        return (text + "\n" if text else ""), False

    def _verbs(self) -> dict[str, Callable[[Sequence[str]], Awaitable[str]]]:
        return {
            "show": self._show, "certificate": self._certificate, "tls": self._tls, "log": self._log, "help": self._help, "exit": self._exit,
        }  # fmt: skip

    async def _help(self, _words: Sequence[str]) -> str:
        return _HELP

    async def _exit(self, _words: Sequence[str]) -> str:
        self.over = True
        return ""

    # --- show ---------------------------------------------------------------------------------------------------------

    async def _show(self, words: Sequence[str]) -> str:
        if words[0] == "rules":
            rows: list[tuple[str, ...]] = [("#", "direction", "senders", "behaviours")]
            rows += [
                (
                    str(number),
                    rule.direction.value,
                    ", ".join(rule.senders) or "any",
                    ", ".join(_spec_text(one) for one in rule.behaviours) or "passthrough",
                )
                for number, rule in enumerate(self._world.topology.appliance.rules, 1)
            ]
            return _columns(rows) if len(rows) > 1 else "no rules: every session passes through untouched"
        rows = [("interface", "address", "port", "tls", "certificate")]
        for interface, address, port in self._world.addresses():
            direction = Direction.INBOUND if interface == "inbound" else Direction.OUTBOUND
            spec = self._terminating(direction)
            rows.append(
                (interface, address, str(port), "terminate" if spec else "passthrough", _certificate_of(spec) if spec else "-")
            )
        return _columns(rows)

    def _terminating(self, direction: Direction) -> BehaviourSpec | None:
        """The behaviour that terminates TLS for any sender of a direction, None where none does."""
        for rule in self._world.topology.appliance.rules:
            if rule.direction in (direction, Direction.BOTH) and not rule.senders:
                return next((spec for spec in rule.behaviours if _terminates(spec)), None)
        return None

    # --- certificates -------------------------------------------------------------------------------------------------

    async def _certificate(self, words: Sequence[str]) -> str:  # one case a verb
        verb, *names = words
        store = self._world.topology.appliance.certificates
        if verb == "available":
            return "\n".join(name for name in self._world.mint_names() if name not in store)
        if verb == "list":
            rows = [("name", "subject", "issuer", "valid until", "thumbprint")]
            for one in store:
                leaf = self._world.credential(one).leaf
                rows.append(
                    (
                        one,
                        leaf.subject,
                        leaf.issuer if not leaf.self_issued else "self-signed",
                        f"{leaf.not_after:%Y-%m-%d}",
                        leaf.thumbprint,
                    )
                )
            return _columns(rows) if store else "the store is empty"
        if not names:
            raise _Wrong(f"certificate {verb} needs a name. certificate list shows the store.")
        name, *rest = names
        if verb == "import":
            known = [*self._world.mint_names(), *(entry.certificate.thumbprint for entry in self._world.store())]
            name = next(
                (entry.credential.name for entry in self._world.store() if entry.certificate.thumbprint == name.upper()), name
            )
            if name not in self._world.mint_names() and not name.startswith("own-"):
                raise _Wrong(f"there is no certificate {name!r} to import. {_near(name, known)}")
            if name in store:
                raise _Wrong(f"the store has {name} already.")
            self._world.change(Change(add="appliance.certificates", to=name))
            return f"imported {name}: {self._world.credential(name).leaf.subject}"
        if name not in store:
            raise _Wrong(f"the store has no certificate {name!r}. {_near(name, store)}")
        if verb == "show":
            return _full(self._world.credential(name).leaf)
        if verb == "remove":
            if any(
                name in load_behaviour(spec).certificates
                for rule in self._world.topology.appliance.rules
                for spec in rule.behaviours
            ):
                raise _Wrong(f"{name} is bound. Bind another certificate or let TLS pass first.")
            self._world.change(Change(remove=f"appliance.certificates[{store.index(name)}]"))
            return f"removed {name}"
        direction = _direction(rest, "inbound")
        self._set_tls(direction, name)
        return f"{direction}: TLS is terminated with {name} ({self._world.credential(name).leaf.subject})"

    # --- TLS ----------------------------------------------------------------------------------------------------------

    async def _tls(self, words: Sequence[str]) -> str:
        verb, *rest = words
        if verb == "passthrough":
            direction = _direction(rest, "both")
            self._set_tls(direction, None)
            return f"{direction}: TLS passes through untouched"
        store = self._world.topology.appliance.certificates
        named = [word for word in rest if word in store]
        others = [word for word in rest if word not in store]
        direction = _direction(others, "both")
        present = self._terminating(Direction.OUTBOUND if direction == "outbound" else Direction.INBOUND)
        name = named[0] if named else _certificate_of(present) if present else store[0] if store else None
        if name is None:
            raise _Wrong("the store is empty: import a certificate first.")
        self._set_tls(direction, name)
        return f"{direction}: TLS is terminated with {name} ({self._world.credential(name).leaf.subject})"

    def _set_tls(self, direction: str, certificate: str | None) -> None:
        """Rewrite the rules: what concerns TLS in a direction for any sender changes, everything else stays."""
        rules: list[dict[str, Any]] = []
        for one in (Direction.INBOUND, Direction.OUTBOUND):
            own = [rule for rule in self._world.topology.appliance.rules if rule.direction in (one, Direction.BOTH)]
            changed = direction in (one.value, "both")
            general = next((rule for rule in own if not rule.senders), None)
            for rule in own:
                behaviours = rule.behaviours
                if rule is general and changed:
                    behaviours = _with_tls(behaviours, certificate)
                if behaviours or rule is not general:
                    rules.append(_rule(one, rule, behaviours))
            if general is None and changed and certificate is not None:
                rules.append(_rule(one, Rule(), _with_tls((), certificate)))
        self._world.change(Change(set="appliance.rules", to=rules))

    # --- log ----------------------------------------------------------------------------------------------------------

    async def _log(self, words: Sequence[str]) -> str:
        sessions = self._world.appliance_sessions()
        if words and not words[0].isdigit():
            session = next((one for one in sessions if one.id == words[0]), None)
            if session is None:
                raise _Wrong(f"there is no session {words[0]!r}. {_near(words[0], [one.id for one in sessions])}")
            return "\n".join(session.lines)
        most = min(int(words[0]), 1000) if words and len(words[0]) < 6 else _LOG
        rows = [("session", "from", "lines", "last line")]
        rows += [(one.id, one.sender, str(len(one.lines)), one.lines[-1][:80] if one.lines else "") for one in sessions[-most:]]
        return _columns(rows) if len(rows) > 1 and most else "no session yet"


def _expanded(words: Sequence[str]) -> list[str]:
    """Return a command's words in full. Raises _Wrong for one that is not known, or that may be several."""
    verb = _one("command", words[0], tuple(_TREE))
    if not _TREE[verb]:
        return [verb, *words[1:]]
    if len(words) == 1:
        raise _Wrong(f"{verb} what? {', '.join(_TREE[verb])}")
    return [verb, _one(f"{verb} command", words[1], _TREE[verb]), *words[2:]]


def _one(what: str, word: str, known: Sequence[str]) -> str:
    lower = {"?": "help", "quit": "exit", "logout": "exit"}.get(word.lower(), word.lower())
    found = [one for one in known if one == lower] or [one for one in known if one.startswith(lower)]
    if len(found) == 1:
        return found[0]
    if found:
        raise _Wrong(f"{word!r} may be {' or '.join(found)}")
    raise _Wrong(f"there is no {what} {word!r}. {_near(word, known)}")


def _near(word: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(word, known, 1)
    return (
        f"Did you mean {near[0]}?" if near else f"There are: {', '.join(list(known)[:12])}" + (", ..." if len(known) > 12 else "")
    )


def _direction(words: Sequence[str], default: str) -> str:
    if len(words) > 1:
        raise _Wrong(f"{words[1]!r} is too much")
    return _one("direction or certificate", words[0], _DIRECTIONS) if words else default


def _terminates(spec: BehaviourSpec) -> bool:
    kind = known_behaviours().get(spec.name)
    return kind is not None and kind.terminates


def _certificate_of(spec: BehaviourSpec) -> str:
    certificates = load_behaviour(spec).certificates
    return certificates[0] if certificates else "-"


def _with_tls(behaviours: Sequence[BehaviourSpec], certificate: str | None) -> tuple[BehaviourSpec, ...]:
    """Return behaviours with TLS terminated by a certificate, or without any that terminates it."""
    kept = tuple(spec for spec in behaviours if not _terminates(spec) and spec.name != "passthrough")
    if certificate is None:  # what changes how TLS is terminated goes with it
        known = known_behaviours()
        return tuple(spec for spec in kept if spec.name in known and not known[spec.name].needs_termination)
    present = next((spec for spec in behaviours if _terminates(spec)), BehaviourSpec("resign"))
    return (*kept, BehaviourSpec(present.name, {**present.settings, "certificate": certificate}))


def _rule(direction: Direction, rule: Rule, behaviours: Sequence[BehaviourSpec]) -> dict[str, Any]:
    data: dict[str, Any] = {"direction": direction.value, "behaviours": [{spec.name: dict(spec.settings)} for spec in behaviours]}
    return {**data, "senders": list(rule.senders)} if rule.senders else data


def _spec_text(spec: BehaviourSpec) -> str:
    settings = ", ".join(f"{key}={value}" for key, value in spec.settings.items())
    return f"{spec.name}({settings})" if settings else spec.name


def _columns(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[number]) for row in rows) for number in range(len(rows[0]))]
    return "\n".join("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def _full(certificate: Certificate) -> str:
    rows = (
        ("subject", certificate.subject), ("issuer", certificate.issuer), ("names", ", ".join(certificate.dns_names) or "none"),
        ("valid", f"{certificate.not_before:%Y-%m-%d} to {certificate.not_after:%Y-%m-%d}"), ("key", certificate.key), ("serial", certificate.serial),
        ("thumbprint", certificate.thumbprint),
    )  # fmt: skip
    return "\n".join(f"{name:<11}{value}" for name, value in rows)
