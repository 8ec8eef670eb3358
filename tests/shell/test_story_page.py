"""docs/shell.md: its transcripts are real, and it names what there is."""

from __future__ import annotations

import pytest

from lab.shell.cmdlets import registry
from tests.shell.transcript import PAGE, blocks, constant, lines_of, replayed


@pytest.mark.slow
async def test_the_transcripts_are_real() -> None:
    """`python -m tests.shell.transcript` writes them anew."""
    page = PAGE.read_text(encoding="utf-8")
    assert len(blocks(page)) >= 5
    for written, real in zip(blocks(page), blocks(await replayed(page)), strict=True):
        assert constant(written) == constant(real)


def test_a_transcript_that_is_wrong_would_be_seen() -> None:
    (block,) = (one for one in blocks(PAGE.read_text(encoding="utf-8")) if "certificate bind" in one)
    assert "certificate list" in lines_of(block)
    assert constant(block) != constant(block.replace("appliance-default", "exchange"))
    assert constant(block) == constant(block.replace("  ", "     "))


def test_every_cmdlet_of_both_sides_is_named() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for cmdlet in registry.everything():
        verb, _, noun = cmdlet.name.partition("-")
        if cmdlet.side:
            noun = noun.removesuffix("V2")
            assert noun in page, cmdlet.name
            assert f"`{verb}-" in page, cmdlet.name
