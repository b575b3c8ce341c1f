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


@pytest.fixture
def page(chromium):
    """A page that keeps what the browser complains of, refusals of the content security policy among it."""
    context = chromium.new_context(viewport={"width": 390, "height": 844})
    opened = context.new_page()
    opened.complaints = []
    opened.on(
        "console",
        lambda message: (
            opened.complaints.append(f"{message.text} {message.location['url']}")
            if message.type in ("error", "warning")
            else None
        ),
    )
    opened.on("pageerror", lambda error: opened.complaints.append(str(error)))
    opened.on("requestfailed", lambda request: opened.complaints.append(f"{request.url}: {request.failure}"))
    opened.on("dialog", lambda dialog: (opened.complaints.append(f"dialog {dialog.message}"), dialog.dismiss()))
    yield opened
    context.close()


@pytest.fixture
def overview(page, live_demo):
    """Logged in as the owner, come to the overview by its link."""
    page.goto(live_demo.base_url)
    page.get_by_label("Username").fill(live_demo.username)
    page.get_by_label("Password").fill(live_demo.password)
    page.get_by_role("button", name="Log in").click()
    page.locator("a[href='/portfolios/public/portfolio_overview/']").click()
    page.wait_for_selector("#historical_nav")
    return page
