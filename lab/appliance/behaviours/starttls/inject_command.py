"""One command more than the sender said."""

from __future__ import annotations

from enum import StrEnum

from lab.appliance.behaviours.behaviour import Behaviour, Counts, Family, Verbs
from lab.appliance.conditions import Phase
from lab.appliance.settings import setting
from lab.data import dataclass


class Where(StrEnum):
    """On which side of STARTTLS."""

    BEHIND = "behind"  # in one segment: a vulnerable receiver reads it as if it had come through TLS
    BEFORE = "before"  # session fixation: what was said in clear must not count after the switch


class InjectCommand(Behaviour):
    """Say commands to the receiver that the sender never said, around the switch to TLS. Behind STARTTLS they stand in the same
    segment: a receiver that keeps them answers them inside TLS (CVE-2011-0411). Before it they are answered in clear, and the
    answers are kept from the sender. What the appliance itself does with such text is the `leftover` of resign.
    """

    name = "inject-command"
    family = Family.STARTTLS
    counts = Counts.COMMANDS
    phases = frozenset({Phase.STARTTLS})
    knows_sni = False
    source = "facts/peers 1 (striptls InjectCommand; EAST command-injection-tester); CVE-2011-0411"
    example = "- inject-command: {commands: [RSET]}\n- inject-command: {where: before, commands: ['MAIL FROM:<mallory@evil.test>']}"

    @dataclass(frozen=True, slots=True)
    class Settings:
        """What `inject-command` takes."""

        commands: tuple[str, ...] = setting(("RSET",), "the commands, without line ends")
        where: Where = setting(Where.BEHIND, "on which side of STARTTLS")

    settings: Settings

    @property
    def command_verbs(self) -> Verbs:
        return frozenset({"STARTTLS"})

    def on_command(self, line: bytes) -> bytes:
        commands = [command.encode("utf-8", "surrogateescape") for command in self.settings.commands]
        if self.settings.where is Where.BEHIND:
            return b"\r\n".join([line, *commands])
        for command in commands:
            self.session.ask(command)
        self.note(f"says {len(commands)} commands before STARTTLS")
        return line
