"""Everything that can go wrong with STARTTLS itself, as far as the sender can see it: the behaviours of the appliance as cases.

What a behaviour does to the receiver's side, to content or to the wire below is no case: no sender could tell.
"""

from __future__ import annotations

from lab.trial.case import CaseKind, Spec, Tls, TrialCase, specs

#: Where a flight of the handshake is broken, in words.
_FLIGHTS = {
    1: "at the ClientHello",
    2: "in place of the receiver's certificate",
    3: "at the sender's last flight",
    4: "in place of the receiver's last flight (TLS 1.2)",
}
_HOWS = {
    "reset": "the connection is reset",
    "close": "the connection is closed",
    "alert": "an alert comes",
    "garbage": "garbage comes, and then silence",
    "stall": "nothing comes",
}
#: What a client that says QUIT behind the handshake never meets.
_MAIL = frozenset(
    {
        "closing-inside-tls",
        "closing-at-mail",
        "closing-at-rcpt",
        "closing-at-data",
        "closing-at-quit",
        "reset-at-quit",
        "cut-in-message",
    }
)
_SILENT = frozenset({"garbage", "stall"})
_RESIGN = ("resign", {"certificate": "good"})
_CLOSING = "421 4.3.2 Service not available, closing transmission channel"


def _case(name: str, what: str, tls: Tls, *listed: Spec, stalls: bool = False) -> TrialCase:
    return TrialCase(name, CaseKind.STARTTLS, what, behaviours=specs(*listed), tls=tls, stalls=stalls, mail=name in _MAIL)


def _offers() -> tuple[TrialCase, ...]:
    """What becomes of the offer."""
    strip = "strip-starttls"
    return (
        TrialCase("no-certificate", CaseKind.STARTTLS, "a receiver without a certificate offers no STARTTLS", certificate=None, tls=Tls.ABSENT),
        _case("starttls-stripped", "a box takes STARTTLS out of the offer, and does not know the command", Tls.ABSENT,
              strip, ("refuse-starttls", {"code": 500})),
        _case("starttls-not-offered", "a box takes STARTTLS out of the offer, but would let it through", Tls.HIDDEN, strip),
        _case("starttls-replaced", "a box writes XXXXXXXA where STARTTLS stood, and lets the command through", Tls.HIDDEN,
              ("strip-starttls", {"replace_by": "XXXXXXXA"})),
        _case("starttls-masked", "a firewall masks banner, offer and unknown verbs, as Cisco's inspection does", Tls.ABSENT, "cisco-inspection"),
        _case("starttls-masked-mailguard", "a firewall knows seven verbs and not EHLO, as Cisco's old Mailguard does", Tls.ABSENT,
              ("cisco-inspection", {"extended": False, "banner": "cmap"})),
        _case("banner-masked", "the greeting is asterisks and all else is right, though some take that for a receiver without EHLO", Tls.HIDDEN,
              ("cisco-inspection", {"keywords": False, "verbs": False})),
        _case("ehlo-refused", "EHLO is answered 502, HELO works, and STARTTLS would", Tls.HIDDEN, "refuse-ehlo"),
        _case("ehlo-and-starttls-refused", "EHLO is answered 502, HELO works, and STARTTLS is not known", Tls.ABSENT,
              "refuse-ehlo", ("refuse-starttls", {"code": 500})),
        _case("ehlo-joined", "the answer to EHLO comes in one line, so that STARTTLS is no keyword any more", Tls.HIDDEN,
              ("join-lines", {"when": {"verb": "EHLO"}})),
        _case("replies-in-pieces", "every reply comes letter by letter, and so does the handshake", Tls.GOOD,
              ("slice", {"size": "20B", "delay": "1ms"})),
    )  # fmt: skip


def _answers() -> tuple[TrialCase, ...]:
    """What the answer to STARTTLS is."""
    refused = {
        454: "as when TLS is not available for now", 501: "as if it had a parameter", 502: "as if it were not known",
        554: "as when TLS cannot be set up", 250: "which is no yes, and no no either",
    }  # fmt: skip
    names = {code: f"starttls-refused-{code}" if code >= 400 else f"starttls-answered-{code}" for code in refused}
    return (
        *(_case(names[code], f"STARTTLS is answered {code}, {why}", Tls.REFUSED, ("refuse-starttls", {"code": code}), stalls=code == 250)
          for code, why in refused.items()),  # who takes 250 for a yes waits for a handshake
        _case("starttls-accepted-silence", "STARTTLS is accepted, and then nothing comes", Tls.BROKEN,
              ("fake-starttls", {"then": "silence"}), stalls=True),
        _case("starttls-accepted-closed", "STARTTLS is accepted, and then the connection is closed", Tls.BROKEN,
              ("fake-starttls", {"then": "close"})),
        _case("starttls-accepted-plaintext", "STARTTLS is accepted, and the ClientHello is answered in clear", Tls.BROKEN,
              ("fake-starttls", {"then": "plaintext"}), stalls=True),
        _case("starttls-unanswered", "STARTTLS is never answered", Tls.REFUSED, ("timeout", {"when": {"phase": "starttls"}}), stalls=True),
        _case("starttls-reset", "the connection is reset at STARTTLS", Tls.REFUSED, ("close-session", {"at": "starttls", "how": "reset"})),
        _case("starttls-reply-injected", "a reply stands in clear behind the 220: who reads it inside TLS is told no", Tls.INJECTED,
              ("inject-reply", {"replies": ("554 5.7.1 injected",)})),
        _case("starttls-offered-again", "STARTTLS is offered again inside TLS", Tls.GOOD, _RESIGN, ("reoffer-starttls", {"answer": "refuse"})),
        _case("starttls-accepted-again", "STARTTLS is offered again inside TLS, and accepted", Tls.GOOD, _RESIGN,
              ("reoffer-starttls", {"answer": "accept"})),
        TrialCase("auth-without-starttls", CaseKind.STARTTLS, "AUTH is offered in clear, and STARTTLS is stripped", tls=Tls.ABSENT,
                  behaviours=specs("strip-starttls", ("refuse-starttls", {"code": 500})), login=True),
    )  # fmt: skip


def _handshakes() -> tuple[TrialCase, ...]:
    """What becomes of the handshake, and of TLS behind it."""
    broken: list[TrialCase] = []
    for flight, where in _FLIGHTS.items():
        ends = (("resign", {"certificate": "good", "sender_maximum": "TLSv1.2"}),) if flight == 4 else ()
        broken += (
            _case(f"handshake-{how}-{flight}", f"{what} {where}", Tls.BROKEN, *ends, ("break-handshake", {"how": how, "flight": flight}),
                  stalls=how in _SILENT)
            for how, what in _HOWS.items()
        )  # fmt: skip
    return (
        *broken,
        *(_case(f"after-handshake-{how}", f"the handshake ends well, and then {what}", Tls.BROKEN, _RESIGN,
                ("break-after-handshake", {"how": how}), stalls=how in _SILENT) for how, what in _HOWS.items()),
        _case("no-close-notify", "the receiver ends TLS without close-notify when all is said", Tls.GOOD, _RESIGN, "no-close-notify"),
        _case("certificate-requested", "the receiver asks for the sender's certificate, and does without", Tls.GOOD,
              ("resign", {"certificate": "good", "request_certificate": True})),
        *(_case(f"tls1{minor}-only", f"nothing newer than TLS 1.{minor} is spoken", Tls.OLD, _RESIGN,
                ("downgrade", {"minimum": version, "maximum": version})) for minor, version in ((0, "TLSv1"), (1, "TLSv1.1"))),
    )  # fmt: skip


def _ends() -> tuple[TrialCase, ...]:
    """Where a session is ended with 421, or without a word."""
    inside = {"mail": "MAIL", "rcpt": "RCPT", "data": "DATA"}
    return (
        _case("closed-at-connect", "the connection is closed before a word is said", Tls.LOST, ("close-session", {"at": "connect"})),
        _case("turned-away", "554 in place of the greeting", Tls.LOST,
              ("rewrite-banner", {"code": 554, "text": "5.7.1 {host} does not want you"})),
        _case("closing-at-banner", "421 in place of the greeting", Tls.LOST, ("close-session", {"at": "banner", "reply": _CLOSING})),
        _case("closing-at-ehlo", "421 in answer to EHLO", Tls.LOST, ("close-session", {"at": "greeting", "reply": _CLOSING})),
        _case("closing-at-starttls", "421 in answer to STARTTLS", Tls.REFUSED, ("close-session", {"at": "starttls", "reply": _CLOSING})),
        _case("closing-inside-tls", "421 in answer to the first EHLO inside TLS", Tls.BROKEN, _RESIGN,
              ("close-session", {"at": "secure", "reply": _CLOSING})),
        *(_case(f"closing-at-{phase}", f"421 in answer to {verb}", Tls.LOST, _RESIGN, ("close-session", {"at": phase, "reply": _CLOSING}))
          for phase, verb in inside.items()),
        _case("closing-at-quit", "421 in answer to QUIT: the message was taken before", Tls.GOOD, _RESIGN,
              ("override-reply", {"code": 421, "enhanced": "4.3.2", "text": "Service not available", "when": {"verb": "QUIT"}})),
        _case("reset-at-quit", "the connection is reset at QUIT: the message was taken before", Tls.GOOD, _RESIGN,
              ("reset-connection", {"when": {"phase": "quit"}})),
        _case("silent-banner", "nothing is said in place of the greeting", Tls.LOST, ("timeout", {"when": {"phase": "banner"}}), stalls=True),
        _case("cut-in-message", "the connection breaks in the middle of the message", Tls.LOST, _RESIGN,
              ("limit-data", {"bytes": "40B", "then": "reset", "stream": "receiver", "when": {"phase": "data"}})),
    )  # fmt: skip


CASES = (*_offers(), *_answers(), *_handshakes(), *_ends())
