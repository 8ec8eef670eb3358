"""TLS for a web host with several names: the certificate follows the SNI, as name-based hosting does."""

from __future__ import annotations

import ssl
from collections.abc import Callable

from lab.tls.certificate import Credential


def web_context(choose: Callable[[str | None], Credential]) -> ssl.SSLContext:
    """Return a context that shows what `choose` returns for the name that the other side asks for (None: it asked for none)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2

    def chosen(connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> None:
        from lab.tls.engine import server_context  # loaded when somebody asks

        connection.context = server_context(choose(name))

    context.sni_callback = chosen
    return context
