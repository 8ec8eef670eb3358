"""A receiver that has one fault and no other, for programs that we did not write: a thread for each session, on a free port."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lab.tls.certificate import Credential

#: What can be wrong beside the certificate.
FAULTS = ("", "no-starttls", "refuses-starttls", "no-tls", "closes", "injects", "bad-banner", "refuses-ehlo")


@contextmanager
def receiver(folder: Path, credential: Credential, fault: str = "") -> Iterator[int]:
    """Serve on a free port of 127.0.0.1 and return it; everything ends with the block."""
    assert fault in FAULTS
    pem = folder / f"{credential.name}-{fault or 'none'}.pem"
    pem.write_bytes(credential.chain_pem + credential.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")  # weak certificates are shown too
    context.load_cert_chain(pem)
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        threads = threading.Thread(target=_accept, args=(listener, context, fault), daemon=True)
        threads.start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            threads.join(5)


def _accept(listener: socket.socket, context: ssl.SSLContext, fault: str) -> None:
    with suppress(OSError):  # the listener is closed
        while True:
            wire, _ = listener.accept()
            threading.Thread(target=_serve, args=(wire, context, fault), daemon=True).start()


def _serve(wire: socket.socket, context: ssl.SSLContext, fault: str) -> None:
    wire.settimeout(10)
    with suppress(OSError), wire:
        wire.sendall(b"421 4.3.2 Service not available\r\n" if fault == "bad-banner" else b"220 mail.contoso.test ESMTP\r\n")
        if not _clear(wire, fault):
            return
        with context.wrap_socket(wire, server_side=True) as secure, secure.makefile("rb") as lines:
            for line in lines:
                verb = line[:4].upper()
                secure.sendall(b"221 bye\r\n" if verb == b"QUIT" else b"250 mail.contoso.test\r\n")
                if verb == b"QUIT":
                    return


def _clear(wire: socket.socket, fault: str) -> bool:
    """Speak before TLS, a byte at a time so that none of the handshake is read; return whether TLS comes now."""
    while line := _line(wire):
        verb = line[:4].upper()
        if verb == b"STAR":
            if fault == "no-starttls":
                wire.sendall(b"502 5.5.1 not here\r\n")
            elif fault == "refuses-starttls":
                wire.sendall(b"454 4.7.0 TLS not available\r\n")
            else:
                wire.sendall(b"220 go ahead\r\n" + (b"250 injected\r\n" if fault == "injects" else b""))
                if fault in ("no-tls", "closes"):
                    wire.recv(4096)
                    wire.sendall(b"500 what is this\r\n" if fault == "no-tls" else b"")
                    return False
                return True
        elif verb == b"QUIT":
            wire.sendall(b"221 bye\r\n")
            return False
        elif verb == b"EHLO" and fault == "refuses-ehlo":
            wire.sendall(b"502 5.5.1 what\r\n")
        else:
            wire.sendall(b"250 mail.contoso.test\r\n" if fault == "no-starttls" else b"250-mail.contoso.test\r\n250 STARTTLS\r\n")
    return False


def _line(wire: socket.socket) -> bytes:
    line = b""
    while not line.endswith(b"\n") and (byte := wire.recv(1)):
        line += byte
    return line
