"""What `smtplab up` says of the mail in its lab, and saves of it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lab.api import Lab
from lab.cli.watch import Watch
from lab.errors import UserError
from lab.sending.attempt import Envelope


async def test_what_cannot_be_saved_waits_and_the_lab_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ending: Any = SimpleNamespace(over=asyncio.Event())
    obstacle = tmp_path / "alice@contoso.test"
    obstacle.touch()  # where the folder of a mailbox should be
    async with Lab("healthy") as lab:
        watch = Watch(lab, ending, save=tmp_path)

        def deliver(mailbox: str, subject: str) -> str:
            lab.backend.mail_hosts["onprem"].store(mailbox, Envelope("", (mailbox,), f"Subject: {subject}\r\n\r\n".encode()))
            watch._report()
            return capsys.readouterr().out

        said = deliver("alice@contoso.test", "first")
        assert "not saved" in said
        assert "alice@contoso.test: File exists; the lab goes on, and this is tried again" in said
        assert "not saved yet" in said
        assert str(tmp_path / "bob@contoso.test" / "1.eml") in deliver("bob@contoso.test", "other")
        assert "tried again" not in deliver("alice@contoso.test", "second"), "it is said once"
        obstacle.unlink()
        assert f"what had to wait is in {tmp_path}" in deliver("bob@contoso.test", "third")
        saved = sorted((tmp_path / "alice@contoso.test").iterdir())
        assert [file.read_bytes() for file in saved] == [b"Subject: first\r\n\r\n", b"Subject: second\r\n\r\n"]
        ending.over.set()
        await watch.stay()


async def test_what_was_never_saved_is_told_at_the_end(tmp_path: Path) -> None:
    ending: Any = SimpleNamespace(over=asyncio.Event())
    async with Lab("healthy") as lab:
        watch = Watch(lab, ending, save=tmp_path)
        (tmp_path / "alice@contoso.test").touch()
        lab.backend.mail_hosts["onprem"].store("alice@contoso.test", Envelope("", ("alice@contoso.test",), b"\r\n"))
        ending.over.set()
        with pytest.raises(UserError, match="1 message could not be saved"):
            await watch.stay()
