"""The list of behaviours, in the order of the documentation. To add one, write its file and name it here.

A name in the list is the name in topology files, code and output; its module is imported when it is first asked for. Behaviours
of others are found through the entry point group `smtplab.behaviours` and come behind ours.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points

from lab.appliance.behaviours.behaviour import Behaviour
from lab.errors import UserError

GROUP = "smtplab.behaviours"

#: name -> module below this package and class in it
OURS = {
    "passthrough": "passthrough:Passthrough",
    "resign": "tls.resign:Resign",
    "downgrade": "tls.downgrade:Downgrade",
    "drop-client-certificate": "tls.drop_client_certificate:DropClientCertificate",
    "answer-sni-wrongly": "tls.answer_sni_wrongly:AnswerSniWrongly",
    "break-handshake": "tls.break_handshake:BreakHandshake",
    "break-after-handshake": "tls.break_after_handshake:BreakAfterHandshake",
    "no-close-notify": "tls.no_close_notify:NoCloseNotify",
    "second-receiver": "tls.second_receiver:SecondReceiver",
    "strip-starttls": "starttls.strip_starttls:StripStarttls",
    "cisco-inspection": "starttls.cisco_inspection:CiscoInspection",
    "refuse-starttls": "starttls.refuse_starttls:RefuseStarttls",
    "fake-starttls": "starttls.fake_starttls:FakeStarttls",
    "one-sided-tls": "starttls.one_sided_tls:OneSidedTls",
    "refuse-ehlo": "starttls.refuse_ehlo:RefuseEhlo",
    "reoffer-starttls": "starttls.reoffer_starttls:ReofferStarttls",
    "inject-command": "starttls.inject_command:InjectCommand",
    "inject-reply": "starttls.inject_reply:InjectReply",
    "edit-keywords": "smtp.edit_keywords:EditKeywords",
    "drop-chunking": "smtp.drop_chunking:DropChunking",
    "break-bdat": "smtp.break_bdat:BreakBdat",
    "rewrite-banner": "smtp.rewrite_banner:RewriteBanner",
    "override-reply": "smtp.override_reply:OverrideReply",
    "greylist": "smtp.greylist:Greylist",
    "rate-limit": "smtp.rate_limit:RateLimit",
    "limit-size": "smtp.limit_size:LimitSize",
    "tarpit": "smtp.tarpit:Tarpit",
    "close-session": "smtp.close_session:CloseSession",
    "split-lines": "smtp.split_lines:SplitLines",
    "join-lines": "smtp.join_lines:JoinLines",
    "strip-headers": "content.strip_headers:StripHeaders",
    "rewrite-headers": "content.rewrite_headers:RewriteHeaders",
    "add-received": "content.add_received:AddReceived",
    "add-disclaimer": "content.add_disclaimer:AddDisclaimer",
    "quarantine": "content.quarantine:Quarantine",
    "replace-source-address": "content.replace_source_address:ReplaceSourceAddress",
    "smuggle": "content.smuggle:Smuggle",
    "clean-line-ends": "content.clean_line_ends:CleanLineEnds",
    "latency": "wire.latency:Latency",
    "bandwidth": "wire.bandwidth:Bandwidth",
    "slice": "wire.slice:Slice",
    "limit-data": "wire.limit_data:LimitData",
    "reset-connection": "wire.reset_connection:ResetConnection",
    "half-open": "wire.half_open:HalfOpen",
    "timeout": "wire.timeout:Timeout",
}


class Known(Mapping[str, type[Behaviour]]):
    """Name -> class, imported when asked for."""

    def __init__(self, others: Mapping[str, EntryPoint]) -> None:
        self._others = others

    def __getitem__(self, name: str) -> type[Behaviour]:
        if name in OURS:
            module, _, kind = OURS[name].partition(":")
            found = getattr(importlib.import_module(f"{__package__}.{module}"), kind)
        else:
            found = _foreign(self._others[name])
        assert isinstance(found, type)
        assert issubclass(found, Behaviour)
        return found

    def __iter__(self) -> Iterator[str]:
        yield from OURS
        yield from (name for name in self._others if name not in OURS)

    def __len__(self) -> int:
        return len(set(OURS) | set(self._others))


@lru_cache(maxsize=1)
def known_behaviours() -> Known:
    """Return all behaviours, ours and those of installed packages."""
    return Known({point.name: point for point in entry_points(group=GROUP)})


def _foreign(point: EntryPoint) -> type[Behaviour]:
    """Import a behaviour of somebody else's. Raises UserError that names the entry point."""
    try:
        kind = point.load()
    except Exception as error:  # whatever somebody else's module does when it is imported
        raise UserError(f"the behaviour {point.name!r} cannot be imported: {error}", hint=f"entry point {point.value}") from error
    if not (isinstance(kind, type) and issubclass(kind, Behaviour)):
        raise UserError(f"{point.value} is no behaviour", hint="derive it from lab.appliance.behaviours.Behaviour")
    if getattr(kind, "name", None) != point.name:
        raise UserError(f"{point.value} calls itself {getattr(kind, 'name', None)!r}", hint=f"its entry point is {point.name}")
    return kind
