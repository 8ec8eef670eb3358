"""An address on loopback for each host."""

from __future__ import annotations

import socket

ADDRESSES = {
    "exchange": "127.25.0.10",
    "appliance": "127.25.0.20",
    "online": "127.25.0.30",
    "internet": "127.25.0.40",
    "dns": "127.25.0.53",
    "sts": "127.25.0.60",
}


def own_addresses(place: int = 0) -> dict[str, str]:
    """Return an address for each host: its own where the system has all of 127.0.0.0/8 (Linux), else 127.0.0.1 for all.

    `place` (0 to 255) tells labs that run side by side apart: each has a network of its own, 127.25.PLACE.0/24.
    """
    try:
        with socket.create_server((ADDRESSES["exchange"], 0)):
            return {host: address.replace("127.25.0.", f"127.25.{place}.") for host, address in ADDRESSES.items()}
    except OSError:
        return dict.fromkeys(ADDRESSES, "127.0.0.1")
