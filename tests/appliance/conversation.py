"""What the tests of behaviours say again and again, and two peers that speak TLS around a playbook."""

from __future__ import annotations

from typing import Any

from lab.appliance.behaviours import load_behaviour
from lab.appliance.behaviours.behaviour import Behaviour
from lab.appliance.config import BehaviourSpec
from lab.tls.engine import RelayChannel, relay_client
from lab.tls.verifying import VerifyingChannel, verifying_server
from lab.transcript import Kind, Leg
from tests.appliance.playbook import MINT, Playbook

GREETING = """
    r<< 220 EX01 ready
    s>> 220 EX01 ready
    s<< EHLO online.test
    r>> EHLO online.test
    r<< 250-EX01 | 250-STARTTLS | 250 CHUNKING
    s>> 250-EX01 | 250-STARTTLS | 250 CHUNKING
"""
ENVELOPE = """
    s<< MAIL FROM:<a@b.test>
    r>> MAIL FROM:<a@b.test>
    r<< 250 ok
    s>> 250 ok
    s<< RCPT TO:<c@d.test>
    r>> RCPT TO:<c@d.test>
    r<< 250 ok
    s>> 250 ok
"""
DATA = """
    s<< DATA
    r>> DATA
    r<< 354 go
    s>> 354 go
"""


def behaviour(name: str, **settings: Any) -> Behaviour:
    """Load a behaviour as a topology file would."""
    return load_behaviour(BehaviourSpec(name, settings))


def did(play: Playbook, name: str) -> list[str]:
    """Return what the transcript says that a behaviour has done."""
    notes = [entry.detail.get("message") for entry in play.entries(Kind.BEHAVIOUR) if entry.data == name.encode()]
    return [note for note in notes if note]


class Peers:
    """A TLS sender and a TLS receiver around a playbook."""

    def __init__(
        self, play: Playbook, *, sni: str | None = "mail.contoso.test", certificate: str = "exchange", **client: Any
    ) -> None:
        self.play = play
        self.sender: RelayChannel = relay_client(sni=sni, **client)
        self.receiver: VerifyingChannel = verifying_server(MINT.credential(certificate), request_certificate=True)
        self.plain = {Leg.SENDER: b"", Leg.RECEIVER: b""}

    def shake(self, ahead: bytes = b"") -> Peers:
        """Carry everything between relay and peers until nothing moves; `ahead` was already sent by the sender."""
        self.sender.start()
        first = self.sender.outgoing()
        self.play.feed(Leg.SENDER, first[len(ahead) :])
        self.receiver.start()
        return self.settle()

    def settle(self) -> Peers:
        for _ in range(20):
            moved = False
            for leg, channel in ((Leg.SENDER, self.sender), (Leg.RECEIVER, self.receiver)):
                heard, self.play.heard[leg] = self.play.heard[leg], b""
                if heard:
                    self.plain[leg] += bytes(channel.receive(heard))
                    moved = True
                if out := channel.outgoing():
                    self.play.feed(leg, out)
                    moved = True
            if not moved:
                return self
        raise AssertionError("does not settle")

    def say(self, leg: Leg, data: bytes) -> None:
        (self.sender if leg is Leg.SENDER else self.receiver).send(data)
        self.settle()

    def heard(self, leg: Leg) -> bytes:
        found, self.plain[leg] = self.plain[leg], b""
        return found

    def run(self, script: str) -> Peers:
        """Play a script inside TLS (see `playbook.py`)."""
        for line in filter(None, map(str.strip, script.splitlines())):
            leg = Leg.SENDER if line[0] == "s" else Leg.RECEIVER
            data = b"".join(part.strip().encode() + b"\r\n" for part in line[4:].split("|"))
            if line[1:3] == "<<":
                self.say(leg, data)
            else:
                assert self.heard(leg) == data, line
        return self


def switched(*behaviours: Behaviour, cut: int | None = None, **options: Any) -> Peers:
    """Return two peers at the point where the sender has heard 220 to STARTTLS, before the handshake."""
    play = Playbook(*behaviours, cut=cut).run(
        "r<< 220 EX01 ready\n s<< EHLO online.test\n r<< 250-EX01 | 250-STARTTLS | 250 CHUNKING"
    )
    play.run("s<< STARTTLS")
    play.heard = {Leg.SENDER: b"", Leg.RECEIVER: b""}
    play.feed(Leg.RECEIVER, b"220 go\r\n")
    play.heard[Leg.SENDER] = play.heard[Leg.SENDER].removeprefix(b"220 go\r\n")
    return Peers(play, **options)


def secured(*behaviours: Behaviour, cut: int | None = None, **options: Any) -> Peers:
    """Return two peers inside TLS."""
    return switched(*behaviours, cut=cut, **options).shake()


def resign(**settings: Any) -> Behaviour:
    return behaviour("resign", **{"certificate": "good", **settings})
