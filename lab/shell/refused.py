"""Cmdlets that people know, and that this shell must not have: what they would touch lies outside the lab.

That one is not recognised would be no lie, but no help either.
"""

from __future__ import annotations

_FILES = "nothing in it writes files; ConvertTo-Csv, ConvertTo-Json and Out-String show the same text here"
_PROGRAMS = "nothing in it starts programs or other services of a machine"
_NETWORK = "nothing in it reaches a network but the lab's"
_CODE = "it takes no code of .NET and none that is made of text"

#: Name in lower case -> why it is not here.
REFUSED = {
    **dict.fromkeys(("export-csv", "epcsv", "out-file", "set-content", "sc", "add-content", "ac", "export-clixml", "new-item", "ni", "remove-item",
                     "ri", "rm", "del", "copy-item", "cp", "copy", "move-item", "mv", "move", "start-transcript", "out-printer", "set-clipboard",
                     "clip", "export-exchangecertificate"), _FILES),
    **dict.fromkeys(("start-process", "saps", "start", "stop-process", "kill", "spps", "get-process", "gps", "ps", "invoke-item", "ii",
                     "start-job", "sajb", "restart-computer", "stop-computer", "cmd", "cmd.exe", "powershell", "powershell.exe", "notepad",
                     "notepad.exe", "iisreset", "net", "nslookup", "ping", "telnet", "openssl"), _PROGRAMS),
    **dict.fromkeys(("invoke-webrequest", "iwr", "curl", "wget", "invoke-restmethod", "irm", "enter-pssession", "etsn", "new-pssession", "nsn",
                     "invoke-command", "icm", "test-netconnection", "tnc", "test-connection", "resolve-dnsname"), _NETWORK),
    **dict.fromkeys(("invoke-expression", "iex", "add-type", "new-object", "import-module", "ipmo", "add-pssnapin", "asnp"), _CODE),
}  # fmt: skip


def refusal(name: str) -> str | None:
    """Return the sentence for a cmdlet that is known and not here, None for any other name."""
    why = REFUSED.get(name.lower())
    return f"'{name}' is not part of this lab's shell: {why}." if why else None
