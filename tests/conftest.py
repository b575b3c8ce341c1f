"""What more than one file of tests here begins with."""

import os
import shutil

import pytest

ARGUMENTS = ["--disable-quic", "--disable-background-networking", "--no-first-run"]


@pytest.fixture(scope="module")
def chromium():
    from playwright.sync_api import sync_playwright  # only where a browser is used

    path = shutil.which("chromium")
    if path is None:
        missing = "there is no chromium on the path"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*ARGUMENTS, *as_root])
        yield browser
        browser.close()
