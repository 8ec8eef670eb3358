"""JSON and CSV as Windows PowerShell 5.1 writes them, and what is refused with a reason."""

from __future__ import annotations

import json

import pytest

from lab.shell.refused import REFUSED
from tests.shell.workbench import bench

NESTED = """\
{
    "a":  1,
    "b":  {
              "c":  2,
              "d":  [

                    ]
          }
}
"""
CASES = [
    ("@{a=1;b=@{c=2;d=@()}} | ConvertTo-Json", NESTED),
    ("1,'a' | ConvertTo-Json", '[\n    1,\n    "a"\n]\n'),
    ("'a' | ConvertTo-Json", '"a"\n'),
    ("ConvertTo-Json $null", "null\n"), ("@() | ConvertTo-Json", ""),
    ('''1,"<b>'x'&",$null,$true,2.5 | ConvertTo-Json -Compress''', '[1,"\\u003cb\\u003e\\u0027x\\u0027\\u0026",null,true,2.5]\n'),
    ("@{a=@{b=@{c=@{d=1}}}} | ConvertTo-Json -Compress", '{"a":{"b":{"c":"System.Collections.Hashtable"}}}\n'),
    ("@{a=@{b=@{c=@{d=1}}}} | ConvertTo-Json -Compress -Depth 4", '{"a":{"b":{"c":{"d":1}}}}\n'),
    ("[datetime]'2026-05-01T12:00:00Z' | ConvertTo-Json", '"\\/Date(1777636800000)\\/"\n'),
    ("""(ConvertFrom-Json '{"a":[1,{"b":2}]}').a[1].b""", "2\n"),
    ("""'[1,' , '2]' | ConvertFrom-Json""", "1\n2\n"),
    ("""'{"a":"x","n":null}' | ConvertFrom-Json | ConvertTo-Csv -NoTypeInformation""", '"a","n"\n"x",\n'),
    ("""'{"a":"say \\"x\\", y"}' | ConvertFrom-Json | ConvertTo-Csv -nti""", '"a"\n"say ""x"", y"\n'),
    ("Get-Queue | select Identity | ConvertTo-Csv",
     '#TYPE Selected.Microsoft.Exchange.Data.QueueViewer.ExtensibleQueueInfo\n"Identity"\n"EX01\\Submission"\n'),
    ("Get-Queue | select Identity,Status | ConvertTo-Csv -Delimiter ';' -NoTypeInformation",
     '"Identity";"Status"\n"EX01\\Submission";"Ready"\n'),
    ("$x = 1..3 | Tee-Object -Variable y; $x.Count; $y[2]", "3\n3\n"),
    ("'b','a','b' | group -NoElement", "\nCount Name\n----- ----\n    2 b\n    1 a\n\n\n"),
]  # fmt: skip


async def test_each_value() -> None:
    async with bench() as shell:
        for line, wanted in CASES:
            shown = await shell(line)
            assert "\n".join(row.rstrip() for row in shown.split("\n")) == wanted, line


async def test_what_comes_out_is_json_and_comes_back() -> None:
    async with bench() as shell:
        text = await shell("Get-ReceiveConnector | ConvertTo-Json -Depth 3")
        data = json.loads(text)
        assert data["Name"] == "Default Frontend EX01"
        assert data["Bindings"] == ["[::]:25", "0.0.0.0:25"]
        assert await shell("$j = Get-ReceiveConnector | ConvertTo-Json; ($j | ConvertFrom-Json).Fqdn") == "EX01.contoso.test\n"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("ConvertFrom-Json '{x'", "ConvertFrom-Json : Invalid JSON primitive: {x."),
        ("1 | ConvertTo-Json -Depth 101", "The maximum depth allowed for serialization is 100."),
        ("1 | ConvertTo-Json -Depth 0", "The maximum depth"),
        ("1 | Tee-Object c:\\\\x.txt", "writes no files"),
        ("Get-Queue | Export-Csv c:\\\\q.csv", "'Export-Csv' is not part of this lab's shell: nothing in it writes files;"),
        ("iwr http://example.test", "'iwr' is not part of this lab's shell: nothing in it reaches a network but the lab's."),
    ],
)
async def test_what_is_refused(line: str, words: str) -> None:
    async with bench(width=200) as shell:
        output = await shell.output(line)
        assert output.failed
        assert words in output.text


async def test_no_refusal_hides_a_cmdlet() -> None:
    async with bench(online=True) as shell:
        from lab.shell.cmdlets import registry

        known = {name.lower() for cmdlet in registry.CMDLETS for name in (cmdlet.name, *cmdlet.aliases)}
        assert not known & set(REFUSED)
        for name in REFUSED:
            output = await shell.output(f"{name} x")
            assert output.failed
            assert "is not part of this lab's shell" in " ".join(output.text.split()), name
