"""Errors: worded and placed as Windows PowerShell 5.1 does it, the text whole."""

from __future__ import annotations

import pytest

from lab.shell.failure import position
from tests.shell.emptiness import run, text

_NOT_FOUND = (
    "is not recognized as the name of a cmdlet, function, script file, or operable program. \nCheck the spelling of the name, or if a path was "
    "included, verify that the path is correct and try again."
)


def test_a_cmdlet_that_is_not_there() -> None:
    """As in countless posts: the blank before the wrapped line stays at the end of the line before it."""
    assert text("Get-Foo -Bar 1") == (
        f"Get-Foo : The term 'Get-Foo' {_NOT_FOUND}\n"
        "At line:1 char:1\n"
        "+ Get-Foo -Bar 1\n"
        "+ ~~~~~~~\n"
        "    + CategoryInfo          : ObjectNotFound: (Get-Foo:String) [], CommandNotFoundException\n"
        "    + FullyQualifiedErrorId : CommandNotFoundException\n"
        " \n"
    )


def test_an_alias_is_named_as_it_was_called_and_the_cmdlet_in_brackets() -> None:
    shown = text("1 | select -Firts 1")
    assert shown.startswith(
        "select : A parameter cannot be found that matches parameter name 'Firts'.\nAt line:1 char:12\n+ 1 | select -Firts 1\n"
    )
    assert (
        "+            ~~~~~~\n    + CategoryInfo          : InvalidArgument: (:) [Select-Object], ParameterBindingException\n"
        in shown
    )
    assert "    + FullyQualifiedErrorId : NamedParameterNotFound,Microsoft.PowerShell.Commands.SelectObjectCommand\n" in shown


#: Line -> the message's begin, and the id.
ERRORS = [
    ("1/0", "Attempted to divide by zero.", "RuntimeException"),
    ("'a'.Foo()", "Method invocation failed because [System.String] does not contain a method named 'Foo'.", "MethodNotFound"),
    ("$nothing.Foo()", "You cannot call a method on a null-valued expression.", "InvokeMethodOnNull"),
    ("$nothing[0]", "Cannot index into a null array.", "NullArray"),
    ("[int]'x'", 'Cannot convert value "x" to type "System.Int32". Error: "Input string was not in a correct format."', "InvalidCastFromStringToInteger"),
    ("1 + 'x'", 'Cannot convert value "x" to type "System.Int32".', "InvalidCastFromStringToInteger"),
    ("[datetime]'x'", 'Cannot convert value "x" to type "System.DateTime".', "InvalidCastParseTargetInvocation"),
    ("[Foo]1", "Unable to find type [Foo].", "TypeNotFound"),
    ("$true = 1", "Cannot overwrite variable true because it is read-only or constant.", "VariableNotWritable"),
    ("'a'.Length = 1", "The property 'Length' cannot be found on this object.", "PropertyNotFound"),
    ("Select-Object -First", "Select-Object : Missing an argument for parameter 'First'. Specify a parameter of type 'System.Int32'", "MissingArgument"),
    ("1 | select -First x", "select : Cannot bind parameter 'First'. Cannot convert value \"x\" to type \"System.Int32\".", "CannotConvertArgumentNoMessage"),
    ("Select-Object -E x", "Select-Object : Parameter cannot be processed because the parameter name 'E' is ambiguous.", "AmbiguousParameter"),
    ("Get-Date a b", "Get-Date : Cannot bind parameter 'Date'.", "CannotConvertArgumentNoMessage"),
    ("Out-Null x", "Out-Null : A positional parameter cannot be found that accepts argument 'x'.", "PositionalParameterNotFound"),
    ("1 | select -First 1 -First 2", "select : Cannot bind parameter because parameter 'First' is specified more than once.", "ParameterAlreadyBound"),
    ("Select-String", "Select-String : Cannot process command because of one or more missing mandatory parameters: Pattern.", "MissingMandatoryParameter"),
    ("'x' -match '('", 'parsing "(" - ', "System.ArgumentException"),
    ("'{9}' -f 1", "Error formatting a string: Index (zero based) must be greater than or equal to zero", "FormatError"),
    ("Write-Error mine", "Write-Error mine : mine", "Microsoft.PowerShell.Commands.WriteErrorException"),
    ("Get-Content C:\\nowhere.txt", "Get-Content : Cannot find path 'C:\\nowhere.txt' because it does not exist.", "PathNotFound"),
    ("Get-Help Nonsense", "Get-Help : Get-Help could not find Nonsense in a help file in this session.", "HelpNotFound"),
    ("Get-Service nope", "Get-Service : Cannot find any service with service name 'nope'.", "NoServiceFoundForGivenName"),
    ("1 | ft @{n='x'}", 'ft : The mandatory entry for key "expression" is missing.', "DictionaryKeyMandatoryEntry"),
    ("1 | ft @{zz=1}", "ft : The zz key is not valid.", "DictionaryKeyIllegal,Microsoft.PowerShell.Commands.FormatTableCommand"),
    ("Read-Host x", "Read-Host : Windows PowerShell is in NonInteractive mode.", "InvalidOperation"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "message", "identifier"), ERRORS, ids=lambda value: str(value)[:40])
def test_errors(line: str, message: str, identifier: str) -> None:
    output = run(line, width=1000)
    assert output.text.startswith(message), output.text
    assert f"\n    + FullyQualifiedErrorId : {identifier}" in output.text
    assert "\n    + CategoryInfo          : " in output.text
    assert "At line:1 char:" in output.text
    assert output.failed


#: Source -> what the parser says, where (column from 1), and the id.
PARSING = [
    ("1 +", "You must provide a value expression following the '+' operator.", 4, "ExpectedValueExpression"),
    ("'abc", "The string is missing the terminator: '.", 1, "TerminatorExpectedAtEndOfString"),
    ('"abc $(1', "Missing closing ')' in expression.", 7, "MissingEndParenthesisInExpression"),
    ("Get-X |", "An empty pipe element is not allowed.", 7, "EmptyPipeElement"),
    ("| Get-X", "An empty pipe element is not allowed.", 1, "EmptyPipeElement"),
    ("Where-Object { $_", "Missing closing '}' in statement block or type definition.", 14, "MissingEndCurlyBrace"),
    ("(1 + 2", "Missing closing ')' in expression.", 7, "MissingEndParenthesisInExpression"),
    ("()", "An expression was expected after '('.", 2, "ExpectedExpression"),
    ("1 2", "Unexpected token '2' in expression or statement.", 3, "UnexpectedToken"),
    ("1 | 2", "Expressions are only allowed as the first element of a pipeline.", 5, "ExpressionsMustBeFirstInPipeline"),
    ("@{a}", "Missing '=' operator after key in hash literal.", 4, "MissingEqualsInHashLiteral"),
    ("@{a=1", "The hash literal was incomplete.", 1, "IncompleteHashLiteral"),
    ("$x[]", "Array index expression is missing or not valid.", 3, "MissingArrayIndexExpression"),
    ("$x.", "Missing property name after reference operator.", 3, "MissingPropertyName"),
    ("Get-X a,", "Missing argument in parameter list.", 8, "MissingArgument"),
    ("Get-X -Name:", "Parameter '-Name:' requires an argument.", 7, "ParameterRequiresArgument"),
    ("Get-X > file.txt", "This lab's shell writes no files: only $null can stand behind a redirection.", 7, "RedirectionNotSupported"),
    ("function f { }", "The keyword 'function' is not part of this lab's shell.", 1, "KeywordNotSupported"),
    ("if 1", "Missing '(' after 'if' in if statement.", 4, "MissingOpenParenthesisInIfStatement"),
    ("[int", "Missing ] at end of attribute or type literal.", 2, "EndSquareBracketExpectedAtEndOfAttribute"),
    ("}", "Unexpected token '}' in expression or statement.", 1, "UnexpectedToken"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "message", "column", "identifier"), PARSING, ids=lambda value: str(value)[:40])
def test_the_parsers_errors_begin_with_their_place_and_nothing_runs(
    source: str, message: str, column: int, identifier: str
) -> None:
    output = run(f"{source}", width=1000)
    lines = output.text.splitlines()
    assert lines[0] == f"At line:1 char:{column}"
    assert lines[1] == f"+ {source}".rstrip()
    assert lines[3] == message
    assert lines[4] == "    + CategoryInfo          : ParserError: (:) [], ParentContainsErrorRecordException"
    assert lines[5] == f"    + FullyQualifiedErrorId : {identifier}"


def test_what_stands_before_a_syntax_error_is_not_run() -> None:
    assert "first" not in text("Write-Host first; (1").splitlines()


def test_a_long_line_is_cut_around_the_mark() -> None:
    line = "Get-ReceiveConnector 'EX01\\Default Frontend EX01' | Select-Object -Nonsense Name,Fqdn,TlsCertificateName,TlsDomainCapabilities"
    start = line.index("-Nonsense")
    shown = position(line, start, start + len("-Nonsense")).splitlines()
    assert shown[0] == f"At line:1 char:{start + 1}"
    assert shown[1].startswith("+ ... ")
    assert shown[1].endswith(" ...")
    assert len(shown[1]) == len("+ ") + len("... ") + 69 + len(" ...")
    at = shown[2].index("~")
    assert shown[1][at : at + shown[2].count("~")] == "-Nonsense"


def test_positions_count_lines() -> None:
    assert "At line:2 char:3\n+   Get-Foo\n+   ~~~~~~~\n" in text("1\n  Get-Foo")


def test_an_error_in_a_block_is_said_for_each_object_and_the_rest_goes_on() -> None:
    output = run("1..3 | % { $_.Foo() }; 'after'")
    assert output.text.count("MethodNotFound") == 3
    assert output.text.endswith("after\n")


def test_error_action_and_error_variables() -> None:
    assert text("Get-Service nope -ErrorAction SilentlyContinue; 'on'") == "on\n"
    assert text("Get-Service nope -ErrorAction SilentlyContinue -ErrorVariable e; $e.Count; $Error.Count") == "1\n1\n"
    assert text("Get-Service nope -EA Ignore; $Error.Count") == "0\n"
    assert "on" not in text("Get-Service nope -ErrorAction Stop; 'on'").splitlines()
    assert "on" not in text("$ErrorActionPreference = 'Stop'; Get-Service nope; 'on'").splitlines()
    assert text("$ErrorActionPreference = 'SilentlyContinue'; 1/0; $Error[0].Exception.Message") == "Attempted to divide by zero.\n"
