"""A lab that others can reach: what is said to whom, and how one comes in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.live.access import Access, invitation
from tests.web.running import RunningLab, running

pytestmark = pytest.mark.slow
SECRET = "K7QF-2MXD-9PRT-4WBA"
ENTRANCE = "/api/session"


@pytest.fixture(scope="module")
def offered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("class") / "invitation"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, offered: Path) -> Iterator[RunningLab]:
    with running(tmp_path_factory.mktemp("lab"), access=Access(offered.parent, "s01", offered)) as lab:
        yield lab


def entered(lab: RunningLab, offered: Path, secret: str = SECRET) -> tuple[str, str]:
    """Come in with a new invitation; return the token and the cookie."""
    offered.with_name("access.json").unlink(missing_ok=True)
    offered.write_bytes(invitation("s01", secret))
    answer = lab.ask("POST", ENTRANCE, {"user": "s01", "secret": secret}, token=None)
    assert answer.status == 200, answer.data
    return answer.json["token"], answer.headers["set-cookie"]


def test_who_has_no_session_is_told_nothing(lab: RunningLab) -> None:
    for path in ("/api/status", "/api/mailboxes/alice@contoso.test", "/api/capture.pcapng", "/api/logs/receive", "/api/events",
                 "/api/openapi.json", "/api/none"):  # fmt: skip
        answer = lab.ask("GET", path, token=None)
        assert answer.status == 401, path
        assert b"somebody's" in answer.data
    for path in ("/", "/page.js", "/page.css"):
        assert lab.ask("GET", path, token=None).status == 200, "the page itself says nothing of the lab"
    assert lab.ask("GET", ENTRANCE, token=None).json == {"user": "s01", "entered": False}
    assert lab.ask("PUT", "/api/fixes/bind-exchange-certificate", token=None).status == 401
    assert lab.ask("GET", "/api/status").status == 200, "the command line beside the lab has its token"


def test_one_comes_in_once_looks_by_cookie_and_changes_by_token(lab: RunningLab, offered: Path) -> None:
    token, cookie = entered(lab, offered, "AAAA-BBBB-CCCC-DDDD")
    again = lab.ask("POST", ENTRANCE, {"user": "s01", "secret": "AAAA-BBBB-CCCC-DDDD"}, token=None)
    assert again.status == 403
    assert b"the secret was used" in again.data
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    word = cookie.partition(";")[0]
    assert token not in word
    assert lab.ask("GET", "/api/status", token=None, Cookie=word).status == 200
    assert lab.ask("POST", "/api/undo", token=None, Cookie=word).status == 401, "no other site can have a browser change something"
    assert lab.ask("GET", "/api/status", token=token).status == 200
    assert lab.ask("POST", "/api/queue/retry", {}, token=token).status == 200
    assert lab.ask("POST", "/api/queue/retry", {}, token=word.partition("=")[2]).status == 403
    for wrong in ("smtplab-s01=", "smtplab-s01=\xe9", "smtplab-s02=" + word.partition("=")[2], ";;=;"):
        assert lab.ask("GET", "/api/status", token=None, Cookie=wrong).status == 401


@pytest.mark.parametrize(
    ("raw", "status"),
    [(b"", 400), (b"[]", 400), (b"{", 400), (b'{"user": "s01"}', 400), (b'{"user": 1, "secret": null}', 403), (b"\xff", 400),
     (b'{"user": "s01", "secret": "%s"}' % (b"A" * 2000), 400), (b'{"user": "s02", "secret": "K7QF-2MXD-9PRT-4WBA"}', 403),
     (b'{"user": "\\ud800", "secret": ""}', 403), (b"[" * 1000, 400)],
)  # fmt: skip
def test_what_is_no_invitation_is_refused(raw: bytes, status: int, lab: RunningLab, offered: Path) -> None:
    offered.write_bytes(invitation("s01", SECRET))
    assert lab.ask("POST", ENTRANCE, raw=raw, token=None).status == status


def test_the_entrance_is_for_the_page_itself_whatever_it_is_called(lab: RunningLab, offered: Path) -> None:
    offered.write_bytes(invitation("s01", SECRET))
    said = {"user": "s01", "secret": "wrong"}
    assert lab.ask("POST", ENTRANCE, said, token=None, Origin="http://evil.example").status == 403
    assert b"other sites" in lab.ask("POST", ENTRANCE, said, token=None, Sec_Fetch_Site="cross-site").data
    for scheme in ("http", "https"):  # a proxy in front may do TLS
        answer = lab.ask("POST", ENTRANCE, said, token=None, Host="classroom:8801", Origin=f"{scheme}://classroom:8801")
        assert b"not this lab's user" in answer.data


def test_a_lab_without_a_door_has_no_entrance(tmp_path: Path) -> None:
    with running(tmp_path) as lab:
        assert lab.ask("GET", "/api/status", token=None).status == 200
        assert lab.ask("GET", ENTRANCE, token=None).status == 404
        assert lab.ask("GET", "/api/status", token=None, Host="classroom:8801").status == 421
