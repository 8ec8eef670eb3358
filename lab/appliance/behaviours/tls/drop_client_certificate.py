"""The certificate that never arrives."""

from __future__ import annotations

from dataclasses import replace

from lab.appliance.behaviours.behaviour import Behaviour, Family, Stream, Termination
from lab.transcript import Leg


class DropClientCertificate(Behaviour):
    """Show the receiver no client certificate, whatever the behaviour that ends TLS would show (`stream: receiver`), or do not ask
    the sender for one (`stream: sender`). The receiver then takes the session for a stranger's: mail from Exchange Online is
    not promoted, and mail to it is not attributed to the tenant.
    """

    name = "drop-client-certificate"
    family = Family.TLS
    needs_termination = True
    streams = (Stream.RECEIVER, Stream.SENDER, Stream.BOTH)
    source = "facts/exchange 7 (EXO to on-premises row 3; on-premises to EXO rows 2 and 4)"
    example = "- resign: {certificate: exchange, client_certificate: exchange}\n- drop-client-certificate: {times: {every: 2}}"

    def terminate(self, planned: Termination | None) -> Termination | None:
        if planned is None or not self.due():
            return planned
        if Leg.RECEIVER in self.legs:
            planned = replace(planned, client_certificate=None)
        if Leg.SENDER in self.legs:
            planned = replace(planned, request_certificate=False)
        return planned
