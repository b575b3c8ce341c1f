"""The way of staff through the admin by keyboard alone: the board, rights, refusals, a pattern, packs and the audit log.

Each test is a step, over one demo of these tests' own. The focus is seen at each stop, and each page leads on.
"""

import csv
import io
from collections.abc import Iterator

import pytest
from django.contrib.auth import get_user_model

from execution.tests import staging
from tests.keyboard import Reader, reader_of
from tests.plugin import DEMO, SHARED, Demo, at_work, template, web_server
from tests.test_browser_journeys import DRAFT


@pytest.fixture(scope="module")
def world(demo_database, django_db_blocker) -> Iterator[Demo]:
    """With a superuser, who sees public, and an overview that the owner was given."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright has a loop in this thread, which waits meanwhile
        with template(SHARED[DEMO]) as name, at_work(own := Demo(name), django_db_blocker):
            with own.role("job"):
                get_user_model().objects.create_superuser("root", password=None)
            staging.grant(own, "root", own.public_id)
            own.ask()
            yield own


@pytest.fixture(scope="module")
def site(world) -> Iterator[str]:
    with web_server(world.database) as base_url:
        yield base_url


@pytest.fixture
def reader(chromium, site, world) -> Iterator[Reader]:
    """At the board, logged in with a second factor."""
    context = chromium.new_context(base_url=site, viewport={"width": 1280, "height": 1000}, reduced_motion="reduce")
    session = world.client("root").cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": site}])
    page = context.new_page()
    page.goto("/admin/")
    yield reader_of(page)
    context.close()


def test_the_board_says_how_each_thing_is_and_leads_to_it(reader):
    board = reader.text("#board")
    cards = reader.page.locator("#board a").count()
    reader.keyboard.enter(reader.link("Pack ECB_EUR", "#board"))
    reader.page.wait_for_url("**/pricingpack/PP_2013-03-01_ECB_EUR_r1/change/")

    assert cards >= 10
    for name in ("Night", "Breaks", "Quarantine", "Providers", "Rights", "Refused by rights", "Patterns", "Audit log"):
        assert name in board


def test_a_pack_is_compared_with_the_day_before(reader):
    reader.keyboard.enter(reader.link("Pack ECB_EUR", "#board"))
    reader.page.wait_for_url("**/change/")
    reader.keyboard.enter(reader.link("differences"))
    reader.heading("Differences to the day before")
    compared = reader.text("#content")
    reader.keyboard.enter(reader.page.locator("#content p a").first)
    reader.page.wait_for_url("**/pricingpack/PP_2013-02-28_ECB_EUR_r1/change/")

    assert "Portfolios you may see" in compared
    assert "Rows, by effect" in compared


def test_a_right_is_edited_as_a_draft_reviewed_with_its_effects_published_with_a_reason_and_taken_back(reader):
    page, keyboard = reader.page, reader.keyboard
    page.goto("/admin/compliance/datasource/")
    keyboard.enter(page.locator("#result_list").get_by_role("link", name="bokeh-wiki", exact=True))
    page.wait_for_url("**/bokeh-wiki/change/")
    keyboard.tab_to(page.get_by_label("Display:"))
    page.keyboard.type("deny")
    keyboard.enter(page.locator("input[name=_save]"))
    page.wait_for_url("**/datasource/")
    keyboard.enter(reader.link("review and publish it", "#content"))
    reader.heading("Publish the draft of the rights")
    effects = reader.text("#content-main")
    keyboard.write(page.get_by_label("Why"), "the licence has ended")
    keyboard.enter(reader.button("Publish"))
    page.wait_for_url("**/rightsversion/*/change/")
    published = reader.text(".messagelist")
    page.goto("/admin/compliance/rightsversion/")
    keyboard.enter(page.locator("#result_list tbody th a").nth(1))
    page.wait_for_url("**/rightsversion/*/change/")
    keyboard.enter(reader.link("take back to this version", "#content"))
    page.wait_for_url("**/take-back/")
    keyboard.write(page.get_by_label("Why"), "it was another licence")
    keyboard.enter(reader.button("Take back"))
    page.wait_for_url("**/rightsversion/*/change/")

    assert "portfolio_overview" in effects
    assert "deny" in effects
    assert "decides now" in published
    assert "it was another licence" in reader.text("#content")


def test_what_rights_refused_is_filtered_and_opened(reader, world):
    staging.decide_rights(world, "bokeh-wiki", "deny")
    world.ask(inputs={"lookback_days": 30})
    page, keyboard = reader.page, reader.keyboard
    page.goto("/admin/")
    keyboard.enter(reader.link("Refused by rights", "#board"))
    page.wait_for_url("**/rightsdecision/?verdict=refused")
    keyboard.enter(page.locator("#result_list tbody th a").first)
    page.wait_for_url("**/change/**")
    decision = reader.text("#content")
    staging.decide_rights(world, "bokeh-wiki", "allow")

    assert "bokeh-wiki" in decision
    assert "Rights version" in decision


def test_a_pattern_is_written_checked_run_and_published(reader):
    page, keyboard = reader.page, reader.keyboard
    page.goto("/admin/execution/patterndraft/")
    keyboard.enter(page.locator(".object-tools a"))
    page.wait_for_url("**/add/")
    keyboard.write(page.get_by_label("Id:"), "own_value")
    keyboard.enter(reader.button("Begin"))
    page.wait_for_url("**/own_value/change/")
    page.locator(".cm-content").wait_for()
    keyboard.tab_to(page.locator(".editor"))
    keyboard.press("Control+a")
    page.keyboard.insert_text(DRAFT.replace("ledger.positions", "ledger.pos"))
    page.wait_for_selector("#findings >> text=no agent offers ledger.pos")
    keyboard.press("Control+a")
    page.keyboard.insert_text(DRAFT)
    page.wait_for_selector("#findings >> text=None: it can be published")
    keyboard.enter(reader.button("Dry run"))
    page.wait_for_url("**/dry-run/")
    run = reader.text("#value dd")
    keyboard.enter(reader.button("Back to the draft"))
    page.wait_for_url("**/own_value/change/")
    page.locator(".cm-content").wait_for()
    keyboard.enter(reader.button("Save and review"))
    page.wait_for_url("**/publish/")
    keyboard.write(page.get_by_label("What changes, and why"), "the value alone")
    keyboard.enter(reader.button("Publish"))
    page.wait_for_url("**/pattern/own_value/change/")

    assert run.startswith("756,411.71")


def test_what_was_changed_is_found_in_the_audit_log_taken_out_and_opened(reader):
    page, keyboard = reader.page, reader.keyboard
    page.goto("/admin/compliance/auditentry/")
    keyboard.write(page.get_by_role("textbox", name="Search"), "own_value")
    keyboard.press("Enter")
    page.wait_for_url("**q=own_value**")
    with page.expect_download() as taken:
        keyboard.enter(reader.button("CSV of what is found"))
    file = taken.value.path().read_text()
    keyboard.enter(page.locator("#result_list tbody th a").first)
    page.wait_for_url("**/change/**")
    entry = reader.text("#content")

    assert {row["row_key"] for row in csv.DictReader(io.StringIO(file))} == {"own_value"}
    assert "own_value" in entry
    assert "root" in entry
