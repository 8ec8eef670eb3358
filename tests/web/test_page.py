"""The page in a real browser: the story of the post, the keyboard, both themes, hostile mail, a lab that goes and comes back."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from lab.live.access import Access, invitation
from lab.sending.attempt import Envelope
from tests.web.browser import chromium
from tests.web.running import RunningLab, running

pytestmark = [pytest.mark.slow, pytest.mark.peer, pytest.mark.timeout(180)]
PATIENCE = 20_000  # milliseconds
#: Where screenshots go, for people to look at; unset, none are made.
SHOTS = os.environ.get("SMTPLAB_SCREENSHOTS")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    with running(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


class Desk:
    """A page that is open, and everything that the browser complained about."""

    def __init__(self, page: Page, lab: RunningLab) -> None:
        self.page, self.lab = page, lab
        self.complaints: list[str] = []
        self.asked: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))
        page.set_default_timeout(PATIENCE)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    def shot(self, name: str) -> None:
        if SHOTS:
            self.page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


@pytest.fixture
def desk(browser: Browser, lab: RunningLab) -> Iterator[Desk]:
    lab.ask("POST", "/api/reset")
    yield from _desk(browser, lab)


def _desk(browser: Browser, lab: RunningLab, **options: Any) -> Iterator[Desk]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, **options)
    desk = Desk(context.new_page(), lab)
    desk.page.goto(f"{lab.served.url}#{lab.token}")
    expect(desk.page.locator("#connection")).to_have_text("live", timeout=PATIENCE)
    yield desk
    assert desk.complaints == []
    assert {url.split("/")[2] for url in desk.asked if not url.startswith("data:")} == {f"127.0.0.1:{lab.port}"}
    context.close()


def test_the_story_of_the_post(desk: Desk) -> None:
    page = desk.page
    assert desk.lab.token not in page.url
    expect(page.locator("#lab-title")).to_contain_text("answers STARTTLS with its own certificate")
    page.get_by_role("button", name="Send along online -> onprem").click()
    row = page.locator('#flow-table tr[data-flow="online -> onprem"]')
    expect(row).to_contain_text("450 4.7.320 Certificate validation failed", timeout=PATIENCE)
    expect(row).to_contain_text("self-signed, name-mismatch")
    expect(page.locator("#queue-table")).to_contain_text("450 4.7.320")
    expect(page.locator("#wires")).to_contain_text("shown: mail-gateway")
    expect(page.locator("#feed")).to_contain_text("STARTTLS")
    page.locator("#session-table").get_by_role("button", name=re.compile("^appliance-")).first.click()
    chains = page.locator("#session .chain")
    expect(chains).to_have_count(2)
    expect(chains.nth(0)).to_contain_text("CN=mail-gateway")
    expect(chains.nth(1)).to_contain_text("CN=mail.contoso.test")
    expect(page.locator("#session .lines")).to_contain_text("behaviour: resign")
    desk.shot("broken")
    page.get_by_role("button", name="apply: bind-exchange-certificate").click()
    expect(page.locator("#history-list")).to_contain_text("fix bind-exchange-certificate")
    page.get_by_role("button", name="Try all now").click()
    expect(row).to_contain_text("delivered", timeout=PATIENCE)
    expect(row).to_contain_text("authenticated")
    expect(page.locator("#queue-table")).to_contain_text("Nothing waits.")
    page.get_by_role("button", name="Send one message along each flow").click()
    expect(page.locator("#flow-table td.good")).to_have_count(8, timeout=PATIENCE)
    page.locator("#mailbox").select_option("alice@contoso.test")
    page.locator("#mail-table").get_by_role("button").first.click()
    expect(page.locator("#mail pre")).to_contain_text("X-MS-Exchange-Organization-AuthAs")
    page.locator("#message-table").get_by_role("button", name="online-1", exact=True).click()
    expect(page.locator("#message")).to_contain_text("lies in alice@contoso.test")
    desk.shot("fixed")
    page.get_by_role("button", name="Undo the last change").click()
    expect(page.get_by_role("button", name="apply: bind-exchange-certificate")).to_be_enabled()


def test_time_and_faults_are_switched(desk: Desk) -> None:
    page = desk.page
    clock = page.locator("#clock-now")
    expect(clock).to_have_text(re.compile(r"^\d{4}-\d\d-\d\d "), timeout=PATIENCE)
    before = clock.inner_text()
    page.get_by_role("button", name="+30 days").click()
    expect(clock).not_to_contain_text(before[:10], timeout=PATIENCE)
    fault = page.get_by_role("switch", name="appliance-terminates-tls")
    expect(fault).to_have_attribute("aria-checked", "true")
    fault.click()
    expect(page.get_by_role("switch", name="appliance-terminates-tls")).to_have_attribute("aria-checked", "false")
    assert desk.lab.lab.backend.topology.appliance.rules == ()
    page.get_by_role("button", name="Show the faults of all scenarios").click()
    expect(page.locator("#fault-list li").nth(5)).to_be_visible(timeout=PATIENCE)


def test_the_shell_and_the_examiner(desk: Desk) -> None:
    page = desk.page
    page.locator("#shell-line").fill("Get-SendConnector | ft Name,TlsAuthLevel")
    page.keyboard.press("Enter")
    expect(page.locator("#shell-output")).to_contain_text("DomainValidation", timeout=PATIENCE)
    page.locator("#shell-line").fill("Get-Quack")
    page.keyboard.press("Enter")
    expect(page.locator("#shell-output .error")).to_contain_text("Get-Quack")
    page.locator("#examine-host").select_option("appliance")
    page.get_by_role("button", name="Examine").click()
    expect(page.locator("#examination")).to_contain_text("CN=mail-gateway", timeout=PATIENCE)
    desk.shot("shell")


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.id"))


def test_tab_completes_and_never_holds_who_wants_to_leave(desk: Desk) -> None:
    page = desk.page
    line = page.locator("#shell-line")
    line.focus()
    page.keyboard.press("Tab")
    assert focused(page) == "shell-run", "an empty field has nothing to complete"
    page.keyboard.press("Shift+Tab")
    assert focused(page) == "shell-line"
    page.keyboard.type("Get-Sendc")
    page.keyboard.press("Tab")
    expect(line).to_have_value("Get-SendConnector", timeout=PATIENCE)
    expect(line).to_have_attribute("aria-expanded", "false")
    page.keyboard.type(" | fl Tls")
    page.keyboard.press("Control+Space")
    expect(line).to_have_value(re.compile(r"^Get-SendConnector \| fl Tls[A-Z]\w+$"), timeout=PATIENCE)
    line.fill("Get-M")
    page.keyboard.press("Tab")
    expect(page.locator("#shell-words li").first).to_be_visible(timeout=PATIENCE)
    expect(line).to_have_attribute("aria-expanded", "true")
    first, second = (page.locator("#shell-words li").nth(number).inner_text() for number in (0, 1))
    expect(line).to_have_value(first)
    page.keyboard.press("Tab")
    expect(line).to_have_value(second)
    assert line.get_attribute("aria-activedescendant") == "shell-word-1"
    desk.shot("completion")
    page.keyboard.press("Shift+Tab")
    expect(line).to_have_value(first)
    page.keyboard.press("Escape")
    expect(page.locator("#shell-words")).to_be_hidden()
    assert focused(page) == "shell-line"
    page.keyboard.press("Tab")
    assert focused(page) == "shell-run", "behind Escape Tab leaves"
    line.fill("Get-Quackery")
    page.keyboard.press("Tab")
    expect(page.locator("#shell-run")).to_be_focused(timeout=PATIENCE)  # nothing begins like that
    line.fill("Get-M")
    page.keyboard.press("Shift+Tab")
    assert focused(page) != "shell-line", "backwards it always leaves"


HOSTILE = b"""From: <img src=x onerror=alert(1)>\r
Subject: <script>document.title='owned'</script><b id="injected">bold</b>\r
Content-Type: text/html\r
\r
<html><script>document.title = 'owned'</script><img src="http://evil.test/x.png" onerror="document.title='owned'"><b id="injected">x</b>\r
"""


def test_mail_is_never_html(desk: Desk) -> None:
    desk.lab.in_loop(lambda: _submit(desk.lab, HOSTILE))
    page = desk.page
    page.locator("#mailbox").select_option("bob@contoso.test")
    page.locator("#mail-table").get_by_role("button").first.click()
    expect(page.locator("#mail pre")).to_contain_text("<script>document.title = 'owned'</script>")
    page.locator("#message-table").get_by_role("button").first.click()
    expect(page.locator("#message h3")).to_contain_text("<script>")
    assert page.locator("#injected").count() == 0
    assert "owned" not in page.title()


async def _submit(lab: RunningLab, content: bytes) -> None:
    lab.lab.backend.exchange.submit(Envelope("alice@contoso.test", ("bob@contoso.test",), content))
    await lab.lab.backend.exchange.process()
    await lab.lab.keeper.durable()


def test_a_message_of_50_mb_does_not_stop_the_page(desk: Desk) -> None:
    large = b"Subject: large\r\n\r\n" + b"0123456789abcdef\r\n" * (50 * 1024 * 1024 // 18)
    desk.lab.in_loop(lambda: _submit(desk.lab, large))
    page = desk.page
    page.locator("#mailbox").select_option("bob@contoso.test")
    page.locator("#mail-table").get_by_role("button", name="large").click()
    expect(page.locator("#mail")).to_contain_text("more bytes are not shown", timeout=PATIENCE)
    assert len(page.locator("#mail pre").inner_text()) < 100_000


def test_ten_thousand_queued_messages_are_gone_through(desk: Desk) -> None:
    page = desk.page
    desk.lab.ask("POST", "/api/messages", {"flow": "online -> onprem", "count": 10_000})
    part = page.locator("#queue-pages")
    expect(part).to_contain_text("1 to 100 of 10000, newest first", timeout=PATIENCE)
    rows = page.locator("#queue-table tbody tr")
    newest = rows.first.get_by_role("button").inner_text()
    part.get_by_role("button", name="Older").click()
    expect(part).to_contain_text("101 to 200 of 10000", timeout=PATIENCE)
    expect(rows.first.get_by_role("button")).not_to_have_text(newest, timeout=PATIENCE)  # rows come behind their count
    expect(rows).to_have_count(100)
    part.get_by_role("button", name="Newer").click()
    expect(part.get_by_role("button", name="Newer")).to_be_disabled(timeout=PATIENCE)
    expect(page.locator("#message-pages")).to_contain_text("1 to 60 of 10000")
    page.locator("#shell-line").fill("(Get-Date).Year -gt 2000")
    page.keyboard.press("Enter")
    expect(page.locator("#shell-output")).to_contain_text("True", timeout=PATIENCE)  # everything else goes on
    desk.shot("ten-thousand")
    desk.lab.ask("POST", "/api/reset")
    expect(part).to_be_hidden(timeout=PATIENCE)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(scheme: str, browser: Browser, lab: RunningLab) -> None:
    lab.ask("POST", "/api/reset")
    lab.ask("POST", "/api/messages", {"flow": "online -> onprem", "wait": 20})
    for desk in _desk(browser, lab, color_scheme=scheme, bypass_csp=True):  # axe itself is a script from elsewhere
        desk.page.locator("#session-table").get_by_role("button").first.click()
        expect(desk.page.locator("#session .chain").first).to_be_visible()
        desk.page.locator("#message-table").get_by_role("button").first.click()
        expect(desk.page.locator("#message h3")).to_be_visible()
        found = Axe().run(desk.page).response["violations"]
        serious = [(one["id"], one["impact"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")]
        assert serious == []
        desk.shot(f"axe-{scheme}")


def test_axe_would_find_one(browser: Browser, lab: RunningLab) -> None:
    """The control: a page with a fault is found out."""
    page = browser.new_context(bypass_csp=True).new_page()
    page.goto(lab.served.url)
    page.evaluate("const field = document.createElement('input'); document.querySelector('main').append(field)")
    assert "label" in {one["id"] for one in Axe().run(page).response["violations"]}
    page.context.close()


def test_by_keyboard_alone(desk: Desk) -> None:
    page = desk.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the lab"
    page.keyboard.press("Enter")
    button = page.get_by_role("button", name="Send along internet -> onprem")
    for _ in range(80):
        page.keyboard.press("Tab")
        if button.evaluate("element => element === document.activeElement"):
            break
    else:
        raise AssertionError("the button cannot be reached")
    page.keyboard.press("Enter")
    expect(page.locator('#flow-table tr[data-flow="internet -> onprem"]')).to_contain_text("delivered", timeout=PATIENCE)
    assert button.evaluate("element => element === document.activeElement"), "the focus was lost when the table was drawn anew"


def test_without_the_token_it_may_only_look(browser: Browser, lab: RunningLab) -> None:
    page = browser.new_context().new_page()
    page.goto(lab.served.url)
    expect(page.locator("#token-form")).to_be_visible()
    before = lab.get("/api/history")
    page.get_by_role("button", name="Undo the last change").click()
    expect(page.locator("#told")).to_contain_text("a change needs the token")
    assert lab.get("/api/history") == before
    page.locator("#token").fill(lab.token)
    page.get_by_role("button", name="Use this token").click()
    page.get_by_role("button", name="Try all now").wait_for()
    page.get_by_role("button", name="+15 minutes").click()
    expect(page.locator("#told")).to_contain_text("in the lab")
    page.context.close()


def test_a_lab_with_a_door_is_entered_once(browser: Browser, tmp_path: Path) -> None:
    secret = "K7QF-2MXD-9PRT-4WBA"
    (tmp_path / "invitation").write_bytes(invitation("s01", secret))
    with running(tmp_path / "lab", access=Access(tmp_path, "s01", tmp_path / "invitation")) as lab:
        context = browser.new_context()
        page = context.new_page()
        page.goto(lab.served.url)
        expect(page.locator("#entrance")).to_be_visible(timeout=PATIENCE)
        expect(page.locator("#token-form")).to_be_hidden()
        expect(page.locator("#lab-title")).to_be_empty()
        expect(page.locator("main")).to_be_hidden()
        expect(page.locator("#user")).to_have_value("s01", timeout=PATIENCE)
        page.locator("#secret").fill("AAAA-AAAA-AAAA-AAAA")
        page.get_by_role("button", name="Enter", exact=True).click()
        expect(page.locator("#told")).to_contain_text("not this lab's user and secret", timeout=PATIENCE)
        page.locator("#secret").fill(secret.lower())
        page.get_by_role("button", name="Enter", exact=True).click()
        expect(page.locator("#lab-title")).not_to_be_empty(timeout=PATIENCE)
        expect(page.locator("#entrance")).to_be_hidden()
        expect(page.locator("#connection")).to_have_text("live", timeout=PATIENCE)
        page.get_by_role("button", name="+15 minutes").click()
        expect(page.locator("#told")).to_contain_text("in the lab", timeout=PATIENCE)
        page.close()
        page = context.new_page()  # the same browser, later
        page.goto(lab.served.url)
        expect(page.locator("#connection")).to_have_text("live", timeout=PATIENCE)
        expect(page.locator("#entrance")).to_be_hidden()
        context.close()
        other = browser.new_context().new_page()
        other.goto(lab.served.url)
        expect(other.locator("#entrance")).to_be_visible(timeout=PATIENCE)
        other.locator("#secret").fill(secret)
        other.get_by_role("button", name="Enter", exact=True).click()
        expect(other.locator("#told")).to_contain_text("or the secret was used", timeout=PATIENCE)
        other.context.close()


def test_above_200_sessions_a_second_it_samples_and_says_so(desk: Desk) -> None:
    page = desk.page

    async def burst() -> None:
        import asyncio

        from lab.transcript import Kind, Leg

        transcript = desk.lab.lab.backend.transcript
        for _ in range(3):
            for _ in range(250):
                name = transcript.new_session("exchange")
                transcript.record(name, "exchange", Leg.SENDER, Kind.CONNECTED, address="127.25.0.40", port=40000)
                transcript.record(name, "exchange", Leg.SENDER, Kind.LINE_IN, b"EHLO mx.fabrikam.test")
                transcript.record(name, "exchange", Leg.SENDER, Kind.CLOSED, by="peer", how="Remote")
                await asyncio.sleep(0.003)  # the rate is what is tested: some three hundred a second

    desk.lab.in_loop(burst)
    expect(page.locator("#sampling")).to_contain_text("of them are shown, all are kept", timeout=PATIENCE)
    page.get_by_role("button", name="Send along internet -> onprem").click()
    expect(page.locator('#flow-table tr[data-flow="internet -> onprem"]')).to_contain_text("delivered", timeout=PATIENCE)
