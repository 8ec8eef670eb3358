"""Files as the shell shows them: Exchange's logs where they really lie, and the lab's certificates. No file of the host system.

Get-Content, Get-ChildItem, Test-Path, Select-String.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from lab.shell import patterns
from lab.shell.binding import Cmdlet, Kind, Param
from lab.shell.call import Call
from lab.shell.failure import ShellError
from lab.shell.patterns import is_wildcard, wildcard
from lab.shell.values import Record, Value, as_list, text
from lab.shell.world import World

_LOGS = "C:\\Program Files\\Microsoft\\Exchange Server\\V15\\TransportRoles\\Logs"
CERTIFICATES = "C:\\Certificates"
#: What a certificate's file begins with for those who only pass it on.
_MARK = re.compile(r"\A# smtplab certificate: ([A-Za-z0-9-]{1,80})\n")


def paths(world: World) -> dict[str, Callable[[], str]]:
    """Return every file by its path, with what reads it. Log names carry the day and, since 2013, the hour (facts/exchange 5.1)."""
    now = world.now()
    found: dict[str, Callable[[], str]] = {
        f"{_LOGS}\\FrontEnd\\ProtocolLog\\SmtpReceive\\RECV{now:%Y%m%d}00-1.LOG": lambda: world.log("receive"),
        f"{_LOGS}\\Hub\\ProtocolLog\\SmtpSend\\SEND{now:%Y%m%d}00-1.LOG": lambda: world.log("send"),
        f"{_LOGS}\\MessageTracking\\MSGTRK{now:%Y%m%d}00-1.LOG": lambda: world.log("tracking"),
    }
    for name in world.mint_names():
        found[f"{CERTIFICATES}\\{name}.pfx"] = lambda name=name: f"# smtplab certificate: {name}\n"  # type: ignore[misc]
    return found


def mint_name(content: str) -> str | None:
    """Return which of the lab's certificates a file's content stands for, None for another."""
    match = _MARK.match(content)
    return match.group(1) if match else None


def _normal(path: str) -> str:
    r"""Return a path from C:\, in lower case, without `.` and a double backslash."""
    plain = path.replace("/", "\\").strip().lower()
    plain = re.sub(r"^microsoft\.powershell\.core\\filesystem::", "", plain)
    if not re.match(r"^[a-z]:", plain):
        plain = "c:\\" + plain.lstrip("\\")
    parts: list[str] = []
    for part in plain.split("\\"):
        if part == "..":
            parts = parts[:-1] if len(parts) > 1 else parts
        elif part not in ("", "."):
            parts.append(part)
    return "\\".join(parts)


def matching(world: World, path: str) -> list[str]:
    """Return the files that a path or wildcard means."""
    wanted = _normal(path)
    return [
        known for known in paths(world) if (wildcard(wanted, known.lower()) if is_wildcard(wanted) else known.lower() == wanted)
    ]


def missing(path: str, command: str = "Get-Content") -> ShellError:
    """Return PowerShell's error for a path that is not there."""
    shown = path if re.match(r"^[A-Za-z]:", path) else "C:\\" + path.lstrip("\\")
    name = command.replace("-", "")
    return ShellError(
        f"Cannot find path '{shown}' because it does not exist.", category="ObjectNotFound", target=shown, kind="String",
        id=f"PathNotFound,Microsoft.PowerShell.Commands.{name}Command", exception="ItemNotFoundException",
    )  # fmt: skip


def read(world: World, path: str) -> str:
    """Return a file's text. Raises ShellError where there is no such file."""
    found = matching(world, path)
    if len(found) != 1:
        raise missing(path)
    return paths(world)[found[0]]()


async def content(call: Call) -> list[Value]:
    """`Get-Content`: lines; bytes with -Encoding Byte, one text with -Raw."""
    out: list[Value] = []
    known = paths(call.world)
    for path in call.strings("Path") or call.strings("LiteralPath"):
        found = matching(call.world, path)
        if not found and not is_wildcard(path):
            call.fail(missing(path))
        for name in found:
            whole = known[name]()
            if (call.text("Encoding") or "").lower() == "byte":
                out.append(whole.encode("utf-8"))
                continue
            if call.on("Raw"):
                out.append(whole)
                continue
            lines: list[Value] = list(whole.splitlines())
            head, tail = call.get("TotalCount"), call.get("Tail")
            lines = lines[: max(head, 0)] if head is not None else lines
            out += lines[-tail:] if tail else [] if tail == 0 else lines
    return out


async def children(call: Call) -> list[Value]:
    """`Get-ChildItem`."""
    known = paths(call.world)
    out: list[Value] = []
    for path in call.strings("Path") or ["C:\\"]:
        wanted = _normal(path)
        folder = wanted.rstrip("\\") + "\\"
        names = matching(call.world, path) or [name for name in known if name.lower().startswith(folder)]
        if not names and not is_wildcard(path):
            call.fail(missing(path, "Get-ChildItem"))
        below = {name: _below(name, folder) for name in names}
        whole = call.on("Recurse") or is_wildcard(path) or names == matching(call.world, path)
        folders = dict.fromkeys(part.partition("\\")[0] for part in below.values() if "\\" in part) if not whole else {}
        filtered = call.text("Filter")
        out += [_item(call, part, folder + part, None) for part in folders]
        for name, part in below.items():
            if (whole or "\\" not in part) and (filtered is None or wildcard(filtered, name.rpartition("\\")[2])):
                out.append(_item(call, name.rpartition("\\")[2], name, len(known[name]())))
    return [one.get("Name") if isinstance(one, Record) else one for one in out] if call.on("Name") else out


def _below(name: str, folder: str) -> str:
    return name[len(folder) :] if name.lower().startswith(folder) else name.rpartition("\\")[2]


def _item(call: Call, name: str, path: str, length: int | None) -> Record:
    full = next((known[: len(path)] for known in paths(call.world) if known.lower().startswith(path.lower())), path)
    name = full.rpartition("\\")[2] or name
    properties: dict[str, Value] = {
        "Mode": "d-----" if length is None else "-a----", "LastWriteTime": call.world.now(), "Length": length, "Name": name, "FullName": full,
    }  # fmt: skip
    return Record("System.IO.FileInfo", properties, full)


async def exists(call: Call) -> list[Value]:
    """`Test-Path`."""
    known = [name.lower() for name in paths(call.world)]
    out: list[Value] = []
    for path in call.strings("Path"):
        folder = _normal(path).rstrip("\\") + "\\"
        out.append(bool(matching(call.world, path)) or any(name.startswith(folder) for name in known))
    return out


async def select_string(call: Call) -> list[Value]:
    """`Select-String`: over the pipeline, or over files with -Path."""
    wanted = call.strings("Pattern")
    exact, simple = call.on("CaseSensitive"), call.on("SimpleMatch")
    compiled = [patterns.expression(re.escape(one) if simple else one, exact_case=exact) for one in wanted]
    sources: list[tuple[str, list[str]]] = []
    known = paths(call.world)
    for path in call.strings("Path"):
        names = matching(call.world, path)
        if not names:
            call.fail(missing(path, "Select-String"))
        sources += [(name, known[name]().splitlines()) for name in names]
    if not call.strings("Path"):
        sources.append(("InputStream", [line for item in call.input for line in (text(item).splitlines() or [""])]))
    out: list[Value] = []
    for source, lines in sources:
        out += _hits(call, source, lines, compiled)
    return [bool(out)] if call.on("Quiet") else out


def _hits(call: Call, source: str, lines: Sequence[str], compiled: Sequence[object]) -> list[Value]:
    context = [int(one) for one in as_list(call.get("Context")) if isinstance(one, int)]
    before, behind = (context[0], context[-1]) if context else (0, 0)
    out: list[Value] = []
    for number, line in enumerate(lines, 1):
        call.state.spend()
        hit = any(patterns.search(one, line) is not None for one in compiled)
        if hit == call.on("NotMatch"):
            continue
        head = "" if source == "InputStream" else f"{source.rpartition(chr(92))[2]}:{number}:"
        shown = head + line
        if context:
            around = [f"  {head}{one}" for one in lines[max(number - 1 - before, 0) : number - 1]]
            shown = "\n".join([*around, f"> {shown}", *(f"  {head}{one}" for one in lines[number : number + behind])])
        properties: dict[str, Value] = {
            "IgnoreCase": not call.on("CaseSensitive"), "LineNumber": number, "Line": line, "Filename": source.rpartition("\\")[2], "Path": source,
            "Pattern": call.strings("Pattern")[0] if call.strings("Pattern") else "",
        }  # fmt: skip
        out.append(Record("Microsoft.PowerShell.Commands.MatchInfo", properties, shown))
        if call.on("List"):
            break
    return out


_PATH = Param("Path", Kind.STRINGS, position=0, pipeline=True, by_name=("Path", "FullName", "PSPath"), values="files")
CMDLETS = (
    Cmdlet("Get-Content", content, (
        _PATH, Param("LiteralPath", Kind.STRINGS), Param("TotalCount", Kind.INT, aliases=("First", "Head")), Param("Tail", Kind.INT, aliases=("Last",)),
        Param("Encoding"), Param("ReadCount", Kind.INT), Param("Raw", Kind.SWITCH), Param("Wait", Kind.SWITCH),
    ), "Shows a file's lines.", "There are Exchange's logs below its installation folder, and C:\\Certificates; no file of your own system.",
        each=True, aliases=("gc", "cat", "type")),
    Cmdlet("Get-ChildItem", children, (_PATH, Param("Filter", position=1), Param("Recurse", Kind.SWITCH, aliases=("s",)), Param("Name", Kind.SWITCH), Param("File", Kind.SWITCH)),
           "Lists files.", aliases=("dir", "ls", "gci")),
    Cmdlet("Test-Path", exists, (_PATH,), "Tells whether a file or folder is there.", each=True),
    Cmdlet("Select-String", select_string, (
        Param("Pattern", Kind.STRINGS, position=0, mandatory=True), Param("Path", Kind.STRINGS, position=1, values="files"), Param("SimpleMatch", Kind.SWITCH),
        Param("CaseSensitive", Kind.SWITCH), Param("NotMatch", Kind.SWITCH), Param("Context", Kind.ANYS), Param("Quiet", Kind.SWITCH),
        Param("List", Kind.SWITCH), Param("AllMatches", Kind.SWITCH),
    ), "Finds text in lines and files.", aliases=("sls",)),
)  # fmt: skip
