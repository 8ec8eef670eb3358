"""A behaviour from somebody else's package: the one of the documentation, installed as a wheel would, and all that can be wrong."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.appliance.behaviours import known_behaviours, load_behaviour
from lab.appliance.config import BehaviourSpec
from lab.errors import UserError
from lab.report.behaviour_page import OWN_BEHAVIOUR, listing
from lab.scenario.schema import json_schema
from tests.appliance.conversation import GREETING, did
from tests.appliance.playbook import Playbook

Install = Callable[[str, str, str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install a module with one entry point: takes its text, the name and the value of the entry point."""

    def put(text: str, name: str, value: str) -> None:
        (tmp_path / "last_word.py").write_text(text)
        info = tmp_path / "last_word-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: last-word\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[smtplab.behaviours]\n{name} = {value}\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        importlib.invalidate_caches()
        known_behaviours.cache_clear()

    yield put
    sys.modules.pop("last_word", None)
    known_behaviours.cache_clear()


def test_the_one_of_the_documentation(install: Install) -> None:
    install(OWN_BEHAVIOUR, "last-word", "last_word:LastWord")
    one = load_behaviour(BehaviourSpec("last-word", {"word": "Farewell", "times": {"every": 2}}))
    for said in (b"221 bye\r\n", b"221-bye\r\n221 Farewell\r\n"):
        play = Playbook(one).run(GREETING + "s<< QUIT\n r>> QUIT\n r<< 221 bye")
        assert play.heard[next(iter(play.heard))] == said
    assert did(play, "last-word") == ["has the last word", "changes the answer to QUIT"]


def test_it_is_listed_checked_and_completed_like_ours(install: Install) -> None:
    install(OWN_BEHAVIOUR, "last-word", "last_word:LastWord")
    assert any("last-word" in line for line in listing())
    assert "behaviour.last-word" in json_schema()["$defs"]
    with pytest.raises(UserError, match="no setting 'wrod'") as caught:
        load_behaviour(BehaviourSpec("last-word", {"wrod": "x"}))
    assert caught.value.hint == "did you mean word?"


def test_without_it_there_is_no_such_behaviour() -> None:
    with pytest.raises(UserError, match="no behaviour 'last-word'"):
        load_behaviour(BehaviourSpec("last-word", {}))


@pytest.mark.parametrize(
    ("text", "name", "value", "message"),
    [
        ("import nothing_like_this\n", "last-word", "last_word:LastWord", "cannot be imported"),
        ("LastWord = 5\n", "last-word", "last_word:LastWord", "is no behaviour"),
        (OWN_BEHAVIOUR, "other-word", "last_word:LastWord", "calls itself 'last-word'"),
    ],
)
def test_what_can_be_wrong_with_one(install: Install, text: str, name: str, value: str, message: str) -> None:
    install(text, name, value)
    with pytest.raises(UserError, match=message):
        load_behaviour(BehaviourSpec(name, {}))


def test_nobody_can_take_one_of_our_names(install: Install) -> None:
    install(OWN_BEHAVIOUR.replace('"last-word"', '"resign"'), "resign", "last_word:LastWord")
    assert known_behaviours()["resign"].__module__.startswith("lab.")
    assert list(known_behaviours()).count("resign") == 1
