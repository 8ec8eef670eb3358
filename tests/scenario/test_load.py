"""Bad scenario files: each error names file, line and key, and nothing but a user's error ever comes out."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.errors import UserError, UserErrors
from lab.scenario import catalogue
from lab.scenario.load import load_scenario
from lab.scenario.source import parse


def error_of(folder: Path, text: str | bytes, name: str = "bad.yaml") -> UserError:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UserError) as caught:
        load_scenario(path)
    assert caught.value.exit_code == 2
    return caught.value


def each(error: UserError) -> list[UserError]:
    return list(error.errors) if isinstance(error, UserErrors) else [error]


RULE = "title: x\nfaults:\n  - name: f\n    changes:\n      - set: appliance.rules\n        to:\n          - {rule}\n"
CHANGE = "title: x\nfaults:\n  - name: f\n    changes:\n      - {change}\n"

NETWORK = "title: x\nfaults:\n  - name: f\n    changes:\n      - set: network.{kind}\n        to:\n\n          - {fault}\n"
TOPOLOGY = "title: x\ntopology:\n  changes:\n    - {{set: online.era, to: current}}\n    - {change}\nfaults:\n  - {{name: f, changes: []}}\n"

# text of the file, line, key (part of it), message (part of it), hint (part of it)
TABLE = [
    ("title: x\nfautls: []\n", 2, "fautls", "no key that is known", "did you mean faults?"),
    ("report: x\n", 1, "title", "is missing", ""),
    ("title: [1]\n", 1, "title", "string", ""),
    ("title: x\nera: clasic\n", 2, "era", "cannot be 'clasic'", "did you mean classic?"),
    ("title: x\nexpect:\n  flows:\n    onlin -> onprem: {}\n", 4, "onlin -> onprem", "no flow", "did you mean online -> onprem?"),
    ("title: x\nexpect:\n  flows:\n    '*': {outcome: deferd}\n", 4, "outcome", "cannot be 'deferd'", "did you mean deferred?"),
    ("title: x\nexpect:\n  flows:\n    '*': {findings: [self-sined]}\n", 4, "findings", "cannot be 'self-sined'", "did you mean self-signed?"),
    ("title: x\nexpect:\n  flows:\n    '*': {reason: certificat}\n", 4, "reason", "cannot be 'certificat'", "did you mean certificate?"),
    ("title: x\nexpect:\n  logs:\n    - {log: recieve, contains: a}\n", 4, "log", "cannot be 'recieve'", "did you mean receive?"),
    ("title: x\ntopology: {inherit: hybird}\n", 2, "inherit", "no topology 'hybird'", "hybrid"),
    (CHANGE.format(change="{set: exchange.nam, to: x}"), 5, "faults.0", "no key that is known", ""),
    (CHANGE.format(change="{set: exchang.name, to: x}"), 4, "faults.0", "there is no 'exchang'", "did you mean exchange?"),
    (CHANGE.format(change="{set: 'exchange.send_connectors[Intenet].Fqdn', to: x}"), 4, "faults.0", "there is no 'Intenet'", "did you mean Internet?"),
    (CHANGE.format(change="{set: exchange.name, to: 5}"), 5, "faults.0", "string", ""),
    (CHANGE.format(change="{set: network.stops, to: x}"), 5, "faults.0", "must be a list, not 'x'", ""),
    (CHANGE.format(change="{remove: exchange.nothing}"), 4, "faults.0", "there is no 'nothing'", ""),
    (CHANGE.format(change="{add: exchange.name, to: x}"), 4, "faults.0", "is no list", "use set"),
    (CHANGE.format(change="{set: '..', to: x}"), 4, "faults.0", "is no path", ""),
    (CHANGE.format(change="{to: x}"), 5, "faults.0.changes.0", "one of set, add and remove", "for instance"),
    (CHANGE.format(change="{set: a, remove: b}"), 5, "faults.0.changes.0", "one of set, add and remove", "for instance"),
    (CHANGE.format(change="{set: 'exchange.certificates[0].certificate', to: exchnge}"), 4, "faults.0", "no certificate 'exchnge'", "did you mean exchange?"),
    (RULE.format(rule="{behaviours: [resing]}"), 7, "to.0.behaviours.0.re", "no behaviour 'resing'", "did you mean resign?"),
    (RULE.format(rule="{behaviours: [{resign: {certificat: x}}]}"), 7, "to.0.behaviours.0.re", "no setting 'certificat'", "did you mean certificate?"),
    (RULE.format(rule="{behaviours: [{resign: {certificate: 5}}]}"), 7, "resign.certificate", "must be text, not 5", ""),
    (RULE.format(rule="{behaviours: [{resign: {leftover: keep}}]}"), 7, "to.0.behaviours.0.re", "cannot be 'keep'", "reject, ignore, allow"),
    (RULE.format(rule="{behaviours: [{resign: {certificate: exchange}}]}"), 7, "to.0.behaviours.0.re", "holds no certificate 'exchange'", "appliance-default"),
    (RULE.format(rule="{senders: [onlin], behaviours: [passthrough]}"), 4, "faults.0", "'onlin' is no host of the topology", "did you mean online?"),
    (RULE.format(rule="{direction: sideways, behaviours: [passthrough]}"), 7, "faults.0", "cannot be 'sideways'", ""),
    (NETWORK.format(kind="partitions", fault="{between: [onlin, appliance]}"), 8, "to.0.between", "'onlin' is no host", "did you mean online?"),
    (NETWORK.format(kind="partitions", fault="{between: [online, exchange]}"), 8, "to.0.between", "online and exchange share no network", "passes the appliance"),
    (NETWORK.format(kind="partitions", fault="{between: [dns, dns]}"), 8, "to.0.between", "dns is both ends", ""),
    (NETWORK.format(kind="partitions", fault="{between: [online, dns], begun_by: sts}"), 8, "to.0.begun_by", "'sts' is neither end", "online, dns"),
    (NETWORK.format(kind="partitions", fault="{between: [online, dns], packets: lost}"), 8, "to.0.packets", "cannot be 'lost'", "dropped"),
    (NETWORK.format(kind="partitions", fault="{between: [online]}"), 8, "to.0.between", "is missing", ""),
    (NETWORK.format(kind="stops", fault="{host: exchang, how: paused}"), 8, "to.0.host", "'exchang' is no host", "did you mean exchange?"),
    (NETWORK.format(kind="stops", fault="{host: exchange, how: killed, at: content, then: resume}"), 8, "to.0.then", "cannot resume", "restart"),
    (NETWORK.format(kind="stops", fault="{host: exchange, how: paused, then: resume}"), 8, "to.0.then", "stop and go on in one moment", "leave then out"),
    (NETWORK.format(kind="stops", fault="{host: dns, how: killed, at: content}"), 8, "to.0.at", "dns takes no messages", "exchange, online, internet"),
    (NETWORK.format(kind="stops", fault="{host: exchange, how: paused, at: content, times: 2}"), 8, "to.0.times", "cannot stop 2 times", "restart"),
    (CHANGE.format(change="{remove: exchange.name}"), 4, "faults.0", "exchange.name: is missing", ""),
    (TOPOLOGY.format(change="{set: network, to: {stops: [{host: exchange}]}}"), 5, "topology.changes.1.to.stops.0.how", "is missing", ""),
    (TOPOLOGY.format(change="{add: network.stops, to: {host: exchang, how: paused}}"), 5, "topology.changes.1.to.host", "'exchang' is no host", "exchange?"),
    (TOPOLOGY.format(change="{set: exchange.implementation, to: postfx}"), 5, "topology.changes.1.to", "cannot be 'postfx'", "did you mean postfix?"),
    (TOPOLOGY.format(change="{add: network, to: {}}"), 3, "topology.changes", "network is no list", "use set"),
    (TOPOLOGY.format(change="{set: netwrk.stops, to: []}"), 3, "topology.changes", "there is no 'netwrk'", "did you mean network?"),
    (NETWORK.format(kind="lines", fault="{between: [online, appliance], loss: 100}"), 8, "to.0.loss", "100 percent cannot be lost", "partition"),
    ("title: x\nfixes:\n  - &f {name: a, what: b, changes: [], cures: yes}\n  - {name: a, what: b, changes: [], cures: no}\n", 4, "fixes.1.name", "is there already", ""),
    ("title: x\nfaults:\n  - name: f\n    passes: -PT1H\n", 4, "faults.0.passes", "forward only", "for instance PT26H"),
    ("title: x\nfaults:\n  - name: f\n    passes: P3651D\n", 4, "faults.0.passes", "not more than ten years", "for instance PT26H"),
    ("title: x\ntitle: y\n", 2, "title", "stands twice", ""),
    ("title: x\na: &a [1]\nb: *a\n", 2, "", "aliases", "write it out"),
    ("title: !!python/object:os.system x\n", 1, "", "tag", ""),
    ("title: x\n\tera: classic\n", 2, "", "not YAML", ""),
    ("title: 'x\n", 2, "", "not YAML", ""),
    ("title: \x00\n", 1, "", "not YAML", ""),
    ("- title\n", 1, "", "", ""),
    ("just words\n", 1, "", "", ""),
    ("? [a]\n: b\n", 1, "", "a key must be a word", ""),
    ("a: " + "[" * 60 + "]" * 60 + "\n", 1, "", "nested too deeply", ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "key", "message", "hint"), TABLE, ids=[str(n) for n in range(len(TABLE))])
def test_each_mistake_is_named(text: str, line: int, key: str, message: str, hint: str, tmp_path: Path) -> None:
    error = each(error_of(tmp_path, text))[0]
    assert error.file == str(tmp_path / "bad.yaml")
    assert (error.line or 1) == line, error
    assert key in (error.key or "")
    assert message in error.message
    assert hint in (error.hint or "")


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "is empty"), (b"# nothing\n", "is empty"), (b"title: \xff\n", "is not UTF-8"), (b"x" * 5000, "a line of 5000 bytes"),
     (b"title: x\n" + b"y" * 1024 * 1024, "is larger than"), (b"a: b\n" * 60_000, "is larger than")],
)  # fmt: skip
def test_files_that_are_none(content: bytes, message: str, tmp_path: Path) -> None:
    assert message in error_of(tmp_path, content).message


def test_all_mistakes_are_told_at_once_in_order(tmp_path: Path) -> None:
    text = "title: x\nera: clasic\nfautls: []\nexpect:\n  flows:\n    '*': {outcome: x}\n"
    assert [error.line for error in each(error_of(tmp_path, text))] == [2, 3, 6]


def test_a_mistake_of_the_topology_is_not_told_again_of_each_fault(tmp_path: Path) -> None:
    assert len(each(error_of(tmp_path, TOPOLOGY.format(change="{set: exchange.name, to: 5}")))) == 1


def test_a_bomb_of_aliases_is_refused_quickly(tmp_path: Path) -> None:
    levels = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12))
    assert "aliases" in error_of(tmp_path, f"a0: &a0 [x]\n{levels}\n").message


def test_what_is_not_there_or_is_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none.yaml", tmp_path, Path("/")):
        with pytest.raises(UserError) as caught:
            load_scenario(path)
        assert caught.value.exit_code == 2
        assert str(path) in str(caught.value)
    with pytest.raises(UserError, match="no scenario 'appliance-resign-tls'") as near:
        load_scenario("appliance-resign-tls")
    assert near.value.hint == "did you mean appliance-resigns-tls?"


@pytest.mark.parametrize("name", ["*", "health?", "[h]ealthy", "**", "..", ""])
def test_a_name_is_no_pattern(name: str) -> None:
    with pytest.raises(UserError, match="there is no scenario|cannot be read"):
        load_scenario(name)


def test_inheritance_goes_round(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text("inherit: a\n")
    error = error_of(tmp_path, "title: x\ninherit: b\n", "a.yaml")
    assert "inherits from itself: a -> b -> a" in error.message
    (tmp_path / "t.yaml").write_text("inherit: u\n")
    (tmp_path / "u.yaml").write_text("inherit: t\n")
    assert "inherits from itself" in error_of(tmp_path, "title: x\ntopology: {inherit: t}\n").message


def test_inheritance_takes_what_is_not_said(tmp_path: Path) -> None:
    path = tmp_path / "child.yaml"
    path.write_text("inherit: appliance-resigns-tls\ntitle: mine\nera: current\n")
    child, parent = load_scenario(path).scenario, load_scenario("appliance-resigns-tls").scenario
    assert (child.title, child.era) == ("mine", "current")
    assert (child.faults, child.expect, child.fixes) == (parent.faults, parent.expect, parent.fixes)


def test_a_topology_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("inherit: hybrid\nchanges:\n  - {set: internet.certificate, to: null}\n")
    path = tmp_path / "s.yaml"
    path.write_text("title: x\ntopology: {inherit: mine}\n")
    assert load_scenario(path).healthy["internet"]["certificate"] is None


TEXT = (catalogue.find("appliance-resigns-tls")).read_text(encoding="utf-8")
LINES = TEXT.splitlines(keepends=True)


@pytest.mark.slow
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(
        st.tuples(st.integers(0, len(LINES) - 1), st.sampled_from(["drop", "twice", "cut", "indent", "noise"])),
        min_size=1,
        max_size=4,
    ),
    data=st.data(),
)
def test_whatever_happens_to_a_file_it_is_a_users_error_or_none(
    changes: list[tuple[int, str]], data: st.DataObject, tmp_path: Path
) -> None:
    lines = list(LINES)
    for place, what in changes:
        match what:
            case "drop":
                lines[place] = ""
            case "twice":
                lines[place] *= 2
            case "cut":
                lines[place] = lines[place][: len(lines[place]) // 2] + "\n"
            case "indent":
                lines[place] = "  " + lines[place]
            case _:
                lines[place] = data.draw(st.text(max_size=12)) + "\n"
    path = tmp_path / "fuzz.yaml"
    path.write_text("".join(lines), encoding="utf-8", errors="replace")
    with suppress(UserError):  # and nothing else
        load_scenario(path)


def test_lines_are_known_by_place() -> None:
    source = parse("a:\n  - b\n  - c: d\n", "x.yaml")
    assert [source.line(place) for place in (("a",), ("a", 0), ("a", 1, "c"), ("a", 1, "none"), ("zzz",))] == [1, 2, 3, 3, 1]
