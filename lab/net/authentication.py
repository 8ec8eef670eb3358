"""AUTH as an anonymous sender meets it: every mechanism that is offered can be begun, and none is ever granted.

The lab has no passwords. The codes are RFC 4954 section 6's; the texts of 535 and 504 have no row in the facts (unsourced).
"""

from __future__ import annotations

import base64
import binascii
import secrets
import struct
from collections.abc import Generator

from lab.smtp.replies import Reply

_DENIED = Reply.of("535 5.7.3 Authentication unsuccessful")
_UNKNOWN = Reply.of("504 5.7.4 Unrecognized authentication type")
_CANCELLED = Reply.of("501 5.7.0 Authentication cancelled")
_BAD = Reply.of("501 5.5.2 Cannot decode response")


def authenticate(keyword: str, argument: str, offered: str) -> Generator[Reply, bytes, None]:
    """Play one exchange: yields replies, is sent the sender's lines; what is not 334 is the last.

    `keyword` is AUTH or X-EXPS, `offered` the keywords of our EHLO reply on one line.
    """
    mechanism, _, initial = argument.partition(" ")
    mechanism = mechanism.upper()
    if mechanism not in _offered_mechanisms(keyword, offered):
        yield _UNKNOWN
        return
    prompts = {"NTLM": (b"NTLM supported", None), "LOGIN": (b"VXNlcm5hbWU6", b"UGFzc3dvcmQ6"), "GSSAPI": (b"GSSAPI supported",)}[
        mechanism
    ]
    if initial:
        prompts = prompts[1:]
        if not _decodes(initial.encode("utf-8", "surrogateescape")):
            yield _BAD
            return
    for prompt in prompts:
        line = yield Reply(334, ((prompt or _ntlm_challenge()).decode("ascii"),))
        if line == b"*":
            yield _CANCELLED
            return
        if not _decodes(line):
            yield _BAD
            return
    yield _DENIED


def _offered_mechanisms(keyword: str, offered: str) -> list[str]:
    words = offered.split(" ")
    if keyword not in words:
        return []
    found = []
    for word in words[words.index(keyword) + 1 :]:
        if word not in ("NTLM", "LOGIN", "GSSAPI"):
            break
        found.append(word)
    return found


def _decodes(line: bytes) -> bool:
    try:
        base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _ntlm_challenge() -> bytes:
    """An NTLM CHALLENGE_MESSAGE (MS-NLMP section 2.2.1.2) with a fresh challenge, an empty target and no target info."""
    flags = 0x00000001 | 0x00000200 | 0x00008000  # Unicode, NTLM, always sign
    message = b"NTLMSSP\0" + struct.pack("<IHHII", 2, 0, 0, 56, flags) + secrets.token_bytes(8) + bytes(8)
    message += struct.pack("<HHI", 0, 0, 56) + struct.pack("<BBH3xB", 10, 0, 0, 15)
    return base64.b64encode(message)
