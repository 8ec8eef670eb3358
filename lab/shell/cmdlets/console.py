"""Cmdlets for the console: Format-List, Format-Table, Out-*, Write-*, Get-Date, Start-Sleep, Read-Host, variables."""

from __future__ import annotations

from datetime import timedelta

from lab.shell import layout
from lab.shell.binding import Cmdlet, Kind, Param
from lab.shell.call import Call
from lab.shell.cmdlets.objects import fields_of
from lab.shell.display import FORMATTED, default_text, formatted, list_pairs, properties_of, view_of
from lab.shell.failure import ShellError, Warn
from lab.shell.layout import Column
from lab.shell.patterns import formatted as format_number
from lab.shell.patterns import moment_format, wildcard
from lab.shell.values import Record, Table, Value, as_list, shown, text

_LONGEST_WAIT = timedelta(days=400)


async def format_list(call: Call) -> list[Value]:
    """`Format-List`."""
    wanted = as_list(call.get("Property"))
    entries = []
    for item in call.input:
        if isinstance(item, Record) and item.kind == FORMATTED:
            return list(call.input)
        if not wanted and isinstance(item, Record):
            entries.append(list_pairs(item))
        elif not wanted and not isinstance(item, Table):
            entries.append([])
        else:
            entries.append([(field.head, shown(await field.take(item))) for field in fields_of(call, wanted or ["*"], item)])
    plain = [item for item in call.input if not isinstance(item, Record | Table)]
    if plain and not wanted:
        return [formatted(default_text(call.input, call.state.width))]
    return [formatted(layout.format_list(entries, call.state.width))] if entries else []


async def format_table(call: Call) -> list[Value]:
    """`Format-Table`."""
    if not call.input or any(isinstance(item, Record) and item.kind == FORMATTED for item in call.input):
        return list(call.input)
    wanted = as_list(call.get("Property"))
    first = call.input[0]
    autosize, wrapping = call.on("AutoSize"), call.on("Wrap")
    if not wanted and not isinstance(first, Record):
        return [formatted(default_text(call.input, call.state.width))]
    view = view_of(first) if not wanted else None
    if view is not None:
        columns = [column for column, _ in view.columns]
        rows = [
            [shown(item.get(name)) if isinstance(item, Record) else text(item) for _, name in view.columns] for item in call.input
        ]
        autosize = autosize or view.autosize
    else:
        names: list[Value] = wanted or [*properties_of(first)[:10]]
        heads = fields_of(call, names, first)
        columns, rows = [], []
        for place, field in enumerate(heads):
            value = await field.take(first)
            options = names[place] if place < len(names) and isinstance(names[place], Table) else None
            columns.append(_column(field.head, value, options if isinstance(options, Table) else None))
        for item in call.input:
            rows.append([_cell(await field.take(item), names, place) for place, field in enumerate(heads)])
    headers = not call.on("HideTableHeaders")
    return [formatted(layout.format_table(columns, rows, call.state.width, autosize=autosize, wrapping=wrapping, headers=headers))]


def _column(head: str, value: Value, options: Table | None) -> Column:
    width, right = 0, isinstance(value, int | float) and not isinstance(value, bool)
    for key, option in options.items() if options is not None else ():
        if key.lower() in ("width", "w") and isinstance(option, int):
            width = max(option, 0)
        if key.lower() in ("alignment", "align", "a"):
            right = text(option).lower() == "right"
    return Column(head, width, right)


def _cell(value: Value, names: list[Value], place: int) -> str:
    options = names[place] if place < len(names) else None
    how = (
        next((inner for key, inner in options.items() if key.lower() in ("formatstring", "f")), None)
        if isinstance(options, Table)
        else None
    )
    return format_number(value, text(how)) if how is not None else shown(value)


async def out_null(_call: Call) -> list[Value]:
    """`Out-Null`."""
    return []


async def out_default(call: Call) -> list[Value]:
    """`Out-Host`, `Out-Default`: nothing more than what happens anyway."""
    return list(call.input)


async def out_string(call: Call) -> list[Value]:
    """`Out-String`."""
    width = call.get("Width") or call.state.width
    whole = default_text(call.input, min(max(width, 2), 10_000))
    return list(whole.split("\n")[:-1]) if call.on("Stream") else [whole]


async def write_host(call: Call) -> list[Value]:
    """`Write-Host`."""
    separator = call.text("Separator") or " "
    call.say(separator.join(text(one) for one in as_list(call.get("Object"))))
    return []


async def write_output(call: Call) -> list[Value]:
    """`Write-Output`."""
    return as_list(call.get("InputObject"))


async def write_warning(call: Call) -> list[Value]:
    """`Write-Warning`."""
    call.warn(call.text("Message") or "")
    return []


async def write_error(call: Call) -> list[Value]:
    """`Write-Error`."""
    message = call.text("Message") or ""
    identifier = "Microsoft.PowerShell.Commands.WriteErrorException"
    error = ShellError(message, category="NotSpecified", id=identifier, exception="WriteErrorException")
    error.named(call.state.source.strip().partition("\n")[0])  # 5.1 names the statement here
    call.fail(error)
    return []


async def get_date(call: Call) -> list[Value]:
    """`Get-Date`: the lab's moment, or a given one."""
    moment = call.get("Date") or call.world.now()
    how = call.text("Format")
    return [moment_format(moment, how) if how else moment]


async def start_sleep(call: Call) -> list[Value]:
    """`Start-Sleep`: the lab's clock goes on by that much at once, and everything that falls due in it happens."""
    seconds = call.get("Seconds")
    span = timedelta(milliseconds=call.get("Milliseconds") or 0) + timedelta(seconds=min(seconds or 0, 10**9))
    if span < timedelta(0) or span > _LONGEST_WAIT:
        message = f"Cannot validate argument on parameter 'Seconds'. The {text(seconds)} argument is not between 0 and {int(_LONGEST_WAIT.total_seconds())}."
        raise call.error(
            message, "ParameterBindingValidationException", category="InvalidData", id="ParameterArgumentValidationError"
        )
    await call.world.wait(span)
    return []


async def read_host(call: Call) -> list[Value]:
    """`Read-Host`."""
    if call.state.ask is None:
        message = "Windows PowerShell is in NonInteractive mode. Read and Prompt functionality is not available."
        raise call.error(message, "PSInvalidOperationException", category="InvalidOperation", id="InvalidOperation")
    prompt = call.text("Prompt")
    answer = await call.state.ask(f"{prompt}: " if prompt else "")
    return [
        Record("System.Security.SecureString", {"Length": len(answer)}, "System.Security.SecureString")
        if call.on("AsSecureString")
        else answer
    ]


async def secure_string(call: Call) -> list[Value]:
    """`ConvertTo-SecureString`: passwords of certificate files, which nothing in the lab checks."""
    return [Record("System.Security.SecureString", {"Length": len(call.text("String") or "")}, "System.Security.SecureString")]


async def get_variable(call: Call) -> list[Value]:
    """`Get-Variable`."""
    wanted = call.strings("Name") or ["*"]
    rows: list[Value] = []
    for name, value in sorted(call.state.variables.items()):
        if any(wildcard(pattern, name) for pattern in wanted):
            rows.append(
                value if call.on("ValueOnly") else Record("System.Management.Automation.PSVariable", {"Name": name, "Value": value})
            )
    return rows


async def clear_host(call: Call) -> list[Value]:
    """`Clear-Host`."""
    call.state.emit(Warn("\x1b[2J\x1b[H", ""))
    return []


async def leave(call: Call) -> list[Value]:
    """`exit`."""
    call.state.leaving, call.state.code = True, call.get("Code")
    return []


async def new_timespan(call: Call) -> list[Value]:
    """`New-TimeSpan`."""
    start, end = call.get("Start"), call.get("End")
    if start is not None or end is not None:
        now = call.world.now()
        return [(end or now) - (start or now)]
    amounts = {word.lower(): call.get(word) or 0 for word in ("Days", "Hours", "Minutes", "Seconds")}
    try:
        return [timedelta(**amounts)]
    except OverflowError:
        raise call.error(
            "TimeSpan overflowed because the duration is too long.", "OverflowException", id="OverflowException"
        ) from None


_SHAPE = (Param("Property", Kind.ANYS, position=0, values="properties"),)
_TEXT = Param("Message", position=0, mandatory=True, pipeline=True)
CMDLETS = (
    Cmdlet("Format-List", format_list, _SHAPE, "Shows objects as a list of properties.", aliases=("fl",)),
    Cmdlet("Format-Table", format_table, (
        *_SHAPE, Param("AutoSize", Kind.SWITCH), Param("Wrap", Kind.SWITCH), Param("HideTableHeaders", Kind.SWITCH),
    ), "Shows objects as a table.", aliases=("ft",)),
    Cmdlet("Out-Null", out_null, (), "Throws output away."),
    Cmdlet("Out-Default", out_default, (), "Shows output."),
    Cmdlet("Out-Host", out_default, (), "Shows output.", aliases=("oh",)),
    Cmdlet("Out-String", out_string, (Param("Width", Kind.INT), Param("Stream", Kind.SWITCH)), "Makes text of what would be shown."),
    Cmdlet("Write-Host", write_host, (
        Param("Object", Kind.ANYS, position=0, pipeline=True, rest=True), Param("ForegroundColor"), Param("BackgroundColor"), Param("Separator"),
    ), "Writes to the console.", each=True),
    Cmdlet("Write-Output", write_output, (Param("InputObject", Kind.ANYS, position=0, pipeline=True, rest=True),), "Writes to the pipeline.", each=True,
           aliases=("echo", "write")),
    Cmdlet("Write-Warning", write_warning, (_TEXT,), "Writes a warning.", each=True),
    Cmdlet("Write-Error", write_error, (_TEXT,), "Writes an error.", each=True),
    Cmdlet("Get-Date", get_date, (Param("Date", Kind.MOMENT, position=0), Param("Format")), "Tells the lab's time (UTC)."),
    Cmdlet("Start-Sleep", start_sleep, (
        Param("Seconds", Kind.INT, position=0, pipeline=True), Param("Milliseconds", Kind.INT, aliases=("m",)),
    ), "Lets the lab's time pass.", "The lab's clock is moved, so that the console does not wait.", each=True, aliases=("sleep",)),
    Cmdlet("Read-Host", read_host, (Param("Prompt", position=0), Param("AsSecureString", Kind.SWITCH)), "Asks for a line."),
    Cmdlet("ConvertTo-SecureString", secure_string, (
        Param("String", position=0, pipeline=True), Param("AsPlainText", Kind.SWITCH), Param("Force", Kind.SWITCH),
    ), "Makes a secure string.", each=True),
    Cmdlet("Get-Variable", get_variable, (Param("Name", Kind.STRINGS, position=0), Param("ValueOnly", Kind.SWITCH)), "Shows variables.", aliases=("gv",)),
    Cmdlet("New-TimeSpan", new_timespan, (
        Param("Start", Kind.MOMENT, position=0), Param("End", Kind.MOMENT, position=1), Param("Days", Kind.INT), Param("Hours", Kind.INT),
        Param("Minutes", Kind.INT), Param("Seconds", Kind.INT),
    ), "Makes a time span."),
    Cmdlet("Clear-Host", clear_host, (), "Clears the console.", aliases=("cls", "clear")),
    Cmdlet("exit", leave, (Param("Code", Kind.INT, position=0),), "Ends the session.", aliases=("quit",)),
)  # fmt: skip
