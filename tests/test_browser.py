"""The overview in a real browser, under the real content security policy."""

import os
import shutil
from base64 import b32decode

import pytest
from django_otp.oath import totp
from playwright.sync_api import sync_playwright

from tests.plugin import DEMO, PASSWORD, SHARED, template, web_server

ARGUMENTS = ["--disable-quic", "--disable-background-networking", "--no-first-run"]


@pytest.fixture(scope="module")
def chromium():
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
        lambda message: opened.complaints.append(message.text) if message.type in ("error", "warning") else None,
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


def test_the_owner_sees_the_value_and_the_chart_without_a_complaint_of_the_browser(overview):
    assert overview.locator("#at_once dd").first.inner_text().startswith("756,411.71")
    assert overview.locator("#historical_nav path.s1").bounding_box()["width"] > 200
    assert "PP_2013-03-01_ECB_EUR_r" in overview.locator(".ties").inner_text()
    assert overview.complaints == []


def test_the_cross_hair_walks_by_keyboard_and_tells_the_day(overview):
    overview.get_by_label("Day of the chart").focus()
    overview.keyboard.press("ArrowLeft")

    told = overview.locator(".readout").inner_text()
    assert told.startswith("2013-02-28: Value ")
    assert overview.get_by_label("Day of the chart").get_attribute("aria-valuetext") == told


def test_the_page_is_no_wider_than_a_telephone(overview):
    width = overview.evaluate("document.documentElement.scrollWidth")

    assert width == 390


def test_the_owner_can_log_out(overview):
    overview.get_by_role("button", name="Log out").click()

    overview.wait_for_url("**/login/**")
    assert overview.complaints == []


@pytest.fixture
def own_site(monkeypatch, demo_database):
    """The address of a web server over a demo of the test's own."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright has a loop in this thread, which waits meanwhile
    with template(SHARED[DEMO]) as name, web_server(name) as base_url:
        yield base_url


def test_staff_set_up_a_second_factor_at_their_first_log_in_and_come_to_the_admin(page, own_site):
    page.goto(f"{own_site}/admin/")
    page.get_by_label("Username").fill("staff")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/account/second-factor/**")
    drawn = page.locator(".qr svg").bounding_box()
    key = page.locator("p > code").inner_text().replace(" ", "")
    page.get_by_role("textbox", name="Code").fill(f"{totp(b32decode(key)):06}")
    page.get_by_role("button", name="Set up").click()
    recovery = page.locator("ul.codes li").count()
    width = page.evaluate("document.documentElement.scrollWidth")
    page.get_by_role("link", name="Go on").click()
    page.wait_for_url("**/admin/")

    assert drawn["width"] > 200
    assert (recovery, width) == (8, 390)
    assert page.title().startswith("Site administration")
    assert page.complaints == []
