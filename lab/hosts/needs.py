"""What hosts ask of the mint only when somebody asks them: to be handed to those that run where no mint is."""

from __future__ import annotations

from lab.scenario.topology import Topology
from lab.sts.pages import HOST_LABEL
from lab.tls.handed import NotingMint


def note_needs(role: str, topology: Topology, mint: NotingMint) -> None:
    """Ask the mint for everything that a role may come to need; what its host asks when it is configured is noted already."""
    if role == "appliance":  # bound by name when a session needs one
        for certificate in topology.appliance.certificates:
            mint.credential(certificate)
        if any(spec.settings.get("imitation") for rule in topology.appliance.rules for spec in rule.behaviours):
            mint.note_inspection()
    elif role == "online":
        mint.credential(topology.online.certificate)
    elif role == "dns":
        for name, records in topology.dns.tlsa.items():
            for record in records:
                if not record.data and record.certificate:
                    mint.credential(record.certificate, name.partition("._tcp.")[2] or name)
    elif role == "sts":
        mint.credential("self-signed", "sts.test")  # for who asks where no site is
        for domain, site in topology.sts.sites.items():
            mint.credential(site.certificate, HOST_LABEL + domain)
