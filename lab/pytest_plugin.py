"""For the test suites of others: a lab, and every case of the catalogue, as pytest fixtures. Loaded through pytest's entry point.

    def test_mail_is_deferred(smtplab):
        lab = smtplab("appliance-resigns-tls")
        assert lab.send("online -> onprem").outcome == "deferred"

    @pytest.mark.smtplab_cases("certificate/*", "starttls/*", policy="verify")
    def test_my_sender(smtplab_case):
        smtplab_case.check(lambda: my_send(smtplab_case.host, smtplab_case.port, smtplab_case.ca_file))

The second test runs once for each case that says something about a client under the policy (`verify`, `opportunistic`, `dane`,
`mta-sts`). `check` calls the sender, which raises where it refuses to send, and fails where that
was wrong, or where anything went over the wire in clear that must not. `host` is `localhost`, and so are the certificates'
names. Under `dane` and `mta-sts` the sender is given `domain`, and `resolver` and `policies`, which say where DNS and policies are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from lab.api import Lab
    from lab.case_server import CaseServer, CaseUnderTest

_MARKER = "smtplab_cases"
_STALL = 0.5  # seconds that a receiver which says nothing says nothing: a suite meets a dozen of them


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    text = f"{_MARKER}(*globs, policy='verify'): run the test once for each case of smtplab whose name or kind/name matches"
    config.addinivalue_line("markers", text)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test that takes `smtplab_case` one run for each case that its marker chooses (without a marker: all)."""
    if "smtplab_case" not in metafunc.fixturenames:
        return
    from lab.case_server import trial_policy
    from lab.errors import UserError
    from lab.trial.cases import chosen

    marker = metafunc.definition.get_closest_marker(_MARKER)
    policy = str(marker.kwargs.get("policy", "verify")) if marker else "verify"
    try:
        cases = chosen(tuple(marker.args) if marker else (), trial_policy(policy))
    except UserError as error:
        raise pytest.UsageError(f"{metafunc.definition.nodeid}: {error}; {error.hint}") from None
    metafunc.parametrize("smtplab_case", [(case.name, policy) for case in cases], ids=[case.name for case in cases], indirect=True)


@pytest.fixture
def smtplab() -> Iterator[Callable[..., Lab]]:
    """A function that brings up a scenario, as `lab.Lab` does; every lab is taken down at the end of the test."""
    from contextlib import ExitStack

    from lab.api import Lab

    with ExitStack() as stack:
        yield lambda *arguments, **keywords: stack.enter_context(Lab(*arguments, **keywords))


@pytest.fixture(scope="session")
def smtplab_case_server() -> Iterator[CaseServer]:
    """All cases, listening as long as the tests run."""
    from lab.case_server import CaseServer

    with CaseServer(stall=_STALL) as server:
        yield server


@pytest.fixture
def smtplab_case(request: pytest.FixtureRequest, smtplab_case_server: CaseServer) -> CaseUnderTest:
    """One case: `name`, `what`, `host`, `port`, `ca_file`, `should`, `why`, `check`; see `lab.case_server.CaseUnderTest`."""
    name, policy = request.param
    return smtplab_case_server.case(name, policy)
