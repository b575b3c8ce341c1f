"""Whole ways in a real browser, each over a demo of its own: an import, a first log-in of staff, a pattern from nothing."""

from base64 import b32decode

import psycopg
import pytest
from django_otp.oath import totp

from tests.plugin import DEMO, PASSWORD, SHARED, address, template, web_server


@pytest.fixture
def demo_name(monkeypatch, demo_database):
    """A demo of the test's own."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright has a loop in this thread, which waits meanwhile
    with template(SHARED[DEMO]) as name:
        yield name


@pytest.fixture
def own_site(demo_name):
    """The address of a web server over it."""
    with web_server(demo_name) as base_url:
        yield base_url


TRADES = (
    "date,type,symbol,quantity,unit_price,fee,currency\n"
    "2013-02-27,buy,APPL,10,444.57,5,USD\n"
    "2013-02-28,buy,AAPL,1,441.40,5,USD\n"
)


def log_in_as_owner(page):
    page.get_by_label("Username").press_sequentially("owner")
    page.get_by_label("Password").press_sequentially(PASSWORD)
    page.keyboard.press("Enter")


def test_an_owner_imports_by_keyboard_without_script_through_a_session_that_ends(chromium, own_site):
    context = chromium.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{own_site}/portfolios/public/imports/")
    log_in_as_owner(page)
    page.wait_for_url(f"{own_site}/portfolios/public/imports/")

    page.locator("#file").set_input_files({"name": "trades.csv", "mimeType": "text/csv", "buffer": TRADES.encode()})
    page.get_by_role("button", name="Check and preview").press("Enter")
    page.get_by_label("Leave row 2 out").press("Space")
    context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="Check again").press("Enter")
    page.wait_for_url(f"{own_site}/login/**")
    log_in_as_owner(page)
    page.wait_for_url(f"{own_site}/portfolios/public/imports/?waiting=*")
    preview, width = page.locator("main").inner_text(), page.evaluate("document.documentElement.scrollWidth")
    page.get_by_role("button", name="Import 1 transaction").press("Enter")
    page.wait_for_url(f"{own_site}/portfolios/public/imports/?done=*")
    page.get_by_role("link", name="See the new value").press("Enter")
    page.wait_for_url("**/portfolio_overview/")

    assert "Left out: row 2." in preview
    assert "756,411.71" in preview
    assert width == 390
    assert page.get_by_role("heading", level=1).is_visible()
    context.close()


def log_in_as_staff(page):
    """At the page of the log-in; gives back how large the drawing of the key is."""
    page.get_by_label("Username").fill("staff")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/account/second-factor/**")
    drawn = page.locator(".qr svg").bounding_box()
    key = page.locator("p > code").inner_text().replace(" ", "")
    page.get_by_role("textbox", name="Code").fill(f"{totp(b32decode(key)):06}")
    page.get_by_role("button", name="Set up").click()
    return drawn


def test_staff_set_up_a_second_factor_at_their_first_log_in_and_come_to_the_admin(page, own_site):
    page.goto(f"{own_site}/admin/")
    drawn = log_in_as_staff(page)
    recovery = page.locator("ul.codes li").count()
    width = page.evaluate("document.documentElement.scrollWidth")
    page.get_by_role("link", name="Go on").click()
    page.wait_for_url("**/admin/")

    assert drawn["width"] > 200
    assert (recovery, width) == (8, 390)
    assert page.title().startswith("What staff look after")
    assert page.complaints == []


@pytest.fixture
def studio(page, own_site, demo_name):
    """One of the pattern editors, who may see public, has come to the admin with a second factor."""
    statements = (
        "INSERT INTO auth_user_groups (user_id, group_id) SELECT u.id, g.id FROM auth_user u, auth_group g"
        " WHERE u.username = 'staff' AND g.name = 'pattern editor'",
        "INSERT INTO portfolio_portfolioaccess (portfolio_id, user_id) SELECT p.id, u.id FROM portfolio_portfolio p, auth_user u"
        " WHERE u.username = 'staff' AND p.slug = 'public'",
    )
    with psycopg.connect(address(demo_name, "postgres"), autocommit=True) as session:
        for statement in statements:
            session.execute(statement)
    page.set_viewport_size({"width": 1280, "height": 1000})
    page.goto(f"{own_site}/admin/")
    log_in_as_staff(page)
    page.get_by_role("link", name="Go on").click()
    page.wait_for_url("**/admin/")
    return page


DRAFT = """{
  "id": "own_value", "version": "1.0.0", "title": "Own value", "description": "",
  "inputs": {"portfolio_id": {"type": "uuid", "required": true}},
  "steps": [
    {"capability": "ledger.positions", "args": {"portfolio_id": "{{inputs.portfolio_id}}"}, "as": "positions"},
    {"capability": "pricing.apply_pack", "args": {"positions": "{{state.positions}}"}, "as": "valued"}
  ],
  "outputs": ["valued"],
  "panels": [{"id": "value", "type": "metrics_grid", "title": "Value", "ttl": 60, "items": [
    {"label": "All of it", "value": "{{state.valued.total_value}}", "format": "currency"}]}]
}"""


def test_staff_write_a_pattern_from_nothing_by_keyboard_and_it_is_a_page(studio, own_site, tmp_path):
    page, keyboard = studio, studio.keyboard
    page.goto(f"{own_site}/admin/execution/patterndraft/add/")
    page.get_by_label("Id:").fill("own_value")
    keyboard.press("Enter")
    page.wait_for_url("**/own_value/change/")
    page.wait_for_selector(".cm-content")
    page.locator(".cm-content").focus()
    keyboard.press("Control+a")
    keyboard.insert_text(
        DRAFT.replace("state.valued.total_value", "state.valued.").replace("ledger.positions", "ledger.pos")
    )

    page.wait_for_selector("#findings >> text=no agent offers ledger.pos")
    page.wait_for_selector("#findings >> text=line 5")
    keyboard.press("Control+Home")
    for _ in range(9):
        keyboard.press("ArrowDown")
    line = DRAFT.splitlines()[9].replace("state.valued.total_value", "state.valued.")
    for _ in range(line.index("state.valued.") + len("state.valued.")):
        keyboard.press("ArrowRight")
    keyboard.type("total_v")
    page.wait_for_selector(".cm-tooltip-autocomplete >> text=state.valued.total_value")
    page.wait_for_timeout(100)  # the first moments of a list take no key: somebody may be typing on
    keyboard.press("Enter")
    assert "state.valued.total_value}}" in page.locator(".cm-content").inner_text()
    keyboard.press("Control+a")
    keyboard.insert_text(DRAFT)
    page.wait_for_selector("#findings >> text=None: it can be published")
    assert page.locator("#graph svg .node").count() == 2
    page.screenshot(path=tmp_path / "studio.png", full_page=True)

    page.get_by_role("button", name="Dry run").click()
    page.wait_for_url("**/dry-run/")
    assert page.locator("#value dd").inner_text().startswith("756,411.71")
    page.screenshot(path=tmp_path / "dry-run.png", full_page=True)
    page.get_by_role("button", name="Back to the draft").click()
    page.wait_for_selector("#findings >> text=None: it can be published")
    page.get_by_role("button", name="Save and review").click()
    page.wait_for_url("**/publish/")
    page.get_by_label("What changes, and why").fill("the value alone")
    page.screenshot(path=tmp_path / "review.png", full_page=True)
    page.get_by_role("button", name="Publish").click()
    page.wait_for_url("**/pattern/own_value/change/")
    page.goto(f"{own_site}/portfolios/public/own_value/")

    assert page.locator("#value dd").inner_text().startswith("756,411.71")
    assert page.complaints == []
