"""A class: a lab for each student, isolated from the others, as plain data. Nothing here speaks to an engine.

A student's lab is one container that holds the whole live lab: hosts, page, control API, management shell. It has a network, a
volume for its state, a port and an invitation of its own. What the engine and Swarm do by themselves is left to them: placing,
restarting, updating.
"""

from __future__ import annotations

import ipaddress
import random
import re
from collections.abc import Iterable, Iterator

from lab.backends.containers_plan import RANGE
from lab.data import dataclass
from lab.errors import CannotTest, UserError

MOST_STUDENTS = 1000
FIRST_PORT = 8801
#: What a lab's container has of its own: the page's port, where its state lies, where its invitation is put.
PAGE_PORT, STATE, USER = 8025, "/lab", "10001:10001"
INVITATION_IN_STATE, INVITATION_OF_SWARM = f"{STATE}/invitation", "/run/secrets/invitation"
#: A lab's network holds its container and the way in.
_PREFIX = 29
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")
#: What a lab answers while its loop turns; the shell does it, since a Python for each probe of each lab would be most of the load.
PROBE = (
    "exec 3<>/dev/tcp/127.0.0.1/8025 && printf 'HEAD / HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3"
    " && read -r -t 4 line <&3 && [[ $line == HTTP/* ]]"
)
PROBE_EVERY = 10  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one lab may take: MB of memory, and what of it is set aside for it; processes; CPUs."""

    memory: int = 256
    reserved: int = 96
    processes: int = 128
    cpus: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Student:
    """One student: what the lab is called, which it is (from 1), the published port, the lab's network."""

    user: str
    number: int
    port: int
    subnet: ipaddress.IPv4Network


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassPlan:
    """One class. `listen` is the address that its ports are published at."""

    name: str
    scenario: str
    students: tuple[Student, ...]
    image: str
    era: str | None = None
    play: bool = False
    listen: str = "127.0.0.1"
    limits: Limits = Limits()

    def thing(self, student: Student) -> str:
        """Return the engine's name for a student's container or service, network, volume and secret."""
        return f"smtplab-{self.name}-{student.user}"

    def command(self, student: Student, invitation: str) -> tuple[str, ...]:
        """Return what the student's container runs."""
        more = [*(("--era", self.era) if self.era else ()), *(("--play",) if self.play else ())]
        words = ("--user", student.user, "--seed", str(student.number), "--invitation", invitation)
        return ("seat", self.scenario, *words, *more)


def students(count: int, subnets: Iterable[ipaddress.IPv4Network], first_port: int = FIRST_PORT) -> tuple[Student, ...]:
    """Return so many students. Raises UserError where there can be none of them, or no ports for all."""
    if not 1 <= count <= MOST_STUDENTS:
        raise UserError(f"a class of {count}", hint=f"from 1 to {MOST_STUDENTS} students; larger ones are several classes")
    if not 1 <= first_port <= 65536 - count:
        raise UserError(f"there are no {count} ports from {first_port} on", hint="choose another --port")
    width = max(2, len(str(count)))
    return tuple(
        Student(user=f"s{number:0{width}}", number=number, port=first_port + number - 1, subnet=subnet)
        for number, subnet in zip(range(1, count + 1), subnets, strict=False)
    )


def subnets_in(block: ipaddress.IPv4Network) -> Iterator[ipaddress.IPv4Network]:
    """Yield the networks that labs can have in a block."""
    return block.subnets(new_prefix=_PREFIX)


def free_subnets(count: int, taken: Iterable[ipaddress.IPv4Network], chance: random.Random) -> list[ipaddress.IPv4Network]:
    """Choose so many networks that nothing taken touches. Raises CannotTest where there are too few."""
    used, found = list(taken), list[ipaddress.IPv4Network]()
    blocks = range(RANGE.num_addresses // 256)
    for number in chance.sample(blocks, min(len(blocks), 4 * MOST_STUDENTS)):
        block = ipaddress.IPv4Network((int(RANGE.network_address) + 256 * number, 24))
        if not any(block.overlaps(other) for other in used):
            found += subnets_in(block)
        if len(found) >= count:
            return found[:count]
    raise CannotTest(f"no {count} free networks are left in {RANGE}", hint="smtplab clean removes what labs left behind")


def checked_listen(address: str) -> str:
    """Return the address that ports are published at. Raises UserError where it is none, or none of IPv4: labs have no other."""
    try:
        return str(ipaddress.IPv4Address(address))
    except ValueError:
        raise UserError(f"--listen {address!r} is no IPv4 address", hint="0.0.0.0, or one that this machine has") from None


def checked_class(name: str) -> str:
    """Return a class's name. Raises UserError where it can be none."""
    if not _NAME.fullmatch(name):
        raise UserError(f"{name!r} cannot be a class's name", hint="small letters, digits and dashes, at most 31")
    return name
