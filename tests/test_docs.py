"""The generated pages are those that `make docs` would write."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from lab.matrix import SenderPolicy, between_both_sides
from lab.online.config import Era
from lab.report.catalogue_page import page
from lab.report.policy_matrix import letters
from lab.scenario.catalogue import names
from lab.scenario.load import load_scenario
from lab.workers import RowRun, play

ROOT = Path(__file__).resolve().parent.parent


def workshop_docs() -> ModuleType:
    found = importlib.util.spec_from_file_location("workshop_docs", ROOT / "workshop" / "docs.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


docs = workshop_docs()


@pytest.mark.slow
@pytest.mark.parametrize("name", docs.PAGES)
def test_no_page_is_stale(name: str) -> None:
    """`make docs` writes it anew."""
    assert (ROOT / name).read_text(encoding="utf-8") == docs.PAGES[name](), f"{name} is stale: make docs"


def test_a_stale_page_is_noticed_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(docs, "ROOT", tmp_path)
    monkeypatch.setattr(docs, "PAGES", {"docs/page.md": lambda: "as it should be\n"})
    monkeypatch.setattr(docs, "PLAYED", {})
    monkeypatch.setattr(docs.sys, "argv", ["docs.py", "--check"])
    assert docs.main() == 1
    assert "docs/page.md is stale" in capsys.readouterr().err
    assert not (tmp_path / "docs").exists()
    monkeypatch.setattr(docs.sys, "argv", ["docs.py"])
    assert docs.main() == 1
    assert (tmp_path / "docs" / "page.md").read_text(encoding="utf-8") == "as it should be\n"
    assert docs.main() == 0


def test_the_catalogue_tells_of_each_scenario_what_its_file_says() -> None:
    scenario = load_scenario("appliance-resigns-tls").scenario
    text = page({"appliance-resigns-tls": ("appliance", scenario)})
    assert "## The box in front of Exchange\n" in text
    assert (
        "| `online -> onprem` | deferred | the certificate that was shown does not satisfy the connector | self-signed, name-mismatch |"
        in text
    )
    assert "{MSG=SubjectMismatch}" in text
    assert "[SmtpSecurity=-1;-1]" in text
    for fix in scenario.fixes:
        assert f"| `{fix.name}` | " in text
    assert "Sources: reference/post.txt; facts/exchange 2.2" in text


def test_the_catalogue_has_them_all() -> None:
    text = (ROOT / "docs" / "catalogue.md").read_text(encoding="utf-8")
    assert [
        line.removeprefix('<a id="').removesuffix('"></a>') for line in text.splitlines() if line.startswith("<a id=")
    ] == names()


@pytest.mark.slow
def test_the_matrix_has_them_all_and_what_is_played() -> None:
    text = (ROOT / "docs" / "matrix.md").read_text(encoding="utf-8")
    told = [name for name in names() if between_both_sides(load_scenario(name).scenario)]
    assert [name for name in told if f"(catalogue.md#{name})" not in text] == []
    for played in play([RowRun(name, Era.CURRENT) for name in told[::20]]):
        assert played.row is not None
        cells = " | ".join(letters(played.row, policy) for policy in SenderPolicy)
        assert f"(catalogue.md#{played.row.scenario}) | {cells} |" in text
