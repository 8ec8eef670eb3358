"""The evidence bundle: complete, explained, and free of what its owner would not show."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

from cryptography import x509

from lab.check.result import Exchanger
from lab.evidence.wire import Ending
from lab.report.bundle import README, bundle
from lab.smtp.replies import Reply
from tests.report.examined import MINT, examination, host, unreached


def test_everything_is_there_and_explained() -> None:
    files = bundle(examination(host("root-sent"), host("self-signed"), unreached()))
    readme = files[README].decode()
    plain = {name for name in files if "/" not in name}
    assert plain == {README, "report.html", "transcript.txt", "result.json", "tlsrpt.json", "sessions.pcapng", "tls-keys.log"}
    for name in plain - {README}:
        assert f"  {name} " in readme
    for name, content in files.items():
        if name != README:
            assert f"{hashlib.sha256(content).hexdigest()}  {name}\n" in readme
    assert "Nothing secret" in readme
    assert f"-d tcp.port=={min(one.port for one in (host('root-sent'), host('self-signed'), unreached()))},smtp" in readme
    assert json.loads(files["result.json"])["format"] == "smtplab-check"
    assert files["sessions.pcapng"][:4] == bytes.fromhex("0a0d0d0a")


def test_bytes_that_are_no_text_are_kept_as_escapes() -> None:
    spoiled = replace(
        host("good"), banner=Reply(220, ("\udcff\x00",)), ehlo=Reply(250, ("\udcff",)), exchanger=Exchanger("mx\udcff", 10)
    )
    files = bundle(examination(spoiled))
    assert json.loads(files["result.json"])["hosts"][0]["banner"]["lines"] == ["\udcff\x00"]
    for name in files:
        if name.endswith((".txt", ".json", ".html")):
            files[name].decode("utf-8")


def test_chains_are_pem_as_shown_and_as_built() -> None:
    files = bundle(examination(host("good"), host("root-sent")))
    shown = x509.load_pem_x509_certificates(files[f"certificates/mail.contoso.test-127.0.0.1-{host('good').port}-shown.pem"])
    path = x509.load_pem_x509_certificates(files[f"certificates/mail.contoso.test-127.0.0.1-{host('good').port}-path.pem"])
    assert shown == [one.x509 for one in MINT.credential("good").chain]
    assert path == [*shown, MINT.root.certificate.x509]
    assert f"certificates/mail.contoso.test-127.0.0.1-{host('root-sent').port}-path.pem" not in files


def test_no_private_key_is_in_it() -> None:
    files = bundle(examination(host("good")))
    assert not any(b"PRIVATE KEY" in content for content in files.values())
    secrets = files["tls-keys.log"].decode().splitlines()
    assert {line.split()[0] for line in secrets} >= {"CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"}


def test_where_nobody_was_reached_there_is_still_a_bundle() -> None:
    files = bundle(examination(unreached()))
    assert "tls-keys.log" not in files
    assert "sessions.pcapng" in files
    (wire,) = unreached().wires
    assert (wire.ending, wire.connected) == (Ending.REFUSED, None)
    assert not any(name.startswith("certificates/") for name in files)
    assert "could not be reached" in files[README].decode()
    assert README in bundle(examination())
