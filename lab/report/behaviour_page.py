"""What the appliance's behaviours are, in words: for the terminal, and as the page of the documentation."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from dataclasses import MISSING, fields
from enum import StrEnum
from functools import lru_cache
from textwrap import wrap
from typing import Any

from lab.appliance.behaviours import Behaviour, known_behaviours
from lab.appliance.behaviours.behaviour import Family
from lab.appliance.conditions import Phase
from lab.appliance.settings import Seconds, Size, expectation, required

_WIDTH = 110
_UNITS = (("d", 86400.0), ("h", 3600.0), ("m", 60.0), ("s", 1.0), ("ms", 0.001))


def listing() -> Iterator[str]:
    """Yield the list of all behaviours by family, one line each."""
    known = known_behaviours()
    width = max(map(len, known))
    for family in Family:
        yield family.value
        for name in known:
            if known[name].family is family:
                first, *more = wrap(_first_sentence(known[name]), _WIDTH - width - 4)
                yield f"  {name:{width}}  {first}"
                yield from (f"  {'':{width}}  {line}" for line in more)
        yield ""
    yield "smtplab behaviours NAME explains one."


def explanation(kind: type[Behaviour]) -> Iterator[str]:
    """Yield the lines that explain one behaviour on a terminal."""
    yield kind.name
    yield ""
    yield from wrap(_text(kind).replace("`", ""), _WIDTH)
    yield ""
    rows = list(_settings(kind))
    if rows:
        yield "Settings"
        width = max(len(row[0]) for row in rows)
        for name, values, default, what in rows:
            head = f"  {name:{width}}  "
            text = f"{what}; {values}" + (f"; default {default}" if default else "; must be given")
            lines = wrap(text, _WIDTH - len(head))
            yield head + lines[0]
            yield from (" " * len(head) + line for line in lines[1:])
        yield ""
    yield "Conditions"
    yield from (f"  {line.replace('`', '')}" for line in _conditions(kind))
    yield ""
    yield "Example"
    yield from (f"  {line}" for line in _yaml(kind))
    yield ""
    yield f"Source: {kind.source or 'none is named'}"


@lru_cache(maxsize=1)
def page() -> str:
    """Return the page `docs/behaviours.md`."""
    known = known_behaviours()
    lines = [_INTRODUCTION]
    for family in Family:
        lines += [f"## {family.value}", ""]
        for name in known:
            if known[name].family is family:
                lines += _section(known[name])
    lines.append(_OWN)
    return "\n".join(lines)


def _section(kind: type[Behaviour]) -> list[str]:
    lines = [f"### {kind.name}", "", *wrap(_text(kind), 126), ""]
    rows = list(_settings(kind))
    if rows:
        lines += ["| setting | what | values | default |", "|---|---|---|---|"]
        lines += [
            f"| `{name}` | {what} | {values} | {f'`{default}`' if default else 'must be given'} |"
            for name, values, default, what in rows
        ]
        lines.append("")
    lines += [f"- {line}" for line in _conditions(kind)]
    lines += [f"- source: {kind.source}", "", "```yaml", *_yaml(kind), "```", ""]
    return lines


def _settings(kind: type[Behaviour]) -> Iterator[tuple[str, str, str, str]]:
    """Yield name, values, default ('' where it must be given) and meaning of each setting."""
    hints = typing.get_type_hints(kind.Settings)
    for entry in fields(kind.Settings):
        yield (
            entry.name,
            _values(hints[entry.name]),
            "" if required(entry) else _default(entry.default),
            entry.metadata.get("what", ""),
        )


def _values(wanted: Any) -> str:
    choices = typing.get_args(wanted) if isinstance(wanted, types.UnionType) else (wanted,)
    return " or ".join(expectation(choice) for choice in choices if choice is not types.NoneType)


def _default(value: Any) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return str(value).lower()
        case StrEnum():
            return value.value
        case Seconds():
            unit = next((word, size) for word, size in _UNITS if value % size == 0 or word == "ms")
            return f"{value / unit[1]:g}{unit[0]}" if value else "0"
        case Size():
            return f"{int(value)}"
        case tuple():
            return f"[{', '.join(map(str, value))}]"
        case _:
            return "" if value is MISSING else str(value)


def _conditions(kind: type[Behaviour]) -> Iterator[str]:
    if kind.streams:
        others = ", ".join(kind.streams[1:])
        yield f"`stream`: {kind.streams[0]} by default" + (f"; {others}" if others else "")
    keys = ["`senders`", "`sni`"] if kind.knows_sni else ["`senders`"]
    if kind.verbs_matter:
        keys += ["`verb`", "`match`"]
    if kind.phases:
        ordered = [phase for phase in Phase if phase in kind.phases]
        keys.append(f"`phase` ({', '.join(ordered)})")
    yield f"`when`: {', '.join(keys)}"
    yield f"`times` and `chance` count {kind.counts}"


def _yaml(kind: type[Behaviour]) -> list[str]:
    return kind.example.splitlines()


def _text(kind: type[Behaviour]) -> str:
    return " ".join((kind.__doc__ or "").split())


def _first_sentence(kind: type[Behaviour]) -> str:
    return _text(kind).partition(". ")[0].rstrip(".").replace("`", "")


_INTRODUCTION = """<!-- Made by `make docs` from the behaviours themselves. What is changed here is lost. -->
# Behaviours of the appliance

A rule of the appliance lists behaviours; each does one thing to a session. They act in the order of the file, each on what the
one before it made. A behaviour is a word, or a word with settings:

```yaml
faults:
  - name: the-box-inspects
    changes:
      - set: appliance.rules
        to:
          - direction: inbound
            behaviours:
              - strip-starttls
              - latency: {delay: 300ms, stream: both}
```

`smtplab behaviours` lists them, `smtplab behaviours NAME` explains one. What a behaviour does stands in the transcript, with its
name. A setting that is wrong, and a combination that makes no sense, is refused by `smtplab validate` with the reason.

## Conditions

All behaviours take these beside their own settings. What a behaviour cannot tell apart, it refuses.

| key | is |
|---|---|
| `stream` | the side that it acts towards: `sender`, `receiver` or `both` |
| `when.phase` | where the session must be: connect, banner, greeting, starttls, handshake, secure, mail, rcpt, data, quit; one or a list |
| `when.verb` | the command, or the command that a reply answers; the greeting answers CONNECT, the reply to a message CONTENT |
| `when.match` | a regular expression that is searched for in the command's argument, capitals or not; for replies in the reply |
| `when.senders` | addresses or ranges, such as `127.25.0.0/24`; names of hosts go into the rule's own `senders` |
| `when.sni` | the name in the sender's ClientHello, `*` stands for anything; `absent` for senders that send none |
| `times` | `{first: 3}`, `{every: 2}` or `all`; what is counted, each behaviour says. The count goes on over all sessions |
| `chance` | how likely it acts, from 0 to 1; drawn from `seed` and the count, and so the same at each run |

Inside TLS that the appliance does not end itself it sees nothing: where mail is to be read or changed behind STARTTLS, list `resign`
first, or `strip-starttls`. A behaviour that changes messages lets the appliance take each message whole (up to 64 MB) before the
receiver is asked for it.
"""

OWN_BEHAVIOUR = '''"""A box that lets nobody go without a last word."""

from dataclasses import dataclass

from lab.appliance.behaviours.behaviour import Behaviour, Counts, Family, Reply, Verbs
from lab.appliance.conditions import Phase
from lab.appliance.settings import setting


class LastWord(Behaviour):
    """Put a word of the box's own behind the receiver's good-bye."""

    name = "last-word"
    family = Family.SMTP
    counts = Counts.REPLIES
    phases = frozenset({Phase.QUIT})
    source = "somebody's own box"
    example = "- last-word: {word: Farewell, times: {every: 2}}"

    @dataclass(frozen=True, slots=True)
    class Settings:
        """What `last-word` takes."""

        word: str = setting("Bye", "the word")

    settings: Settings

    @property
    def reply_verbs(self) -> Verbs:
        return frozenset({"QUIT"})

    def on_reply(self, verb: str, reply: Reply) -> Reply:
        self.note("has the last word")
        return Reply(reply.code, (*reply.lines, self.settings.word))
'''

_OWN = f"""## Your own

A behaviour of your own is a class in a package of your own; smtplab finds it by the entry point group `smtplab.behaviours`. It is
then listed, explained, checked and completed like ours. This is a whole one, `last_word.py`:

```python
{OWN_BEHAVIOUR}```

and this its `pyproject.toml`:

```toml
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "last-word"
version = "1.0"
dependencies = ["smtplab"]

[project.entry-points."smtplab.behaviours"]
last-word = "last_word:LastWord"
```

The name of the entry point is that of the class. `lab/appliance/behaviours/behaviour.py` describes all hooks and
`lab/appliance/session.py` what a behaviour may do to a session. To test one, drive a `lab.appliance.relay.Relay` as
`tests/appliance/playbook.py` does: it needs no socket.
"""
