"""The language, value by value. What Windows PowerShell 5.1 gives is documented in the about_ topics that each group names."""

from __future__ import annotations

import pytest

from tests.shell.emptiness import run, text

#: Line -> what it prints, without the last line end.
VALUES = {
    "about_Arithmetic_Operators": [
        ("1 + 2 * 3", "7"), ("(1 + 2) * 3", "9"), ("7 / 2", "3.5"), ("6 / 2", "3"), ("7 % 4", "3"), ("-7 % 4", "-3"), ("2 - 5", "-3"),
        ('"file" + 16', "file16"), ('1 + "2"', "3"), ('"A" * 3', "AAA"), ("(1,2) + 3", "1\n2\n3"), ("1KB", "1024"), ("36MB", "37748736"),
        ("0x1F", "31"), ("1e3", "1000"), ("0.1 + 0.2", "0.3"), ("10 / 3", "3.33333333333333"), ("9223372036854775807 + 1", "9.22337203685478E+18"),
        ("-(3)", "-3"), ("+5", "5"), ("$null + 1", "1"), ("'1' + 1", "11"), ("[int]'5' + 1", "6"), ("[int]2.5", "2"), ("[int]3.5", "4"),
    ],
    "about_Comparison_Operators": [
        ("1 -eq 1", "True"), ("'abc' -eq 'ABC'", "True"), ("'abc' -ceq 'ABC'", "False"), ("1 -eq '1'", "True"), ("'1' -eq 1", "True"),
        ("'a' -ne 'b'", "True"), ("5 -gt 3", "True"), ("'b' -gt 'a'", "True"), ("'10' -gt 9", "False"), ("10 -gt '9'", "True"), ("1,2,3 -eq 2", "2"),
        ("1,2,3 -gt 1", "2\n3"), ("'PowerShell' -like '*shell'", "True"), ("'PowerShell' -like '*she?l'", "True"), ("'a[1]' -like 'a`[1`]'", "True"),
        ("'b' -like '[a-c]'", "True"), ("'PowerShell' -notlike 'x*'", "True"), ("'PowerShell' -match 'shell'", "True"),
        ("'PowerShell' -cmatch 'shell'", "False"), ("'Sunday','Monday','Tuesday' -match 'sun'", "Sunday"), ("'a' -notmatch 'b'", "True"),
        ("1,2,3 -contains 2", "True"), ("'abc','def' -contains 'ABC'", "True"), ("1,2 -notcontains 3", "True"), ("2 -in 1,2", "True"), ("3 -notin 1,2", "True"),
        ("'book' -replace 'B', 'C'", "Cook"), ("'user@contoso.com' -replace '(.*)@(.*)', '$2 $1'", "contoso.com user"), ("$null -eq $null", "True"),
        ("$null -eq 0", "False"), ("0 -eq $null", "False"), ("$true -eq 'x'", "True"), ("'x' -is [string]", "True"), ("1 -isnot [string]", "True"),
        ("'12' -as [int]", "12"), ("'a' -as [int]", ""), ("'3/1/2026' -as [datetime] | % Month", "3"),
    ],
    "about_Logical_Operators": [
        ("$true -and $false", "False"), ("$true -or $false", "True"), ("-not $true", "False"), ("!$true", "False"), ("$true -xor $true", "False"),
        ("1 -eq 1 -and 2 -eq 2", "True"), ("$false -and (1/0)", "False"), ("-not 1 -eq 0", "True"), ("!'x'", "False"), ("-not ''", "True"), ("-not @()", "True"),
    ],
    "about_Quoting_Rules": [
        ("'$x'", "$x"), ('$x = 5; "The value is $x."', "The value is 5."), ('$x = 5; "The value of $(2+$x)"', "The value of 7"), ("'don''t'", "don't"),
        ('"say ""hello"""', 'say "hello"'), ('"a`tb`n`$x"', "a\tb\n$x"), ('"$x.Name"', ".Name"), ("@'\n$a\n\"b\"\n'@", '$a\n"b"'), ('$x = 1; @"\nv=$x\n"@', "v=1"),
        ('$c = [pscustomobject]@{Issuer="CN=A"; Subject="CN=B"}; "<I>$($c.Issuer)<S>$($c.Subject)"', "<I>CN=A<S>CN=B"), ('"${x}y"', "y"),
        ("\u201csmart\u201d", "smart"), ("\u2018smart\u2019", "smart"), ('"a $ b"', "a $ b"), ('$x = 1,2,3; "$x"', "1 2 3"), ('"$(Get-Date)"', "11/25/2026 13:05:07"),
    ],
    "about_Arrays": [
        ("$a = 1,2,3; $a[0]", "1"), ("$a = 1,2,3; $a[-1]", "3"), ("$a = 1,2,3; $a[0,2]", "1\n3"), ("$a = 1..5; $a[1..3]", "2\n3\n4"), ("(1..3).Count", "3"),
        ("@().Count", "0"), ("@(1).Count", "1"), ("@('x' | ? { $false }).Count", "0"), ("$a = @(1); $a += 2; $a.Length", "2"), ("3..1", "3\n2\n1"), ("(1,2,3)[5]", ""),
        (",1 | % { $_ }", "1"), ("$a = 'a','b'; $a[1] = 'c'; $a -join ','", "a,c"), ("(5).Count", "1"), ("$null.Count", "0"), ("'abc'[1]", "b"),
    ],
    "about_Hash_Tables": [
        ("$h = @{a=1; B='x'}; $h.b", "x"), ("$h = @{a=1}; $h['A']", "1"), ("$h = @{}; $h.x = 2; $h.x", "2"), ("$h = @{a=1;b=2}; $h.Count", "2"),
        ("@{a=1}.ContainsKey('A')", "True"), ("$h = @{a=1}; $h.Add('b', 2); $h.Keys -join ','", "a,b"), ("(@{a=1} + @{b=2}).b", "2"), ("@{}.x", ""),
    ],
    "about_Split, about_Join": [
        ("'a,b,c' -split ','", "a\nb\nc"), ("-split ' one two '", "one\ntwo"), ("'a,b,c' -split ',', 2", "a\nb,c"), ("'a','b' -join '-'", "a-b"), ("-join ('a','b')", "ab"),
    ],
    "about_Operators (format)": [
        ("'{0} is {1:N2}' -f 'pi', 3.14159", "pi is 3.14"), ("'{0,5}|' -f 'x'", "    x|"), ("'{0,-5}|' -f 'x'", "x    |"), ("'{0:D3}' -f 7", "007"),
        ("'{0:X}' -f 255", "FF"), ("'{0:yyyy-MM-dd}' -f (Get-Date)", "2026-11-25"), ("'{{{0}}}' -f 1", "{1}"), ("'{0:P0}' -f 0.5", "50 %"),
    ],
    "methods of System.String and System.DateTime": [
        ("'abc'.ToUpper()", "ABC"), ("'abc'.Substring(1)", "bc"), ("'abc'.Substring(0, 2)", "ab"), ("'a.b.c'.Split('.')", "a\nb\nc"), ("' x '.Trim()", "x"),
        ("'abc'.Replace('b', 'x')", "axc"), ("'abc'.Contains('b')", "True"), ("'abc'.StartsWith('a')", "True"), ("'abc'.IndexOf('c')", "2"), ("'abc'.Length", "3"),
        ("'x'.PadLeft(3, '.')", "..x"), ("(Get-Date).AddDays(1).Day", "26"), ("(Get-Date).ToString('HH:mm')", "13:05"), ("(Get-Date).Year", "2026"),
        ("((Get-Date) - (Get-Date).AddHours(-2)).TotalMinutes", "120"), ("(1).GetType().Name", "Int32"), ("'x'.GetType().FullName", "System.String"),
        ("[math]::Round(2.567, 1)", "2.6"), ("[string]::IsNullOrEmpty('')", "True"), ("(1,2).ToUpper", ""),
    ],
    "about_If, about_Foreach": [
        ("if (1 -eq 2) { 'a' } elseif (2 -eq 2) { 'b' } else { 'c' }", "b"), ("foreach ($i in 1..3) { $i * 2 }", "2\n4\n6"), ("$x = if ($true) { 5 }; $x", "5"),
    ],
    "about_Pipelines and cmdlets over objects": [
        ("1..10 | Where-Object { $_ % 2 -eq 0 } | Select-Object -First 2", "2\n4"), ("1..5 | select -Last 2", "4\n5"), ("1..5 | select -Skip 3", "4\n5"),
        ("3,1,2 | sort", "1\n2\n3"), ("3,1,2 | Sort-Object -Descending", "3\n2\n1"), ("'b','A' | sort", "A\nb"), ("1,1,2 | select -Unique", "1\n2"),
        ("(1..4 | Measure-Object -Sum).Sum", "10"), ("(1..4 | measure -Average).Average", "2.5"), ("('a','b' | measure).Count", "2"), ("1..3 | % { $_ * 2 }", "2\n4\n6"),
        ("'a','b' | % ToUpper", "A\nB"), ("'abc','de' | ForEach-Object Length", "3\n2"), ("'x','yy' | ? Length -gt 1", "yy"), ("'ab' | ? { $_ -like 'a*' }", "ab"),
        ("(1..6 | group { $_ % 2 }).Name -join ','", "1,0"), ("1..3 | Out-Null", ""), ("'a','b' | select -Index 1", "b"), ("1,2 | % { $_ } | sort { -$_ }", "2\n1"),
        ("[pscustomobject]@{n=2},[pscustomobject]@{n=1} | sort n | select -Expand n", "1\n2"), ("$x = 1; $x", "1"), ("($y = 5)", "5"), ("'a'; 'b'", "a\nb"),
        ("$p = @{Seconds=60}; Start-Sleep @p; Get-Date -Format HH:mm", "13:06"), ("1 | % -Begin { 'b' } -Process { 'p' } -End { 'e' }", "b\np\ne"), ("# nothing", ""),
        ("1 <# in between #> + 1", "2"), ("1 +\n2", "3"), ("1, `\n2", "1\n2"), ("Write-Output a b", "a\nb"), ("'x' | Write-Output", "x"), ("$true; $?", "True\nTrue"),
    ],
}  # fmt: skip


@pytest.mark.parametrize(("line", "expected"), [row for rows in VALUES.values() for row in rows], ids=lambda value: str(value)[:60])
def test_values(line: str, expected: str) -> None:
    output = run(line)
    assert (output.text.rstrip("\n"), output.failed) == (expected, False)


def test_variables_last_from_line_to_line_and_sessions_do_not_share_them() -> None:
    assert text("$x = 3", "$X * 2") == "6\n"
    assert text("$x") == ""


def test_matches() -> None:
    assert (
        text("'mail.contoso.test' -match '^(?<host>\\w+)\\.(.+)$' | Out-Null; $Matches.host; $Matches[1]") == "mail\ncontoso.test\n"
    )


def test_the_question_mark_variable_tells_of_the_last_command() -> None:
    assert text("Get-Nothing", "$?") == "False\n"
    assert text("Get-Nothing", "1", "$?") == "True\n"
    assert text("Get-Nothing; $?").endswith("False\n")
    assert text("1/0; $?").endswith("False\n")


def test_streams_stand_in_the_order_in_which_they_were_written() -> None:
    assert text("1..2 | % { 'out'; Write-Host \"host $_\"; 'more' }") == "out\nhost 1\nmore\nout\nhost 2\nmore\n"
    assert text('foreach ($i in 1..2) { "out $i"; Write-Warning w }') == "out 1\nWARNING: w\nout 2\nWARNING: w\n"
    shown = text('1..2 | % { "out $_"; $_.Foo() }').splitlines()
    assert [line for line in shown if line.startswith(("out", "Method"))] == ["out 1", shown[1], "out 2", shown[1]]
    assert text("if ($true) { 'a'; Write-Host b; 'c' }") == "a\nb\nc\n"
    assert text("$x = 1..2 | % { 'out'; Write-Host h }; 'end'") == "h\nh\nend\n"  # what is kept is not shown


def test_what_goes_to_null() -> None:
    output = run("'a'; Get-Service nope 2>$null; 'b'")
    assert (output.text, output.failed) == ("a\nb\n", False)
    assert text("foreach ($i in 1..2) { $i; Get-Service nope 2>$null }") == "1\n2\n"
    assert text("Write-Warning w 3>$null; Write-Host h 6>$null; Get-Date > $null; 'on'") == "on\n"
    assert text("Get-Service nope *>$null; $?") == "False\n"
    assert "nope" in text("Get-Service nope 3>$null")


def test_out_variable_keeps_and_shows() -> None:
    assert text("1..2 | % { $_ } -OutVariable kept; $kept.Count") == "1\n2\n2\n"
