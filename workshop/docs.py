"""The generated pages of the documentation. `python workshop/docs.py` writes them; exit code 1 says that some were stale.

With `--check` nothing is written.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


def catalogue() -> str:
    """Every scenario, from its file."""
    from lab.report.catalogue_page import page
    from lab.scenario.catalogue import group, names
    from lab.scenario.load import load_scenario

    return page({name: (group(name), load_scenario(name).scenario) for name in names()})


def behaviours() -> str:
    """Every behaviour of the appliance, from itself."""
    from lab.report.behaviour_page import page

    return page()


def matrix() -> str:
    """What each policy of a sender makes of each fault, from playing them."""
    from lab.matrix import between_both_sides
    from lab.online.config import Era
    from lab.report.policy_matrix import page
    from lab.scenario.catalogue import group, names
    from lab.scenario.load import load_scenario
    from lab.workers import RowRun, play

    told = [name for name in names() if between_both_sides(load_scenario(name).scenario)]
    played = play([RowRun(name, era) for name in told for era in Era])
    return page([one.row for one in played if one.row is not None], group)


#: Page -> what makes it.
PAGES: dict[str, Callable[[], str]] = {
    "docs/behaviours.md": behaviours,
    "docs/catalogue.md": catalogue,
}
#: Those whose making is playing the whole catalogue; the tests hold some rows of them against a run.
PLAYED: dict[str, Callable[[], str]] = {
    "docs/matrix.md": matrix,
}


def stale() -> dict[Path, str]:
    """Return the pages that are not as they should be, with what they should be."""
    found = {}
    for name, make in {**PAGES, **PLAYED}.items():
        path, text = ROOT / name, make()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            found[path] = text
    return found


def main() -> int:
    """Write what is stale, or with --check only say so."""
    pages = stale()
    for path, text in pages.items():
        name = path.relative_to(ROOT)
        if "--check" in sys.argv[1:]:
            sys.stderr.write(f"{name} is stale: make docs writes it anew\n")
            continue
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        sys.stderr.write(f"{name} was stale and is written anew: look at it and commit it\n")
    return 1 if pages else 0


if __name__ == "__main__":
    sys.exit(main())
