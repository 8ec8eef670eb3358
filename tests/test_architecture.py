"""The design's properties: rooms in order, one fence, one home for each dependency, names that say something, small files."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted((ROOT / "lab").rglob("*.py"))
NAMES = [str(path.relative_to(ROOT)) for path in FILES]

#: Who may import what is not ours. A room is the first name below `lab`; what is not listed here may be used by nobody.
HOMES = {
    "aiosmtpd": {"net"},
    "click": {"cli"},
    "rich": {"cli", "report"},
    "jinja2": {"report"},
    "markupsafe": {"report"},  # jinja2's own
    "trustme": {"tls"},
    "cryptography": {"tls"},
    "OpenSSL": {"tls"},
    "dns": {"dns", "net"},
    "pydantic": {"scenario", "web"},  # where foreign data comes in
    "ruamel": {"scenario"},
    "uvloop": {"net"},
    "docker": {"backends"},
    "sqlite3": {"live"},
    "h11": {"net"},
    "prompt_toolkit": {"cli"},
    "regex": {"shell"},
    "pytest": {"pytest_plugin"},
    "aiosmtplib": {"clients"},
    "starlette": {"web"},
    "uvicorn": {"web"},
    # the standard library's ways to the outside
    "socket": {"net", "web"},
    "selectors": {"net"},
    "socketserver": set[str](),
    "smtplib": {"clients"},
    "asyncio": {"net", "hosts", "backends", "runner", "trials", "case_server", "api", "live", "web", "cli", "clients"},
    "threading": {"api", "backends", "case_server"},
    "multiprocessing": {"workers"},
    "subprocess": {"cli", "trial_programs", "clients"},
    "ssl": {"tls", "clients"},
}
#: What pure rooms may not touch: they are given the time and hand out bytes.
PURE = {
    "evidence",
    "smtp",
    "tls",
    "dns",
    "network",
    "check",
    "sending",
    "sts",
    "receiving",
    "appliance",
    "exchange",
    "online",
    "internet",
    "shell",
    "trial",
}
CLOCKS_AND_FILES = {"open", "print", "input", "datetime.now", "datetime.utcnow", "datetime.today", "date.today"}
#: Words of the trade that Python's library happens to use too.
FIELDS_OWN = {"numbers", "trace"}
WORST_NAMES = {"utils", "util", "common", "helpers", "helper", "types", "base", "misc", "stuff"}


def room(path: Path) -> str:
    return path.relative_to(ROOT / "lab").parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module or ""


def test_there_is_something_to_look_at() -> None:
    assert {"smtp", "tls", "dns", "net", "hosts", "cli"} <= {room(path) for path in FILES}


@pytest.mark.slow
def test_the_contracts_hold() -> None:
    """Layers and the absence of circles, as pyproject.toml has them."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_each_dependency_has_one_home(path: Path) -> None:
    outside = {name.partition(".")[0] for name in imports(path)} - set(sys.stdlib_module_names) - {"lab"}
    assert outside <= set(HOMES), "a dependency without a home"
    wrong = {name for name in imports(path) if room(path) not in HOMES.get(name.partition(".")[0], {room(path)})}
    assert wrong == set()


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_dataclasses_are_those_that_cost_little(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    theirs = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "dataclasses"
        for alias in node.names
    }
    assert "dataclass" not in theirs or room(path) == "data", "see lab/data.py"


@pytest.mark.parametrize("path", [path for path in FILES if room(path) in PURE], ids=lambda path: str(path.relative_to(ROOT)))
def test_pure_rooms_read_no_clock_and_no_file(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert calls & CLOCKS_AND_FILES == set()
    assert {name for name in imports(path) if name in ("time", "pathlib", "random")} == set()


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_names_and_sizes(path: Path) -> None:
    name = path.stem
    lines = path.read_text(encoding="utf-8").count("\n")
    assert name not in WORST_NAMES
    if name == "__init__":
        assert path.parent == ROOT / "lab" or lines < 30, "a package says in under thirty lines what lives there"
        assert lines > 0, "a package says what lives there"
    else:
        assert name not in set(sys.stdlib_module_names) - FIELDS_OWN, "named like a module of Python's"
    assert lines <= 400


def test_every_folder_is_a_package() -> None:
    assert [path for path in {path.parent for path in FILES} if not (path / "__init__.py").exists()] == []


def test_the_root_imports_nothing_at_once() -> None:
    code = "import sys, lab; print([name for name in sys.modules if name.startswith('lab.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == "[]"
