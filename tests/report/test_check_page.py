"""The page of an examination: self-contained, everything escaped, and it says what the data says."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from lab.check.dane import judge_dane_host
from lab.check.result import Exchanger, HostResult
from lab.check.sts import judge_sts
from lab.report.page.chain import draw
from lab.report.page.examination import page, transcript
from lab.sending.dane import DaneState
from lab.smtp.replies import Reply
from lab.tls.authorities import DEFAULT_HOST
from lab.tls.verdict import judge
from tests.report.examined import MINT, examination, host, unreached
from tests.report.test_tlsrpt import discovery, lookup, tlsa, under_sts

EVIL = "<script>alert(1)</script>\"'&"


class Page(HTMLParser):
    """Collects tags with their attributes, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "br", "rect", "path"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("rect", "path"):
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def bad() -> HostResult:
    return host("self-signed-expired-wrong-host")


def test_nothing_is_fetched_and_no_script_runs() -> None:
    text = page(examination(bad(), unreached()))
    seen = Page(text)
    assert seen.open == []
    assert {tag for tag, _ in seen.tags} & {"script", "link", "img", "iframe", "object", "base"} == set()
    for _, attributes in seen.tags:
        assert set(attributes) & {"src", "srcset", "style", "onclick", "onload", "action"} == set()
        assert (attributes.get("href") or "#").startswith("#")
    assert "url(" not in text
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
    (policy,) = [a["content"] for tag, a in seen.tags if tag == "meta" and a.get("http-equiv") == "Content-Security-Policy"]
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in str(policy)
    assert str(policy).startswith("default-src 'none'")


def test_whatever_the_receiver_says_is_text() -> None:
    spoiled = replace(
        bad(), exchanger=Exchanger(EVIL, 10), banner=Reply(220, (EVIL,)), keywords=((EVIL, EVIL),), entries=tuple(
            one._replace(data=EVIL.encode()) if one.data else one for one in bad().entries
        ),
    )  # fmt: skip
    text = page(examination(spoiled))
    assert "<script" not in text
    assert text.count("&lt;script&gt;") > 4
    assert Page(text).open == []


def test_bytes_that_are_no_text_do_not_break_the_page() -> None:
    text = page(examination(replace(bad(), banner=Reply(220, ("\udcff\x00\x1b[31m",)), keywords=(("X\udcfe", "\x01"),))))
    text.encode("utf-8")
    assert not set("\x00\x01\x1b") & set(text)
    assert "220 \ufffd\ufffd\ufffd[31m" in text


def test_findings_come_with_consequence_cure_and_the_words_of_others() -> None:
    text = " ".join(Page(page(examination(bad()))).text)
    for word in (
        "self-signed",
        "expired",
        "name-mismatch",
        "validating senders defer",
        "Renew it",
        "verify error:num=18:self-signed certificate",
    ):
        assert word in text
    assert "no findings" not in text
    assert "no findings" in " ".join(Page(page(examination(host()))).text)


def test_each_host_has_a_row_and_what_was_not_reached_says_so() -> None:
    text = page(examination(host(), unreached()))
    assert text.count('<section class="card" id="host-') == 2
    assert "connection-refused" in text
    assert "There was no host to examine." in page(examination())
    assert "of 100" in page(examination())


def test_policies_stand_with_every_rule_and_its_section() -> None:
    found = discovery(mx="other.contoso.test")
    judged = judge_sts(found, ["mail.contoso.test"])
    dane = judge_dane_host(lookup(DaneState.PUBLISHED, tlsa("good")), starttls=True, chain=bad().tls.peer_chain, moment=MINT.moment)  # type: ignore[union-attr]
    whole = replace(examination(bad()), sts=judged, sts_hosts=(under_sts(bad(), found),), dane=(("mail.contoso.test", dane),))
    seen = Page(page(whole))
    text = " ".join(seen.text)
    for words in (
        "MTA-STS of contoso.test",
        "sts-mx-not-allowed",
        "RFC 8461 section 4.1",
        "DANE of mail.contoso.test",
        "dane-not-authenticated",
    ):
        assert words in text
    assert seen.open == []
    assert "Policies" not in " ".join(Page(page(examination(bad()))).text)


def test_the_answers_of_certain_senders_stand_in_the_page() -> None:
    text = " ".join(Page(page(examination(bad()), ("exchange-online",))).text)
    assert "450 4.4.317 Cannot connect to remote server [Message=UntrustedRoot]" in text
    assert "What was asked besides" in text
    assert "What was asked besides" not in " ".join(Page(page(examination(bad()))).text)


def test_the_transcript_marks_what_was_inside_tls() -> None:
    lines = list(transcript(host().entries))
    marks = {line.style for line in lines}
    assert {"clear in", "clear out", "secure in", "secure out"} <= marks
    assert [line.style for line in lines if line.text.endswith("EHLO examiner.test")] == ["clear out", "secure out"]
    assert all(not line.style.startswith("secure") for line in transcript(host("good", "no-starttls").entries))
    assert list(transcript(())) == []


# case, classes of the frames in order, texts that are in the picture
PICTURES = [
    ("good", ["sent", "sent", "trusted"], ["0  leaf, sent", "1  intermediate, sent", "2  root, not sent, trusted"]),
    ("root-sent", ["sent", "sent", "trusted"], ["2  root, sent, trusted"]),
    ("self-signed", ["sent wrong"], ["signed by itself", "\N{MULTIPLICATION X} self-signed"]),
    (
        "incomplete-chain",
        ["sent", "missing wrong"],
        ["1  not sent, not known", "Lab Public Issuing CA", "\N{MULTIPLICATION X} issuer-missing"],
    ),
    ("untrusted-root-sent", ["sent", "sent wrong"], ["\N{MULTIPLICATION X} untrusted-root"]),
    ("expired-intermediate", ["sent", "sent wrong", "trusted"], ["\N{MULTIPLICATION X} expired"]),
    ("padded-chain", ["sent wrong", "sent", "trusted", "stranger"], ["3  sent, signed nothing here"]),
]


@pytest.mark.parametrize(("case", "frames", "texts"), PICTURES, ids=[row[0] for row in PICTURES])
def test_the_chain_is_drawn_as_it_is(case: str, frames: list[str], texts: list[str]) -> None:
    verdict = judge(MINT.credential(case).chain, trust=MINT.trust(), moment=MINT.moment, expected=DEFAULT_HOST)
    picture = ET.fromstring(draw(verdict, MINT.trust().anchors))
    groups = [g.get("class") for g in picture.iter("g") if not str(g.get("class")).startswith("signs")]
    assert groups == frames
    shown = [text.text for text in picture.iter("text")]
    assert set(texts) <= set(shown)


def test_a_chain_of_a_hundred_is_drawn_in_bounds_and_none_is_not_drawn() -> None:
    chain = MINT.credential("good").chain + tuple(
        MINT.credential(name).leaf for name in ("wildcard", "sha384", "sha512", "ecc384", "no-subject")
    )
    picture = draw(judge(chain, trust=MINT.trust(), moment=MINT.moment))
    assert "more</text>" in picture
    assert draw(judge((), trust=MINT.trust(), moment=MINT.moment)) == ""
