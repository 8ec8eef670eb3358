"""The transcript keeps everything in order, within its bounds."""

from lab.errors import Blame
from lab.transcript import Entry, Kind, Leg, Transcript


def test_entries_come_back_in_order_with_their_time() -> None:
    times = iter([10.0, 10.5, 12.0])
    transcript = Transcript(monotonic=lambda: next(times))
    session = transcript.new_session("appliance")
    transcript.record(session, "appliance", Leg.SENDER, Kind.LINE_IN, b"EHLO a.test")
    transcript.record(session, "appliance", Leg.RECEIVER, Kind.LINE_OUT, b"EHLO a.test", secure=True, size=3)
    first, second = transcript
    assert (first.at, first.leg, first.kind, first.data, first.secure) == (0.5, Leg.SENDER, Kind.LINE_IN, b"EHLO a.test", False)
    assert (second.at, second.secure, second.detail) == (2.0, True, {"size": 3})
    assert transcript.session(session) == [first, second]
    assert len(transcript) == 2


def test_session_ids_are_unique_and_listed_by_host() -> None:
    transcript = Transcript()
    one, two, three = (transcript.new_session(host) for host in ("online", "online", "exchange"))
    assert len({one, two, three}) == 3
    for session, host in ((two, "online"), (one, "online"), (three, "exchange"), (two, "online")):
        transcript.record(session, host, Leg.SENDER, Kind.NOTE)
    assert transcript.sessions() == [two, one, three]
    assert transcript.sessions("exchange") == [three]
    assert transcript.session("none") == []


def test_it_is_bounded_by_bytes_and_counts_what_went() -> None:
    transcript = Transcript(keep=3000)
    for number in range(10):
        transcript.record("s", "h", Leg.SENDER, Kind.CONTENT_IN, bytes([number]) * 800)
    assert [entry.data[0] for entry in transcript] == [7, 8, 9]
    assert transcript.dropped == 7


def test_listeners_hear_until_they_leave() -> None:
    transcript = Transcript()
    heard: list[Entry] = []
    leave = transcript.listen(heard.append)
    transcript.record("s", "h", Leg.SENDER, Kind.FAULT, blame=Blame.NETWORK)
    leave()
    transcript.record("s", "h", Leg.SENDER, Kind.CLOSED)
    assert [entry.kind for entry in heard] == [Kind.FAULT]
    assert heard[0].blame is Blame.NETWORK
