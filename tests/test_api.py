"""The Python API: as its documentation says, and when it is used wrongly."""

from __future__ import annotations

import asyncio
import socket
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest

import lab as package
from lab import Lab
from lab.errors import CannotTest, UserError
from lab.scenario.load import load_scenario


def blocks() -> list[str]:
    """Return the code blocks of the package's docstring, as they are written."""
    assert package.__doc__ is not None
    found: list[list[str]] = [[]]
    for line in package.__doc__.splitlines():
        if line.startswith("    ") or (not line and found[-1]):
            found[-1].append(line)
        elif found[-1]:
            found.append([])
    return [textwrap.dedent("\n".join(lines)).strip() for lines in found if any(lines)]


@pytest.mark.slow
def test_the_documentation_runs_as_it_is_written() -> None:
    plain, asynchronous = blocks()
    names: dict[str, Any] = {}
    exec(plain, names)
    exec("async def main():\n" + textwrap.indent(asynchronous, "    "), names)
    asyncio.run(names["main"]())
    assert len([line for line in plain.splitlines() if line.strip()]) == 3


def test_nothing_is_left_even_after_an_error() -> None:
    threads = threading.active_count()
    with pytest.raises(RuntimeError, match="mine"), Lab("healthy") as lab:
        ca, endpoint = lab.ca_file, lab.endpoint("exchange")
        assert ca.read_bytes().startswith(b"-----BEGIN CERTIFICATE-----")
        raise RuntimeError("mine")
    assert not ca.parent.exists()
    assert threading.active_count() == threads
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((endpoint.address, endpoint.port), 1)


@pytest.mark.slow
def test_two_labs_at_once_do_not_meet() -> None:
    with Lab("healthy") as one, Lab("appliance-resigns-tls") as other:
        assert one.send("online -> onprem").outcome == "delivered"
        assert other.send("online -> onprem").outcome == "deferred"
        assert other.mailbox("alice@contoso.test") == []
        other.fix("bind-exchange-certificate")
        (result,) = other.drain()
        assert (result.outcome, result.copies) == ("delivered", 1)
        assert len(one.mailbox("alice@contoso.test")) == 1


def test_wrong_use_is_answered_with_a_sentence_and_a_hint() -> None:
    with pytest.raises(UserError, match="no scenario 'nope'"):
        Lab("nope")
    with pytest.raises(UserError, match="does not run"):
        Lab("healthy").send("online -> onprem")
    with Lab("healthy") as lab:
        for call, match in (
            (lambda: lab.send("a -> b"), "no flow 'a -> b'"),
            (lambda: lab.fix("x"), "healthy has no fix 'x'"),
            (lambda: lab.mailbox("nobody@contoso.test"), "no mailbox"),
            (lambda: lab.endpoint("nobody"), "no host 'nobody'"),
        ):
            with pytest.raises(UserError, match=match):
                call()


def test_a_port_that_is_taken_is_said_and_leaves_nothing() -> None:
    with Lab("healthy") as lab:
        port = lab.endpoint("internet").port
        with (
            pytest.raises(CannotTest, match=f"internet cannot listen on 127.25.0.40:{port}"),
            Lab("healthy", ports={"internet": port}),
        ):
            raise AssertionError("must not come up")


@pytest.mark.slow
def test_content_of_ones_own_arrives_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("inherit: healthy\ntitle: mine\n")
    assert load_scenario(path).name == "mine"
    with Lab(path, era="classic") as lab:
        lab.send("internet -> onprem", b"Subject: mine\r\n\r\n.\r\nbody\r\n")
        (message,) = lab.mailbox("Alice@contoso.test")
        assert message.envelope.content.endswith(b"\r\nSubject: mine\r\n\r\n.\r\nbody\r\n")


def test_a_signed_lab_has_an_anchor_and_another_has_none() -> None:
    with Lab("dane-3-1-1") as lab:
        assert lab.anchor_file is not None
        assert lab.anchor_file.read_text().startswith("trust-anchors { . initial-key 257 3 13 ")
    with Lab("healthy") as lab:
        assert lab.anchor_file is None
