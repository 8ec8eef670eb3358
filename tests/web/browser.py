"""A real Chromium, the system's own, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from tests.conftest import leave_out


@contextmanager
def chromium() -> Iterator[Browser]:
    """Yield a headless Chromium; the test is left out where there is none (in CI it fails)."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        leave_out("chromium is not installed (workshop/packages.sh names the packages)")
    sandbox = [] if os.getuid() else ["--no-sandbox"]  # Chromium's own sandbox does not work for root
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*sandbox, "--disable-gpu", "--disable-dev-shm-usage"])
        try:
            yield browser
        finally:
            browser.close()
