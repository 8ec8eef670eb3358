"""The control API over real HTTP: what it gives, what it refuses, and to whom."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.errors import CannotTest, UserError
from lab.live.places import Running
from lab.web.calls import CALLS
from lab.web.client import Client
from tests.web.running import RunningLab, running

pytestmark = pytest.mark.slow
CHANGES = [call for call in CALLS if call.changes]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    with running(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


@pytest.fixture
def fresh(api: RunningLab) -> RunningLab:
    assert api.ask("POST", "/api/reset").status == 200
    return api


def send(api: RunningLab, flow: str, **more: Any) -> list[str]:
    answer = api.ask("POST", "/api/messages", {"flow": flow, "wait": 30, **more})
    assert answer.status == 201, answer.data
    return list(answer.json["ids"])


# --- the story --------------------------------------------------------------------------------------------------------


def test_the_story_of_the_post(fresh: RunningLab) -> None:
    (waiting,) = send(fresh, "online -> onprem")
    (row,) = fresh.get("/api/messages?queued=true")
    assert row["id"] == waiting
    assert "450 4.7.320 Certificate validation failed" in row["last_error"]
    flows = {row["flow"]: row for row in fresh.get("/api/flows")}
    assert flows["online -> onprem"]["findings"] == ["self-signed", "name-mismatch"]
    assert flows["onprem -> online"]["outcome"] == "none"
    appliance = next(row for row in fresh.get("/api/sessions") if row["host"] == "appliance")
    detail = fresh.get(f"/api/sessions/{appliance['id']}")
    shown = {(chain["leg"], chain["shown_by"]): chain["certificates"][0]["subject"] for chain in detail["chains"]}
    assert "mail-gateway" in shown["sender", "receiver"]
    assert "CN=mail.contoso.test" in shown["receiver", "receiver"]
    assert fresh.ask("PUT", "/api/fixes/bind-exchange-certificate").json["text"] == "fix bind-exchange-certificate"
    assert fresh.ask("POST", "/api/queue/retry", {}).json["ids"] == [waiting]
    fresh.in_loop(fresh.lab.backend.online.process)
    assert fresh.get("/api/messages?queued=true") == []
    trace = fresh.get(f"/api/messages/{waiting}")
    assert [attempt["outcome"] for attempt in trace["attempts"]] == ["deferred", "delivered"]
    assert [lies["mailbox"] for lies in trace["mailboxes"]] == ["alice@contoso.test"]
    assert [event["event"] for event in trace["events"]][:2] == ["Receive", "Defer"]
    mail = fresh.get("/api/mailboxes/alice@contoso.test/0")
    assert ("Subject", trace["message"]["subject"]) in [tuple(field) for field in mail["headers"]]
    assert fresh.ask("POST", "/api/undo").json["undone"]["text"] == "fix bind-exchange-certificate"
    assert fresh.get("/api/differences") == []


def test_faults_are_switched_and_undone(fresh: RunningLab) -> None:
    assert fresh.ask("DELETE", "/api/faults/appliance-terminates-tls").status == 200
    assert fresh.ask("DELETE", "/api/faults/appliance-terminates-tls").status == 404
    send(fresh, "online -> onprem")
    assert fresh.get("/api/messages?queued=true") == []
    assert fresh.ask("PUT", "/api/faults/appliance-terminates-tls").status == 200
    assert fresh.ask("PUT", "/api/faults/appliance-terminates-tls").status == 409
    other = next(row["name"] for row in fresh.get("/api/faults?every=true") if "/" in row["name"])
    assert fresh.ask("PUT", f"/api/faults/{other}").status in (200, 409)  # its paths may not be there any more
    assert fresh.ask("PUT", "/api/faults/no-such-fault").status == 404
    assert fresh.ask("PUT", "/api/fixes/no-such-fix").status == 404


def test_changes_by_path(fresh: RunningLab) -> None:
    path = "online.outbound_connectors[0].TlsSettings"
    assert fresh.ask("POST", "/api/configuration", {"path": path, "value": "EncryptionOnly"}).status == 200
    (row,) = fresh.get("/api/differences")
    assert (row["before"], row["after"]) == ("DomainValidation", "EncryptionOnly")
    for body in ({"path": path, "value": "Never"}, {"path": "online.nowhere", "value": 1}, {"path": "[", "value": 1}):
        refused = fresh.ask("POST", "/api/configuration", body)
        assert refused.status == 409
        assert refused.json["detail"]
    assert len(fresh.get("/api/history")) == len(fresh.lab.configuration.versions)
    assert fresh.lab.backend.topology.online.outbound_connectors[0].TlsSettings == "EncryptionOnly"


def test_time_is_moved_and_what_waits_is_tried(fresh: RunningLab) -> None:
    send(fresh, "online -> onprem")
    before = fresh.get("/api/clock")["now"]
    assert fresh.ask("POST", "/api/clock", {"forward": 3600}).json["now"] > before
    fresh.in_loop(fresh.lab.backend.online.process)
    (row,) = fresh.get("/api/messages?queued=true")
    assert row["attempts"] == 2
    assert fresh.ask("POST", "/api/clock", {"speed": 600}).json["speed"] == 600
    assert fresh.ask("POST", "/api/clock", {"speed": 1}).json["speed"] == 1


def test_a_message_is_sent_byte_for_byte(fresh: RunningLab) -> None:
    content = (
        b"Message-ID: <mine@x.test>\r\nSubject: <b>no HTML</b>\r\n\r\n<script>alert(1)</script>\r\n"
        + bytes(range(128, 256))
        + b"\r\n"
    )
    body = {
        "sender": "alice@contoso.test",
        "recipient": "bob@contoso.test",
        "content": base64.b64encode(content).decode(),
        "wait": 10,
    }
    assert fresh.ask("POST", "/api/messages", body).status == 201
    whole = fresh.ask("GET", "/api/mailboxes/bob@contoso.test/0/content")
    assert whole.data == content
    assert whole.headers["content-type"] == "application/octet-stream"
    assert whole.headers["content-disposition"].startswith("attachment")
    assert "<script>alert(1)</script>" in fresh.get("/api/mailboxes/bob@contoso.test/0")["text"]
    assert send(fresh, "onprem -> onprem", count=3, content=body["content"])
    names = {row["message_id"] for row in fresh.get("/api/mailboxes/bob@contoso.test")}
    assert len(names) == 3, "the first has its own Message-ID, the copies new ones"


def test_a_large_message_is_shown_from_its_beginning(fresh: RunningLab) -> None:
    content = b"Subject: large\r\n\r\n" + b"0123456789abcdef\r\n" * (50 * 1024 * 1024 // 18)
    body = {"flow": "onprem -> onprem", "content": base64.b64encode(content).decode(), "wait": 10}
    assert fresh.ask("POST", "/api/messages", body).status == 201
    mail = fresh.get("/api/mailboxes/bob@contoso.test/0")
    assert len(mail["text"]) <= 64 * 1024
    assert mail["left_out"] > 49 * 1024 * 1024
    assert len(fresh.ask("GET", "/api/mailboxes/bob@contoso.test/0/content").data) >= len(content)
    assert fresh.ask("POST", "/api/messages", raw=b"", Content_Type="application/json", Content_Length=str(10**12)).status == 413
    fresh.ask("POST", "/api/reset")


def test_the_management_shell_is_part_of_the_lab(fresh: RunningLab) -> None:
    send(fresh, "onprem -> online")
    said = fresh.ask("POST", "/api/shell", {"line": "$name = 'Queue'; Get-Queue | fl Identity,LastError", "shell": "a"}).json
    assert "454 4.7.5 Certificate validation failure" in "".join(piece["text"] for piece in said["pieces"])
    said = fresh.ask("POST", "/api/shell", {"line": "$name", "shell": "a"}).json
    assert "Queue" in said["pieces"][0]["text"]
    line = "Set-SendConnector 'Internet' -Fqdn changed.contoso.test"
    assert not fresh.ask("POST", "/api/shell", {"line": line, "shell": "a"}).json["failed"]
    assert fresh.get("/api/history")[-1]["text"] == line
    assert fresh.get("/api/differences")[0]["after"] == "changed.contoso.test"
    assert fresh.ask("POST", "/api/undo").json["undone"]["text"] == line
    said = fresh.ask("POST", "/api/shell", {"line": "Get-SendConnector Internet | fl Fqdn", "shell": "b"}).json
    assert "mail.contoso.test" in said["pieces"][0]["text"]
    words = fresh.ask("POST", "/api/shell/completion", {"line": "Get-Que", "position": 7}).json["words"]
    assert ("Get-Queue", 7) in [(word["text"], word["length"]) for word in words]
    said = fresh.ask("POST", "/api/shell", {"line": "Get-Quack"}).json
    assert said["failed"]
    assert said["pieces"][0]["stream"] == "error"


def test_a_host_is_examined(fresh: RunningLab) -> None:
    report = fresh.ask("POST", "/api/examinations", {"host": "appliance"}).json["report"]
    assert "CN=mail-gateway" in report
    assert "self-signed" in report
    good = fresh.ask("POST", "/api/examinations", {"host": "exchange"}).json["report"]
    assert "CN=mail-gateway" not in good


# --- who may ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", CHANGES, ids=lambda call: call.name)
def test_nothing_changes_without_the_token(call: Any, api: RunningLab) -> None:
    path = call.path.replace("{name}", "x")
    before = api.get("/api/history")
    assert api.ask(call.method, path, {}, token=None).status == 401
    assert api.ask(call.method, path, {}, token="wrong").status == 403
    assert api.ask(call.method, path, {}, token=None, Authorization=f"Basic {api.token}").status == 401
    assert api.get("/api/history") == before


@pytest.mark.parametrize("host", ["evil.test", "127.0.0.1", "127.0.0.1:1", "localhost.evil.test:80", ""])
def test_another_name_for_this_machine_is_refused(host: str, api: RunningLab) -> None:
    assert api.ask("GET", "/api/status", Host=host).status == 421
    assert api.ask("POST", "/api/undo", Host=host).status == 421
    assert api.ask("GET", "/", Host=host).status == 421


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "http://evil.test"}, {"Origin": "null"}, {"Origin": "https://127.0.0.1"}, {"Sec_Fetch_Site": "cross-site"}],
)
def test_another_site_is_refused(headers: dict[str, Any], api: RunningLab) -> None:
    answer = api.ask("POST", "/api/undo", **headers)
    assert answer.status == 403
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_our_own_page_may(fresh: RunningLab) -> None:
    own: dict[str, Any] = {"Origin": f"http://127.0.0.1:{fresh.port}", "Sec_Fetch_Site": "same-origin"}
    assert fresh.ask("POST", "/api/queue/retry", {}, **own).status == 200
    answer = fresh.ask("OPTIONS", "/api/queue/retry", Origin="http://evil.test", Access_Control_Request_Method="POST")
    assert answer.status == 403
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", ["/", "/api/status", "/api/nowhere", "/api/openapi.json"])
def test_every_answer_has_the_headers(path: str, api: RunningLab) -> None:
    headers = api.ask("GET", path).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers


def test_the_socket_is_its_owners_alone_and_asks_for_the_token_too(api: RunningLab) -> None:
    path = Path(api.served.socket)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    client = Client(Running("test", 1, str(api.lab.folder), api.served.socket, api.served.url))
    assert client.get("status")["name"] == "test"
    assert client.change("POST", "queue/retry", {}) == {"ids": []}
    with socket.socket(socket.AF_UNIX) as raw:
        raw.connect(api.served.socket)
        raw.sendall(b"POST /api/undo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 401")


# --- what is wrong ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/api/nowhere", None, 404),
        ("GET", "/api/messages/online-99999", None, 404),
        ("GET", "/api/sessions/online-99999", None, 404),
        ("GET", "/api/mailboxes/nobody@contoso.test", None, 404),
        ("GET", "/api/mailboxes/alice@contoso.test/99", None, 404),
        ("GET", "/api/mailboxes/alice@contoso.test/-1", None, 400),
        ("GET", "/api/mailboxes/nobody", None, 400),
        ("GET", "/api/messages?limit=0", None, 400),
        ("GET", "/api/messages?limit=5&limit=6", None, 400),
        ("GET", "/api/messages?colour=red", None, 400),
        ("GET", "/api/messages?host=mars", None, 400),
        ("DELETE", "/api/status", None, 405),
        ("POST", "/api/messages", {"flow": "nowhere -> nowhere"}, 404),
        ("POST", "/api/messages", {}, 409),
        ("POST", "/api/messages", {"flow": "online -> onprem", "count": 0}, 400),
        ("POST", "/api/messages", {"flow": "online -> onprem", "count": "1"}, 400),
        ("POST", "/api/messages", {"flow": "online -> onprem", "content": "%%%"}, 400),
        ("POST", "/api/messages", {"flow": "online -> onprem", "content": base64.b64encode(b"a\nb").decode()}, 409),
        ("POST", "/api/messages", {"flow": "online -> onprem", "extra": 1}, 400),
        ("POST", "/api/messages", [], 400),
        ("POST", "/api/clock", {"forward": -1}, 400),
        ("POST", "/api/clock", {"speed": 0}, 400),
        ("POST", "/api/queue/retry", {"id": "online-99999"}, 404),
    ],
)
def test_what_is_wrong_is_said(method: str, path: str, body: Any, status: int, api: RunningLab) -> None:
    answer = api.ask(method, path, body)
    assert answer.status == status, answer.data
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json["status"] == status
    assert answer.json["detail"]


def test_bodies_that_are_no_json(api: RunningLab) -> None:
    assert api.ask("POST", "/api/clock", raw=b"{", Content_Type="application/json").status == 400
    assert api.ask("POST", "/api/clock", raw=b"{}", Content_Type="text/plain").status == 415
    assert api.ask("POST", "/api/clock", raw=b'{"forward": 1}').status == 415
    assert api.ask("POST", "/api/clock", raw=b"\xff\xfe", Content_Type="application/json").status == 400


def test_a_full_disk_is_said_and_changes_nothing(tmp_path: Path) -> None:
    with running(tmp_path) as lab:  # one of its own: pages that were used before are free for the next
        database = lab.lab.keeper._database
        pages = database.execute("PRAGMA page_count").fetchone()[0]
        database.execute(f"PRAGMA max_page_count={pages}")
        content = base64.b64encode(b"Subject: a\r\n\r\n" + b"x" * 900_000).decode()
        answer = lab.ask("POST", "/api/messages", {"flow": "onprem -> onprem", "content": content})
        assert answer.status == 507
        assert lab.get("/api/messages") == []
        assert lab.get("/api/status")["storage_failure"]
        database.execute("PRAGMA max_page_count=1073741823")
        assert send(lab, "onprem -> onprem")
        assert lab.get("/api/status")["storage_failure"] is None


def test_a_lab_that_is_gone(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t", encoding="ascii")
    client = Client(Running("gone", 1, str(tmp_path), str(tmp_path / "none.sock"), ""))
    with pytest.raises(CannotTest, match=r"lab 'gone' \(process 1\) does not answer"):
        client.get("status")
    with pytest.raises(CannotTest, match="does not answer"):
        next(client.events())
    with pytest.raises(UserError, match="token of gone cannot be read"):
        Client(Running("gone", 1, str(tmp_path / "x"), "", "")).change("POST", "undo")


# --- what happens -----------------------------------------------------------------------------------------------------


def stream(api: RunningLab, after: str | None = None) -> Iterator[tuple[str, str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", api.port, timeout=20)
    connection.request("GET", "/api/events", headers={"Last-Event-ID": after} if after else {})
    response = connection.getresponse()
    assert response.headers["content-type"].startswith("text/event-stream")
    fields: dict[str, str] = {}
    try:
        while line := response.readline().decode():
            word, _, value = line.rstrip("\n").partition(": ")
            if word:
                fields[word] = value
            elif "event" in fields:
                yield fields["id"], fields["event"], json.loads(fields["data"])
                fields = {}
    finally:
        connection.close()


def test_events_go_on_where_they_were_left(fresh: RunningLab) -> None:
    happened = stream(fresh)
    assert next(happened)[1] == "hello"
    send(fresh, "internet -> onprem")
    seen = []
    for one in happened:
        seen.append(one)
        if one[1] == "mail":
            break
    kinds = {kind for _, kind, _ in seen}
    assert {"entry", "session", "message", "mail"} <= kinds
    lines = [text for _, kind, facts in seen if kind == "entry" for text in facts["text"]]
    assert any("EHLO mx.fabrikam.test" in text for text in lines)
    happened.close()  # type: ignore[attr-defined]
    middle = seen[len(seen) // 2][0]
    again = stream(fresh, middle)
    assert next(again)[0] == middle
    assert [next(again)[0] for _ in range(3)] == [one[0] for one in seen[len(seen) // 2 + 1 :][:3]]
    lost = stream(fresh, "99-1")
    assert [next(lost)[1], next(lost)[1]] == ["hello", "resync"]


def test_browsers_that_vanish_leave_nothing(fresh: RunningLab) -> None:
    for _ in range(20):
        raw = socket.create_connection(("127.0.0.1", fresh.port))
        raw.sendall(f"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:{fresh.port}\r\n\r\n".encode())
        assert raw.recv(10)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        raw.close()
    for _ in range(10):
        send(fresh, "onprem -> onprem")
        if fresh.lab.hub._followers == 0:
            return
    raise AssertionError("they are still followed")
