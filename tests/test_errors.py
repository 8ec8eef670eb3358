"""An error names its place and knows its exit code."""

import pytest

from lab.errors import Blame, CannotTest, PeerError, UserError


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (UserError("no such host"), "no such host"),
        (UserError("no such host", file="a.yaml"), "a.yaml: no such host"),
        (UserError("no such host", file="a.yaml", line=3), "a.yaml:3: no such host"),
        (UserError("no such host", file="a.yaml", line=3, key="faults.0.host"), "a.yaml:3: faults.0.host: no such host"),
        (UserError("no such host", key="host"), "host: no such host"),
    ],
)
def test_a_users_error_names_file_line_and_key(error: UserError, text: str) -> None:
    assert str(error) == text
    assert error.exit_code == 2


def test_what_cannot_be_tested_ends_with_2_and_keeps_its_hint() -> None:
    error = CannotTest("port 25 is taken", hint="choose another")
    assert isinstance(error, UserError)
    assert (error.exit_code, error.hint) == (2, "choose another")


def test_a_peers_error_says_who_is_to_blame() -> None:
    assert PeerError("half a record", Blame.SENDER).blame is Blame.SENDER
