"""The end that looks like an attack."""

from __future__ import annotations

from dataclasses import replace

from lab.appliance.behaviours.behaviour import Behaviour, Family, Stream, Termination


class NoCloseNotify(Behaviour):
    """Close TLS without close-notify, so that the peer cannot tell the end from a truncation (RFC 8446 section 6.1). Most MTAs do
    not mind; strict libraries report an unexpected EOF.
    """

    name = "no-close-notify"
    family = Family.TLS
    needs_termination = True
    streams = (Stream.SENDER, Stream.RECEIVER, Stream.BOTH)
    source = "RFC 8446 section 6.1; unsourced for any product"
    example = "- resign: {certificate: exchange}\n- no-close-notify"

    def terminate(self, planned: Termination | None) -> Termination | None:
        if planned is None or not self.due():
            return planned
        return replace(planned, abrupt=planned.abrupt | frozenset(self.legs))
