"""Sessions and help: Connect-ExchangeOnline, Connect-Appliance, Get-Help, Get-Command, Get-Alias."""

from __future__ import annotations

from lab.shell.appliance_line import Console
from lab.shell.binding import RISK, Cmdlet, Kind, Param
from lab.shell.call import Call
from lab.shell.failure import ShellError
from lab.shell.layout import wrap
from lab.shell.patterns import is_wildcard, wildcard
from lab.shell.values import Record, Value

#: As captured in October 2020 (a session published by an administrator); later versions of the module print another.
_BANNER = """
----------------------------------------------------------------------------
The module allows access to all existing remote PowerShell (V1) cmdlets in addition to the 9 new, faster, and more reliable cmdlets.

|--------------------------------------------------------------------------|
|    Old Cmdlets                    |    New/Reliable/Faster Cmdlets       |
|--------------------------------------------------------------------------|
|    Get-CASMailbox                 |    Get-EXOCASMailbox                 |
|    Get-Mailbox                    |    Get-EXOMailbox                    |
|    Get-MailboxFolderPermission    |    Get-EXOMailboxFolderPermission    |
|    Get-MailboxFolderStatistics    |    Get-EXOMailboxFolderStatistics    |
|    Get-MailboxPermission          |    Get-EXOMailboxPermission          |
|    Get-MailboxStatistics          |    Get-EXOMailboxStatistics          |
|    Get-MobileDeviceStatistics     |    Get-EXOMobileDeviceStatistics     |
|    Get-Recipient                  |    Get-EXORecipient                  |
|    Get-RecipientPermission        |    Get-EXORecipientPermission        |
|--------------------------------------------------------------------------|

To get additional information, run: Get-Help Connect-ExchangeOnline or check https://aka.ms/exops-docs

Send your product improvement suggestions and feedback to exocmdletpreview@service.microsoft.com. For issues related to the module, contact Microsoft support. Don't use the feedback alias for problems or support issues.
----------------------------------------------------------------------------
"""


async def connect_online(call: Call) -> list[Value]:
    """`Connect-ExchangeOnline`: the cmdlets of Exchange Online are there from now on; nobody signs in to anything."""
    if call.get("ShowBanner") is not False:
        call.say(_BANNER)
    if "online" in call.state.sides:
        call.state.sides.remove("online")
    call.state.sides.append("online")
    return []


async def disconnect_online(call: Call) -> list[Value]:
    """`Disconnect-ExchangeOnline`."""
    question = (
        "Are you sure you want to perform this action?\nRunning this cmdlet clears all active sessions created using Connect-ExchangeOnline or "
        "Connect-IPPSSession.\nPress(Y/y/A/a) if you want to continue."
    )
    if "online" in call.state.sides and await call.may("", question=question, ask=True):
        call.state.sides.remove("online")
        call.say("Disconnected successfully !")
    return []


async def connect_appliance(call: Call) -> list[Value]:
    """`Connect-Appliance`: the appliance's own command line until `exit`; with -Command some of its commands, and back."""
    console = Console(call.world)
    commands = call.strings("Command")
    if not commands:
        call.state.appliance = console
        call.say(console.greeting)
        return []
    for command in commands:
        text, failed = await console.run(command)
        call.say(text.rstrip("\n"))
        if failed:
            call.state.ok = False
            call.state.failed = True
    return []


# --- help -----------------------------------------------------------------------------------------------------------------


_TITLES = {"onprem": "EXCHANGE", "online": "EXCHANGE ONLINE (AFTER Connect-ExchangeOnline)"}


async def get_help(call: Call) -> list[Value]:
    """`Get-Help`."""
    from lab.shell.cmdlets import registry

    name = call.text("Name")
    if name is None:
        return [_overview(call)]
    found = registry.find(name, [*call.state.sides, "onprem", "online"])
    if found is not None:
        return [_page(call, found)]
    near = [one for one in registry.everything() if wildcard(name if is_wildcard(name) else f"*{name}*", one.name)]
    if not near:
        message = (
            f'Get-Help could not find {name} in a help file in this session. To download updated help topics type: "Update-Help". To get help '
            "online, search for the help topic in the TechNet library at https://go.microsoft.com/fwlink/?LinkID=107116."
        )
        raise ShellError(
            message,
            category="ResourceUnavailable",
            id="HelpNotFound,Microsoft.PowerShell.Commands.GetHelpCommand",
            exception="HelpNotFoundException",
        ).named("Get-Help")
    return [Record("HelpInfoShort", {"Name": one.name, "Category": "Cmdlet", "Synopsis": one.synopsis}) for one in near]


def _overview(call: Call) -> Value:
    from lab.shell.cmdlets import registry

    lines = ["", "TOPIC", "    The management shell of this lab", ""]
    groups: dict[str, list[str]] = {}
    for one in registry.everything():
        title = _TITLES.get(one.side) or (
            "THE LANGUAGE" if one in registry.LANGUAGE else "THE SERVER, ITS FILES, AND MAIL TO TRY IT WITH"
        )
        groups.setdefault(title, []).append(one.name)
    for title in (*_TITLES.values(), "THE SERVER, ITS FILES, AND MAIL TO TRY IT WITH", "THE LANGUAGE"):
        lines += [title, *("    " + line.rstrip() for line in wrap(", ".join(groups[title]), max(call.state.width - 5, 20))), ""]
    lines += ["REMARKS", "    Get-Help NAME tells what a cmdlet takes, and which of its words no source attests.", ""]
    return "\n".join(lines)


def _page(call: Call, cmdlet: Cmdlet) -> Value:
    room = max(call.state.width - 5, 20)
    syntax = [cmdlet.name]
    for param in (*cmdlet.parameters, *(RISK if cmdlet.risk else ())):
        kind = "" if param.kind is Kind.SWITCH else f" <{param.kind.value.rpartition('.')[2]}>"
        name = f"[-{param.name}]" if param.position is not None else f"-{param.name}"
        syntax.append(f"{name}{kind}" if param.mandatory else f"[{name}{kind}]")
    syntax.append("[<CommonParameters>]")
    sections = [("NAME", cmdlet.name), ("SYNOPSIS", cmdlet.synopsis or cmdlet.name), ("SYNTAX", " ".join(syntax))]
    choices = [f"-{param.name}: {', '.join(param.choices)}" for param in cmdlet.parameters if param.choices]
    sections += [("VALUES", "\n".join(choices))] if choices else []
    sections += [("ALIASES", ", ".join(cmdlet.aliases))] if cmdlet.aliases else []
    sections += [("NOTES", cmdlet.notes)] if cmdlet.notes else []
    lines = [""]
    for head, body in sections:
        lines += [head, *("    " + line.rstrip() for line in wrap(body, room)), ""]
    return "\n".join(lines)


async def get_command(call: Call) -> list[Value]:
    """`Get-Command`."""
    from lab.shell.cmdlets import registry

    wanted, nouns, verbs = call.strings("Name"), call.strings("Noun"), call.strings("Verb")
    out: list[Value] = []
    for cmdlet in registry.available(call.state.sides):
        verb, _, noun = cmdlet.name.partition("-")
        kept = (
            (not wanted or any(wildcard(one, cmdlet.name) for one in wanted)) and (not nouns or any(wildcard(one, noun) for one in nouns))
            and (not verbs or any(wildcard(one, verb) for one in verbs))
        )  # fmt: skip
        if kept and noun:
            kind = "Function" if cmdlet.side else "Cmdlet"
            source = {"onprem": call.world.session("onprem")[1], "online": "tmpEXO"}.get(cmdlet.side, "Microsoft.PowerShell")
            version = "1.0" if cmdlet.side else "3.1.0.0"
            out.append(
                Record(
                    "AliasOrCmdletInfo",
                    {"CommandType": kind, "Name": cmdlet.name, "Version": version, "Source": source},
                    cmdlet.name,
                )
            )
    for name in wanted:
        if not is_wildcard(name) and registry.find(name, call.state.sides) is None:
            call.fail(_unknown(name))
    return out


def _unknown(name: str) -> ShellError:
    message = (
        f"The term '{name}' is not recognized as the name of a cmdlet, function, script file, or operable program. Check the spelling of the name, "
        "or if a path was included, verify that the path is correct and try again."
    )
    identifier = "CommandNotFoundException,Microsoft.PowerShell.Commands.GetCommandCommand"
    return ShellError(
        message, category="ObjectNotFound", id=identifier, exception="CommandNotFoundException", target=name, kind="String"
    )


async def get_alias(call: Call) -> list[Value]:
    """`Get-Alias`."""
    from lab.shell.cmdlets import registry

    wanted = call.strings("Name") or ["*"]
    rows = [(alias, name) for alias, name in sorted(registry.ALIASES.items()) if any(wildcard(one, alias) for one in wanted)]
    return [
        Record("AliasOrCmdletInfo", {"CommandType": "Alias", "Name": f"{alias} -> {name}", "Version": None, "Source": None}, alias)
        for alias, name in rows
    ]


CMDLETS = (
    Cmdlet("Connect-ExchangeOnline", connect_online, (
        Param("UserPrincipalName", position=0), Param("ShowBanner", Kind.BOOL), Param("ShowProgress", Kind.BOOL), Param("Organization"), Param("Device", Kind.SWITCH),
    ), "Connects to Exchange Online: its cmdlets are there from then on.", "Nobody signs in. The banner is one of 2020."),
    Cmdlet("Disconnect-ExchangeOnline", disconnect_online, (), "Ends the session with Exchange Online.", risk=True, asks=True),
    Cmdlet("Connect-Appliance", connect_appliance, (Param("Command", Kind.STRINGS, position=0),), "Opens the command line of the appliance before Exchange.",
           "The appliance is the lab's own; so are its commands. `help` lists them, `exit` leads back."),
    Cmdlet("Get-Help", get_help, (Param("Name", position=0, values="cmdlets"), Param("Full", Kind.SWITCH), Param("Detailed", Kind.SWITCH), Param("Examples", Kind.SWITCH)),
           "Tells what a cmdlet does.", aliases=("help", "man")),
    Cmdlet("Get-Command", get_command, (Param("Name", Kind.STRINGS, position=0), Param("Noun", Kind.STRINGS), Param("Verb", Kind.STRINGS)),
           "Lists cmdlets.", aliases=("gcm",)),
    Cmdlet("Get-Alias", get_alias, (Param("Name", Kind.STRINGS, position=0),), "Lists aliases.", aliases=("gal",)),
)  # fmt: skip
