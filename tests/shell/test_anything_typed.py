"""Whatever is typed: never a traceback, always an answer, always in time; and no way to the host system."""

from __future__ import annotations

import ast
import asyncio
import string
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lab.shell.failure import ShellError
from lab.shell.parser import parse, unfinished
from tests.shell.emptiness import run, shell, text

_PIECES = st.sampled_from([
    "Get-Date", "Where-Object", "select", "fl", "ft", "%", "?", "sort", "measure", "Get-Help", "1", "2.5", "'a'", '"b $x"', "$x", "$_", "$null", "$true",
    "@(1,2)", "@{a=1}", "@{", "(", ")", "{", "}", "[", "]", "[int]", "[string]", "[datetime]", "|", ";", ",", ".", "..", "::", "-eq", "-like", "-match", "-and",
    "-not", "-join", "-split", "-f", "-replace", "+", "-", "*", "/", "%", "=", "+=", "!", "$(", "@'", "'@", '@"', '"', "'", "`", "#", "<#", "&", ">", "2>",
    "-First", "-Property", "-Name:", "if", "foreach", "in", "else", "Length", "ToUpper", "\n", " ", "\t", "é", "\u201c", "\u2013", "\0", "1KB", "0x", "1e999", "$($x)",
])  # fmt: skip
_LINES = st.one_of(
    st.text(max_size=60),
    st.text(alphabet=string.printable, max_size=80),
    st.lists(_PIECES, max_size=14).map(" ".join),
    st.lists(_PIECES, max_size=14).map("".join),
)


@pytest.mark.slow
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_LINES)
@example("(" * 500)
@example("$(" * 500)
@example("-not " * 2000 + "1")
@example("!" * 5000)
@example("[int]" * 3000 + "1")
@example("{" * 5000)
@example("1" + "+1" * 5000)
@example("1" + ",1" * 20000)
@example("$x" + ".a" * 5000)
@example("$x" + "[0]" * 5000)
@example("'" * 9999)
@example("a" * 99_999)
@example("1..99999999")
@example("9" * 5000)
@example("1e308 * 1e308 * -1")
@example("[int]::MaxValue")
@example("@{a=@{b=@{c=1}}}.a.b.c")
@example("if (1) {" * 100)
def test_a_line_is_answered(line: str) -> None:
    output = run(line)
    assert isinstance(output.text, str)
    assert "Traceback" not in output.text
    if output.failed and output.text:
        assert "+ FullyQualifiedErrorId : " in output.text


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(_LINES)
def test_the_parser_knows_only_its_own_errors_and_places_them_in_the_text(source: str) -> None:
    errors = []
    try:
        parse(source)
    except ShellError as error:
        errors.append(error)
    assert all(error.parse and error.message and 0 <= error.start <= len(source) + 1 for error in errors)
    assert not (unfinished(source) and not errors and not source.endswith("`"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "line",
    [
        "'a' * 10000000",
        "foreach ($i in 1..99999) { foreach ($j in 1..99999) { } }",
        "$x = 1..90000; $x + $x",
        "'" + "a" * 5000 + "!' -match '(a+)+$'",
        "'" + "a" * 3000 + "' -like '" + "*a" * 1500 + "*b'",
        "$a = { & $a }; 1 | % { 1 | % { 1 | % { 1 | % { 1 | % { $_ } } } } }",
        "1..90000 | sort { -$_ } | select -First 1",
        "$s = 'x' * 900000; $s.Replace('x', $s)",
        "'{0,999}' -f ('x' * 900000)",
        "$a = @(1); foreach ($i in 1..60) { $a = $a + $a }",
    ],
)
def test_what_would_take_for_ever_or_all_memory_ends_in_time(line: str) -> None:
    began = time.perf_counter()
    run(line)
    assert time.perf_counter() - began < 10


#: Ways out that a real PowerShell has, and ways that Python would have: none leads anywhere here.
WAYS_OUT = [
    "Get-Content /etc/passwd", "Get-Content C:\\Windows\\win.ini", "Get-Content ..\\..\\..\\etc\\passwd", "[System.IO.File]::ReadAllText('/etc/passwd')",
    "[System.IO.File]::WriteAllText('x', 'y')", "[System.Diagnostics.Process]::Start('sh')", "Start-Process sh", "Invoke-Expression 'ls'", "iex 'ls'",
    "& '/bin/sh'", "/bin/ls", "./x", "cmd /c dir", "Invoke-WebRequest http://example.com", "New-Object System.Net.WebClient", "Add-Type -TypeDefinition 'x'",
    "'x'.__class__", "'x'.GetType().Assembly.Location", "(1).__class__.__bases__", "$x = 'x'; $x.__init__", "@{}.__dict__", "(Get-Date).__class__",
    "[System.Environment]::GetEnvironmentVariables()", "Set-Content x y", "'x' | Out-File x", "Get-Process", "[System.Reflection.Assembly]::Load('x')",
    "'{0.__class__}' -f 'x'", "'{0.__init__.__globals__}' -f (Get-Date)", "$ExecutionContext.InvokeCommand", "Import-Module os", "gc env:PATH",
]  # fmt: skip


@pytest.mark.parametrize("line", WAYS_OUT)
def test_no_way_out(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SECRET_OF_THE_HOST", "told")
    output = run(line)
    assert "root:" not in output.text
    assert "told" not in output.text
    assert "<class" not in output.text
    assert "<built-in" not in output.text
    assert "0x7f" not in output.text
    assert list(tmp_path.iterdir()) == []
    assert output.failed or output.text.strip() == "" or "{0" in line, output.text


@pytest.mark.parametrize("name", ["PATH", "HOME", "USER", "SECRET_OF_THE_HOST"])
def test_variables_of_the_environment_are_not_there(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_THE_HOST", "told")
    assert text(f"$env:{name}") == ""
    assert text("$env:COMPUTERNAME") == "EX01\n"  # the control: those of the server are


def test_the_language_uses_none_of_pythons_doors() -> None:
    """No attribute of a value is ever looked up by a name that was typed, and nothing is compiled, opened or imported by one."""
    root = Path(__file__).resolve().parents[2] / "lab" / "shell"
    forbidden = {
        "eval",
        "exec",
        "compile",
        "open",
        "__import__",
        "setattr",
        "delattr",
        "globals",
        "locals",
        "vars",
        "import_module",
        "format_map",
    }
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in forbidden, path
                if node.func.id == "getattr":  # settings of connectors only, by names that the tables have
                    assert path.name == "settings.py", path


def test_ctrl_c_between_lines_leaves_a_session_that_goes_on() -> None:
    async def session() -> str:
        made = shell()
        task = asyncio.ensure_future(made.run("foreach ($i in 1..90000) { $i }"))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return (await made.run("'on'")).text

    assert asyncio.run(session()) == "on\n"


@pytest.mark.parametrize(
    ("source", "more"),
    [("1 +", True), ("Get-X |", True), ("Where-Object {", True), ("'abc", True), ("@{a=1", True), ("(1", True), ("1 `", True), ("@'\nx", True),
     ("1", False), ("", False), ("1 2", False), (")", False), ("Get-X -Name", False), ("'a'; }", False)],
)  # fmt: skip
def test_what_asks_for_more_lines(source: str, more: bool) -> None:
    assert unfinished(source) is more
