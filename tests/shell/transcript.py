"""The transcripts of docs/shell.md: played in a lab of their own, and written into the page with `python -m tests.shell.transcript`."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from tests.shell.workbench import bench

PAGE = Path(__file__).resolve().parents[2] / "docs" / "shell.md"
_BLOCK = re.compile(r"^```\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
_PROMPT = re.compile(r"^(\[PS\] C:\\>|gateway# )(.*)$", re.MULTILINE)
#: What differs from lab to lab, in a text without blanks: with it lines break elsewhere and columns are wider.
_CHANGING = (
    (re.compile(r"\d{1,2}/\d{1,2}/\d{4}\d{1,2}:\d\d:\d\d[AP]M"), "(time)"),
    (re.compile(r"\d{4}-\d\d-\d\d"), "(date)"),
    (re.compile(r"RequestId=[0-9a-f-]{36}"), "(id)"),
    (re.compile(r"[0-9A-F]{40}"), "(thumbprint)"),
    (re.compile(r"(127\.25\.0\.[1-5]0):?\d{4,5}"), r"\1(port)"),
    (re.compile(r"-"), ""),
)


def blocks(page: str) -> list[str]:
    """Return the page's transcripts."""
    return [block for block in _BLOCK.findall(page) if _PROMPT.match(block)]


def lines_of(block: str) -> list[str]:
    """Return what was typed in a transcript."""
    return [match.group(2) for line in block.splitlines() if (match := _PROMPT.match(line))]


def constant(text: str) -> str:
    """Return a transcript without what differs from lab to lab."""
    text = re.sub(r"\s", "", text)
    for pattern, word in _CHANGING:
        text = pattern.sub(word, text)
    return text


async def replayed(page: str) -> str:
    """Play every transcript of a page, in one lab from its begin to its end; return the page as it should be."""
    async with bench("appliance-resigns-tls", played=True, width=120) as shell:
        for block in blocks(page):
            out = []
            for line in lines_of(block):
                prompt = shell.shell.prompt
                shown = await shell(line)
                rows = [row.rstrip() for row in shown.rstrip().split("\n")] if shown.strip() else []
                rows += [""] if shown.endswith("\n\n") else []  # one of the blank lines is enough to read
                out.append("".join(f"{row}\n" for row in (f"{prompt}{line}", *rows)))
            page = page.replace(f"```\n{block}```\n", "```\n" + "".join(out) + "```\n", 1)
    return page


if __name__ == "__main__":
    PAGE.write_text(asyncio.run(replayed(PAGE.read_text(encoding="utf-8"))), encoding="utf-8")
