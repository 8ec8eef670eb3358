"""Results as JUnit XML: a suite for each run, a case for each check."""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree import ElementTree as ET

from lab.scenario.result import ScenarioResult

#: What XML 1.0 section 2.2 does not allow.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(all_results: Iterable[ScenarioResult]) -> str:
    """Return the document."""
    root = ET.Element("testsuites", name="smtplab")
    for result in all_results:
        suite = ET.SubElement(
            root, "testsuite", name=clean(f"{result.name} ({result.era})"), timestamp=result.began.isoformat(timespec="seconds"),
            time=f"{sum(result.seconds.values()):.3f}",
        )  # fmt: skip
        tests = failures = 0
        for stage in result.stages:
            place = stage.fix.name if stage.fix else "control" if result.control else "fault"
            for check in stage.checks:
                tests += 1
                name = clean(f"{check.subject}: {check.kind} {check.expected}")
                case = ET.SubElement(suite, "testcase", classname=clean(f"{result.name}.{place}"), name=name, time="0")
                if not check.met:
                    failures += 1
                    failure = ET.SubElement(case, "failure", message=clean(f"expected {check.expected}"))
                    failure.text = clean(f"seen: {check.seen}")
        suite.set("tests", str(tests))
        suite.set("failures", str(failures))
    return document(root)


def document(root: ET.Element) -> str:
    """Return a whole XML document."""
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def clean(text: str) -> str:
    """Return text with what XML must not hold replaced."""
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
