"""The message tracking log (facts/exchange 5.2)."""

from __future__ import annotations

import csv
import io
from dataclasses import field
from datetime import datetime

from lab.data import dataclass
from lab.exchange.protocol_log import stamp
from lab.sending.attempt import Envelope
from lab.smtp.headers import header

FIELDS = (
    "date-time", "client-ip", "client-hostname", "server-ip", "server-hostname", "source-context", "connector-id", "source", "event-id",
    "internal-message-id", "message-id", "network-message-id", "recipient-address", "recipient-status", "total-bytes", "recipient-count",
    "related-recipient-address", "reference", "message-subject", "sender-address", "return-path", "message-info", "directionality",
    "tenant-id", "original-client-ip", "original-server-ip", "custom-data", "transport-traffic-type", "log-id", "schema-version",
)  # fmt: skip


@dataclass(slots=True)
class TrackingLog:
    """Rows of RECEIVE, SEND, DEFER, FAIL, DELIVER with their sources."""

    server: str
    rows: list[dict[str, str]] = field(default_factory=list)

    def add(self, moment: datetime, event: str, source: str, envelope: Envelope, internal_id: int, **fields: str) -> None:
        """Write a row; `fields` are further columns with `_` for `-`."""
        row = {
            "date-time": stamp(moment), "server-hostname": self.server, "source": source, "event-id": event,
            "internal-message-id": str(internal_id), "message-id": header(envelope.content, "Message-ID") or envelope.message_id,
            "recipient-address": ";".join(envelope.recipients), "total-bytes": str(len(envelope.content)),
            "recipient-count": str(len(envelope.recipients)), "message-subject": header(envelope.content, "Subject") or "",
            "sender-address": envelope.sender, "return-path": envelope.sender or "<>", "transport-traffic-type": "Email",
        }  # fmt: skip
        row |= {key.replace("_", "-"): value for key, value in fields.items()}
        self.rows.append(row)

    def text(self, moment: datetime) -> str:
        """Return the file: header and rows."""
        out = io.StringIO()
        first = self.rows[0]["date-time"] if self.rows else stamp(moment)
        head = (
            "#Software: Microsoft Exchange Server",
            "#Version: 15.01.2507.006",
            "#Log-type: Message Tracking Log",
            f"#Date: {first}",
        )
        out.write("\r\n".join((*head, "#Fields: " + ",".join(FIELDS))) + "\r\n")
        writer = csv.DictWriter(out, FIELDS, restval="", lineterminator="\r\n")
        writer.writerows(self.rows)
        return out.getvalue()
