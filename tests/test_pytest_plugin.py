"""The plugin in a suite of somebody else's."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

SENDER = """
    import smtplib, ssl, pytest

    def send(case, *, verify=True):
        context = ssl.create_default_context(cafile=case.ca_file) if verify else ssl._create_unverified_context()
        with smtplib.SMTP(case.host, case.port, local_hostname="me.test", timeout=10) as smtp:
            smtp.starttls(context=context)
            smtp.sendmail("a@b.test", ["c@d.test"], b"Subject: x\\r\\n\\r\\nx\\r\\n")
"""


@pytest.mark.slow
def test_a_sender_that_verifies_passes_every_case_and_one_that_does_not_fails(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SENDER + """
    @pytest.mark.smtplab_cases("expired", "wrong-host", "no-certificate")
    def test_good(smtplab_case):
        smtplab_case.check(lambda: send(smtplab_case))

    @pytest.mark.smtplab_cases("expired")
    def test_bad(smtplab_case):
        smtplab_case.check(lambda: send(smtplab_case, verify=False))
    """)  # fmt: skip
    done = pytester.runpytest_subprocess("-q", "-p", "no:cacheprovider")
    done.assert_outcomes(passed=5, failed=1)  # the sanity case is always there
    done.stdout.fnmatch_lines(["*test_bad*expired*", "*should refuse: a certificate of the chain has run out*"])


@pytest.mark.slow
def test_a_sender_that_is_given_a_domain_finds_its_hosts_and_is_judged_by_what_it_obeys(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SENDER + """
    import dns.resolver

    def resolve(case, name, rdtype):
        resolver = dns.resolver.Resolver(configure=False)
        (address,), resolver.port = [case.resolver[0]], case.resolver[1]
        resolver.nameservers = [address]
        return resolver.resolve(name, rdtype)[0]

    @pytest.mark.smtplab_cases("sts-enforced", "sts-testing", policy="mta-sts")
    def test_careless(smtplab_case):
        assert "v=STSv1" in str(resolve(smtplab_case, "_mta-sts." + smtplab_case.domain, "TXT"))
        assert str(resolve(smtplab_case, smtplab_case.domain, "MX").exchange) == smtplab_case.host + "."
        smtplab_case.check(lambda: send_to(smtplab_case))

    def send_to(case):
        with smtplib.SMTP("127.0.0.1", case.port, local_hostname="me.test", timeout=10) as smtp:
            smtp.starttls(context=ssl._create_unverified_context())
            smtp.sendmail("a@b.test", ["c@d.test"], b"Subject: x\\r\\n\\r\\nx\\r\\n")
    """)  # fmt: skip
    done = pytester.runpytest_subprocess("-q", "-p", "no:cacheprovider")
    done.assert_outcomes(passed=2, failed=1)
    done.stdout.fnmatch_lines(["*test_careless*sts-enforced*", "*should refuse: the certificate has signed itself*"])


@pytest.mark.slow
def test_a_lab_as_a_fixture(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
    def test_it(smtplab):
        lab = smtplab("appliance-resigns-tls")
        assert lab.send("online -> onprem").outcome == "deferred"
    """)
    pytester.runpytest_subprocess("-q", "-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_a_marker_that_matches_nothing_is_an_error_with_a_hint(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
    import pytest
    @pytest.mark.smtplab_cases("nothing-like-it")
    def test_it(smtplab_case): ...
    """)
    done = pytester.runpytest_subprocess("-q", "-p", "no:cacheprovider")
    assert done.ret != 0
    done.stdout.fnmatch_lines(["*no case matches 'nothing-like-it'*"])
