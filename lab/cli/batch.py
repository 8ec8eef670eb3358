"""`smtplab check --batch`: many targets from a file, results in another, and an interrupted run is gone on with."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lab.cli import examining
from lab.errors import UserError

if TYPE_CHECKING:
    from lab.check.result import Examination
    from lab.report.check_batch import Sum


def batch(path: Path, out: Path | None, asked: examining.Asked, viewers: tuple[str, ...], min_score: int | None = None) -> Sum:
    """Examine each line of a file that is no comment; write a line of JSON for each; return the counts.

    Targets that have a result already are passed over, so that a run that was interrupted can be gone on with.
    """
    from lab.cli.screen import running_lines
    from lab.net.loop import run
    from lab.report.check_batch import Sum

    results = out or path.with_name(f"{path.name}.results.jsonl")
    done = _done(results)
    earlier = [done[text] for text in dict.fromkeys(_targets(path)) if text in done]
    total = Sum(Counter(earlier), skipped=len(earlier))
    began = time.monotonic()
    opened = _opened(results)
    try:
        with opened as file, running_lines("examining") as (say, tell):
            run(_examine(path, done, file, asked, viewers, min_score, total, say, tell))
    finally:
        click.echo(f"{total.line(time.monotonic() - began)}. Results: {results}", err=True)
    return total


async def _examine(
    path: Path,
    done: dict[str, str],
    file: Any,
    asked: examining.Asked,
    viewers: tuple[str, ...],
    min_score: int | None,
    total: Sum,
    say: Any,
    tell: Any,
) -> None:
    from lab.net.batch import in_turn
    from lab.report.check_batch import NOT_TESTED, row, state

    one = examining.prepared(asked)
    left = dict.fromkeys(text for text in _targets(path) if text not in done)
    async for text, found in in_turn(left, one):
        if isinstance(found, UserError):
            line: dict[str, Any] = {"target": {"text": text}, "state": NOT_TESTED, "error": found.message}
            total.states[NOT_TESTED] += 1
            shown = f"    -  not tested  {text}: {found.message}"
        else:
            line, shown = {**_json(found, text, viewers), "state": state(found, min_score)}, row(found, min_score)
            total.states[state(found, min_score)] += 1
        file.write(json.dumps(line, ensure_ascii=False) + "\n")
        file.flush()
        say(shown)
        tell(f"{total.states.total() - total.skipped} of {len(left)} targets examined")


def _json(found: Examination, text: str, viewers: tuple[str, ...]) -> dict[str, Any]:
    from lab.report import check_json

    data = check_json.examination(found, viewers)
    data["target"]["text"] = text
    return data


def _targets(path: Path) -> Iterator[str]:
    try:
        with path.open(encoding="utf-8") as file:
            for line in file:
                if text := line.partition("#")[0].strip():
                    yield text
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror}", file=str(path)) from None
    except UnicodeDecodeError:
        raise UserError("is no text in UTF-8", file=str(path), hint="one target a line") from None


def _done(path: Path) -> dict[str, str]:
    """Return the targets that have a result, with what they came to; the half line of a run that was killed is cut off."""
    if not path.exists():
        return {}
    done: dict[str, str] = {}
    whole = 0
    try:
        with path.open("r+b") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    file.truncate(whole)
                    break
                result = json.loads(line)
                done[result["target"]["text"]] = result["state"]
                whole += len(line)
    except (ValueError, KeyError, TypeError):
        text = "is not a file of results, and would be written to"
        raise UserError(text, file=str(path), hint="name another one with --out, or remove it") from None
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror}", file=str(path)) from None
    return done


def _opened(path: Path) -> Any:
    try:
        return path.open("a", encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot be written: {error.strerror}", file=str(path), hint="name a place with --out") from None
