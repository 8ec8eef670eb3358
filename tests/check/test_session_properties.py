"""Whatever a receiver sends, cut anyhow: the examination ends or waits, and never breaks."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.check.findings import SessionFindingId as F
from lab.report.check_detail import host_lines
from lab.report.check_json import host as as_json
from tests.check.conversation import Conversation

_LINES = st.one_of(
    st.sampled_from([b"220 go\r\n", b"250 ok\r\n", b"250-x\r\n250 STARTTLS\r\n", b"221 bye\r\n", b"421 no\r\n", b"454 no\r\n", b"554 no\r\n",
                     b"250-STARTTLS\r\n", b"\x15\x03\x03\x00\x02\x02\x28", b"\x16\x03\x03\x00\x04\x02\x00\x00\x00"]),
    st.binary(max_size=80),
    st.integers(100, 999).map(lambda code: b"%d text\r\n" % code),
)  # fmt: skip


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(pieces=st.lists(_LINES, max_size=12), ending=st.sampled_from(["closed", "timed_out", "nothing"]), implicit=st.booleans())
def test_never_breaks(pieces: list[bytes], ending: str, implicit: bool) -> None:
    talk = Conversation(implicit_tls=implicit)
    said = b""
    for piece in pieces:
        said += talk.session.outgoing()
        talk.session.receive(piece)
    said += talk.session.outgoing()
    if ending == "closed":
        talk.session.closed()
    elif ending == "timed_out":
        talk.session.timed_out()
    assert talk.session.ended or ending == "nothing"
    assert b"DATA" not in said.split(b"\x16")[0]
    result = talk.session.result
    if ending != "nothing" and result.mail is None:
        assert result.session_findings, "what did not come to an end has a reason"
    assert all(isinstance(finding.id, F) and finding.detail for finding in result.session_findings)
    assert host_lines(result)
    assert as_json(result)["stages"]
