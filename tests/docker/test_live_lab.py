"""A lab in containers that one works with: the same commands, page and shell as over hosts of one process."""

from __future__ import annotations

import smtplib
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lab.backends import containers_engine as calls
from lab.errors import UserError
from lab.live.places import the_running
from lab.web.client import Client
from tests.docker.conftest import SMTPLAB, smtplab

POST, NAME, BETWEEN = "appliance-resigns-tls", "rehearsal", "online -> onprem"
ALICE = "mailboxes/alice@contoso.test"


def leftovers(engine: Any, process: int) -> int:
    filters = {"label": calls.LAB}
    found = [*engine.api.containers(all=True, filters=filters), *engine.api.networks(filters=filters)]
    return sum(f"/{process}/" in thing["Labels"][calls.OWNER] for thing in found)


@pytest.fixture(scope="module", autouse=True)
def _own_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="module")
def lab(network_image: str, engine: Any, _own_state: None) -> Iterator[Client]:
    """Brought up in the background by the command, and taken down by the command."""
    done = smtplab("up", POST, "--backend", "docker", "--name", NAME, "--detach", "--port", "0", "--dns-port", "0")
    assert done.returncode == 0, done.stderr
    assert f"{NAME} runs in the background" in done.stdout
    process = the_running(NAME).pid
    try:
        assert leftovers(engine, process) > 5
        yield Client(the_running(NAME))
    finally:
        down = smtplab("down", NAME)
        assert down.returncode == 0, down.stderr
    assert leftovers(engine, process) == 0
    assert "There is no lab" in smtplab("list").stdout


@pytest.fixture
def fresh(lab: Client) -> Client:
    lab.change("POST", "reset")
    return lab


def until(what: Callable[[], Any], patience: float = 40) -> Any:
    end = time.monotonic() + patience
    while not (found := what()):
        assert time.monotonic() < end
        time.sleep(0.05)  # the lab's own process acts in its own time
    return found


def send(lab: Client, flow: str = BETWEEN) -> str:
    """Send along a flow and wait until it was tried; return the message's id."""
    (name,) = lab.change("POST", "messages", {"flow": flow, "wait": 30})["ids"]
    return str(name)


def outcome(lab: Client, name: str) -> str:
    return str(lab.get(f"messages/{name}")["message"]["outcome"])


def test_a_fix_is_rehearsed(fresh: Client) -> None:
    """The post, by the commands' own calls: deferred, seen from all sides, cured, retried, delivered once."""
    assert fresh.get("status")["backend"] == "docker"
    name = send(fresh)
    (waiting,) = fresh.get("messages", queued=True)
    assert (waiting["id"], waiting["outcome"]) == (name, "deferred")
    (row,) = [one for one in fresh.get("flows") if one["flow"] == BETWEEN]
    assert (row["reason"], "name-mismatch" in row["findings"]) == ("certificate", True)
    (session,) = fresh.get("sessions", host="appliance")
    assert session["peer"] == "online"
    assert [leg["host"] for leg in session["legs"]] == ["online", "exchange"]
    assert fresh.get(f"sessions/{session['id']}")["chains"]
    fresh.change("PUT", "fixes/bind-exchange-certificate")
    assert fresh.change("POST", "queue/retry", {})["ids"] == [name]
    until(lambda: outcome(fresh, name) == "delivered")
    assert until(lambda: len(fresh.get(ALICE))) == 1
    trace = fresh.get(f"messages/{name}")
    assert [attempt["outcome"] for attempt in trace["attempts"]] == ["deferred", "delivered"]
    assert {"Receive", "Defer", "RECEIVE", "DELIVER"} <= {event["event"] for event in trace["events"]}, "trace, and tracking log"
    assert [one["mailbox"] for one in trace["mailboxes"]] == ["alice@contoso.test"]


def test_changes_are_in_the_history_and_go_back(fresh: Client) -> None:
    before = fresh.get("configuration")["topology"]
    fresh.change("PUT", "fixes/bind-exchange-certificate")
    fresh.change("PUT", "faults/firewall-refuses-online")
    (attempt,) = fresh.get(f"messages/{send(fresh)}")["attempts"]
    assert attempt["reason"] == "connection-refused"
    fresh.change("POST", "undo")
    assert outcome(fresh, send(fresh)) == "delivered"
    fresh.change("POST", "configuration", {"path": "appliance.rules", "value": [], "how": "set"})
    fresh.change("POST", "undo")
    fresh.change("POST", "undo")
    assert fresh.get("configuration")["topology"] == before
    assert outcome(fresh, send(fresh)) == "deferred", "as it began"
    assert len(fresh.get("history")) > 5


def test_time_passes_for_all_hosts(fresh: Client) -> None:
    """Moved forward, and running faster: queues are tried again by their own schedules, in the containers."""
    name = send(fresh)
    fresh.change("POST", "clock", {"forward": 3600})
    until(lambda: len(fresh.get(f"messages/{name}")["attempts"]) == 2)
    fresh.change("POST", "clock", {"speed": 3600})
    until(lambda: len(fresh.get(f"messages/{name}")["attempts"]) > 3)
    fresh.change("POST", "clock", {"speed": 1})
    moments = [attempt["at"] for attempt in fresh.get(f"messages/{name}")["attempts"]]
    assert moments == sorted(moments)
    assert moments[-1] <= fresh.get("clock")["now"]


def test_mail_from_outside_is_seen(fresh: Client) -> None:
    """Somebody's own program sends to a published port; nobody asks the lab for anything."""
    (place,) = [host for host in fresh.get("status")["hosts"] if host["name"] == "appliance"]
    with smtplib.SMTP(place["address"], place["port"], timeout=20) as session:
        session.sendmail("erin@fabrikam.test", ["alice@contoso.test"], b"Subject: outside\r\n\r\nx\r\n")
    (mail,) = until(lambda: fresh.get(ALICE))
    assert mail["subject"] == "outside"


def test_the_shell_manages_it(fresh: Client) -> None:
    fresh.change("PUT", "fixes/bind-exchange-certificate")
    send(fresh, "onprem -> online")

    def shell(line: str) -> str:
        done = smtplab("shell", "--name", NAME, "-c", line)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "SEND" in shell("Get-MessageTrackingLog | ft EventId,Source")
    assert "1" in shell("(Get-Queue).Count")
    shell(
        "Set-ReceiveConnector 'EX01\\Default Frontend EX01' -ProtocolLoggingLevel Verbose; Restart-Service MSExchangeFrontEndTransport"
    )
    assert outcome(fresh, send(fresh)) == "delivered"


def test_a_stopped_host_is_shown_takes_no_mail_and_goes_on(fresh: Client) -> None:
    fresh.change("PUT", "fixes/bind-exchange-certificate")
    fresh.change("POST", "configuration", {"path": "network.stops", "value": {"host": "online", "how": "killed"}, "how": "add"})

    def states() -> dict[str, str]:
        return {host["name"]: host["state"] for host in fresh.get("status")["hosts"]}

    assert states() == {"appliance": "up", "exchange": "up", "online": "killed", "internet": "up", "dns": "up"}
    with pytest.raises(UserError, match="the host online is stopped, and takes no mail of its users"):
        send(fresh)
    with pytest.raises(UserError, match="the host online is stopped, and keeps what it has"):
        fresh.change("POST", "reset")
    fresh.change("POST", "undo")
    assert set(states().values()) == {"up"}
    assert outcome(fresh, send(fresh)) == "delivered"


def test_what_it_does_not_have_is_said(lab: Client) -> None:
    done = smtplab("capture", "none.pcapng", "--name", NAME)
    assert done.returncode == 2
    assert "what goes over the wires of a lab in containers is not recorded" in done.stderr
    again = smtplab("up", POST, "--backend", "docker", "--name", NAME, "--detach")
    assert again.returncode == 2
    assert f"lab '{NAME}' runs already" in again.stderr


def test_a_container_that_dies_ends_it_with_a_sentence(image: str, engine: Any) -> None:
    command = [SMTPLAB, "up", "healthy", "--backend", "docker", "--port", "0", "--dns-port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert any("Up. " in line for line in process.stdout)
            filters = {"label": [calls.LAB, f"{calls.ROLE}=online"]}
            (online,) = [one for one in engine.api.containers(filters=filters) if f"/{process.pid}/" in one["Labels"][calls.OWNER]]
            engine.api.kill(online["Id"])
            _, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 2, err
    assert "the host online is gone" in err
    assert leftovers(engine, process.pid) == 0
