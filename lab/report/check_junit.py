"""An examination as JUnit XML for pipelines: a suite for each host, a case for each stage and each finding.

A stage that failed and every fault and warning is a failure; notes pass, and stand in the output. A host that nobody could
reach is an error, as nothing was tested. What the shape must be: the schema of Apache Ant's JUnit task, as Jenkins, GitLab and
others read it.
"""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree as ET

from lab.check.findings import Severity
from lab.check.result import Examination, Found, HostResult, State
from lab.report.check_explain import explanation
from lab.report.check_text import place
from lab.report.junit import clean, document


def junit(examinations: Iterable[Examination]) -> str:
    """Return the document for one or more examinations."""
    root = ET.Element("testsuites", name="smtplab check")
    for examination in examinations:
        _names(root, examination)
        for host in examination.hosts:
            _host(root, examination, host)
    for key in ("tests", "failures", "errors", "skipped"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in root)))
    root.set("time", f"{sum(float(suite.get('time', '0')) for suite in root):.3f}")
    ET.indent(root)
    return document(root)


def _names(root: ET.Element, examination: Examination) -> None:
    """The suite of the target's names: one case for each finding, or one that passes."""
    target = examination.target.text
    suite = _suite(root, f"{target} names", examination, 0.0)
    for found in examination.found:
        _finding(suite, f"{target}.names", found)
    if not examination.found:
        _case(suite, f"{target}.names", "names", 0.0)
    if not examination.hosts:
        case = _case(suite, f"{target}.names", "hosts", 0.0)
        ET.SubElement(case, "error", type="not-tested", message="there was no host to examine")
    _count(suite)


def _host(root: ET.Element, examination: Examination, host: HostResult) -> None:
    name = f"{host.exchanger.name} {place(host) if host.address else '(no address)'}"
    owner = f"{examination.target.text}.{host.exchanger.name}"
    suite = _suite(root, name, examination, host.seconds)
    for one in host.stages:
        case = _case(suite, owner, one.stage.value, one.seconds or 0.0)
        if one.state is State.SKIPPED:
            ET.SubElement(case, "skipped")
        elif one.state is State.FAILED and not host.reached:
            ET.SubElement(case, "error", type="not-tested", message=clean(_why(host)))
        elif one.state is State.FAILED:
            ET.SubElement(case, "failure", type="stage", message=clean(_why(host)))
    for found in host.found:
        _finding(suite, owner, found)
    _count(suite)


def _why(host: HostResult) -> str:
    weighty = [one.id for one in host.found if one.severity is not Severity.NOTE]
    return ", ".join(dict.fromkeys(weighty)) or "failed"


def _finding(suite: ET.Element, owner: str, found: Found) -> None:
    where = f" (certificate {found.depth})" if found.certificate is not None else ""
    case = _case(suite, owner, f"{found.id}{where}", 0.0)
    said = explanation(found)
    text = clean("\n".join((said.what, said.consequence, f"To do: {said.cure}")) if said else found.detail)
    if found.severity is Severity.NOTE:
        ET.SubElement(case, "system-out").text = f"{clean(found.detail)}\n{text}"
        return
    failure = ET.SubElement(case, "failure", type=found.severity.value, message=clean(found.detail))
    failure.text = text


def _suite(root: ET.Element, name: str, examination: Examination, seconds: float) -> ET.Element:
    stamp = examination.began.replace(tzinfo=None).isoformat(timespec="seconds")  # the schema knows no time zone; it is UTC
    return ET.SubElement(root, "testsuite", name=clean(name), timestamp=stamp, time=f"{seconds:.3f}")


def _case(suite: ET.Element, owner: str, name: str, seconds: float) -> ET.Element:
    return ET.SubElement(suite, "testcase", classname=clean(owner), name=clean(name), time=f"{seconds:.3f}")


def _count(suite: ET.Element) -> None:
    suite.set("tests", str(len(suite.findall("testcase"))))
    for key, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(key, str(len(suite.findall(f"testcase/{tag}"))))
