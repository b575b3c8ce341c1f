"""An owner's way through the pages by keyboard alone: from the log-in to his own transactions, to why a figure is true, and on.

Each test is a step of one way, over one demo of these tests' own; it begins where the step before left off. No mouse is used, the
focus is seen at each stop, and each page leads on.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from execution.tests import staging
from execution.tests.test_nearest_step import restate
from tests.keyboard import Reader, reader_of
from tests.pictures import BAD_FILE, GOOD_FILE
from tests.plugin import DEMO, PASSWORD, SHARED, Demo, World, at_work, template, web_server

OVERVIEW = "/portfolios/public/portfolio_overview/"


@pytest.fixture(scope="module")
def world(demo_database, django_db_blocker) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright has a loop in this thread, which waits meanwhile
        with template(SHARED[DEMO]) as name, at_work(Demo(name), django_db_blocker) as own:
            yield own


@pytest.fixture(scope="module")
def site(world) -> Iterator[str]:
    with web_server(world.database) as base_url:
        yield base_url


@pytest.fixture(scope="module")
def cookies(chromium, site) -> Any:
    """Of the owner, who has logged in by keyboard."""
    context = chromium.new_context(base_url=site)
    reader = reader_of(context.new_page())
    log_in(reader)
    stored = context.storage_state()
    context.close()
    return stored


@pytest.fixture(params=[(1440, 900), (390, 844)], ids=["desktop", "phone"])
def window(request) -> dict[str, int]:
    return dict(zip(("width", "height"), request.param, strict=True))


@pytest.fixture
def reader(chromium, site, cookies, window) -> Iterator[Reader]:
    context = chromium.new_context(
        base_url=site,
        storage_state=cookies,
        viewport=window,
        reduced_motion="reduce",
        permissions=["clipboard-read", "clipboard-write"],
    )
    yield reader_of(context.new_page())
    context.close()


def log_in(reader) -> None:
    page, keyboard = reader.page, reader.keyboard
    page.goto("/")
    keyboard.write(page.get_by_label("Username"), "owner")
    keyboard.write(page.get_by_label("Password"), PASSWORD)
    keyboard.press("Enter")
    reader.heading("Portfolios")


def test_the_first_minute_is_the_log_in_the_list_and_the_overview(reader):
    reader.page.context.clear_cookies()

    log_in(reader)
    listed = reader.text()
    reader.keyboard.enter(reader.link("Public-domain portfolio", exact=False))
    reader.heading("Overview")

    assert "756,411.71" in listed
    assert reader.text("#at_once strong") == "756,411.71 CAD"


def test_own_transactions_are_checked_corrected_previewed_imported_and_taken_out_again(reader):
    page, keyboard = reader.page, reader.keyboard
    page.goto(OVERVIEW)
    reader.go_to_page("Imports")
    page.locator("#upload").wait_for()
    choose(reader, BAD_FILE)
    wrong = reader.text()
    choose(reader, GOOD_FILE)
    preview, stored = reader.text(), reader.text("section:has(#stored)")
    keyboard.enter(reader.button("Import 3 transactions"))
    page.wait_for_url("**/imports/?done=*")
    done = reader.text("[role=status]")
    keyboard.enter(reader.link("See the new value"))
    reader.heading("Overview")
    value = reader.text("#at_once strong")
    page.go_back()
    keyboard.enter(reader.button("Undo the import of trades.csv"))
    page.wait_for_url("**/imports/?undone=*")

    assert "APPL" in wrong
    assert "5 things to correct" in wrong
    assert "Nothing has been written yet" in preview
    assert "No file has been imported" in stored
    assert done.startswith("3 transactions of trades.csv are in the ledger now.")
    assert value == "758,845.99 CAD"
    assert reader.text("[role=status]").endswith("The ledger is as it was without it.")


def choose(reader, text: str) -> None:
    page, keyboard = reader.page, reader.keyboard
    keyboard.tab_to(page.locator("#file"))
    with page.expect_file_chooser() as chooser:
        keyboard.press("Space")
    chooser.value.set_files({"name": "trades.csv", "mimeType": "text/csv", "buffer": text.encode()})
    keyboard.enter(reader.button("Check and preview"))
    page.wait_for_selector("[aria-current=step]:not(:first-child)")


def test_the_list_says_what_each_portfolio_is_worth_and_its_address_gives_the_view_again(reader):
    page, keyboard = reader.page, reader.keyboard
    page.goto("/")
    keyboard.enter(page.get_by_role("link", name="The pack day before"))
    page.wait_for_url("**asof=2013-02-28**")
    keyboard.tab_to(page.get_by_label("Total in"))
    keyboard.press("ArrowUp")  # CHF after EUR
    chosen = page.get_by_label("Total in").input_value()
    keyboard.enter(reader.button("Show"))
    page.wait_for_url(f"**currency={chosen}**")
    listed = reader.text()
    page.goto(page.url)
    again = reader.text()
    keyboard.enter(reader.link("Value"))
    page.wait_for_url("**sort=**")

    assert f" {chosen}" in reader.text("#total ~ .headline")
    assert "2013-02-28" in listed
    assert listed == again
    assert "asof=2013-02-28" in page.url


def test_a_figure_is_taken_apart_its_link_copied_and_its_result_taken_as_a_file(reader):
    page, keyboard = reader.page, reader.keyboard
    page.goto(OVERVIEW)
    keyboard.enter(page.locator("#at_once a.fig").first)
    dialog = page.locator("dialog")
    dialog.locator("h1").wait_for()
    taken_apart = dialog.inner_text()
    keyboard.enter(dialog.get_by_role("button", name="Copy link"))
    dialog.get_by_role("button", name="Copied").wait_for()
    link = page.evaluate("navigator.clipboard.readText()")
    keyboard.press("Escape")
    keyboard.enter(page.locator(".ties summary"))
    keyboard.enter(reader.link("Export this result"))
    reader.heading("Exports")
    keyboard.enter(reader.button("xlsx"))
    made = page.get_by_role("button", name="as xlsx", exact=False)
    made.first.wait_for()
    page.goto(link)
    reader.heading("Value")

    assert "What went in" in taken_apart
    assert "PP_2013-03-01_ECB_EUR_r1" in taken_apart
    assert reader.text(".amount").startswith("756,411.71")
    assert reader.link("Overview").count() == 1


def test_holdings_are_sorted_found_and_opened_and_lead_on_to_months_and_income(reader):
    page, keyboard = reader.page, reader.keyboard
    page.goto(f"{OVERVIEW}?asof=2013-02-28&range=3y")
    reader.go_to_page("Holdings")
    reader.heading("Holdings")
    keyboard.enter(page.locator("thead").get_by_role("link", name="Weight"))
    page.wait_for_url("**sort=**")
    first = reader.text("table.by-row tbody th")
    keyboard.write(page.get_by_label("Find in Holdings"), "ibm")
    keyboard.press("Enter")
    page.wait_for_url("**find=ibm**")
    found = page.locator("table.by-row tbody tr").count()
    keyboard.enter(reader.link("IBM", exact=False))
    reader.heading("One holding")
    keyboard.tab_to(page.get_by_label("Day of the chart").first)
    keyboard.press("ArrowLeft")
    day = page.locator(".readout").first.inner_text()
    for name in ("Performance", "Income", "Explain", "Trust"):
        reader.go_to_page(name)
        assert "asof=2013-02-28&range=3y" in page.url

    assert first
    assert found == 1
    assert day.startswith("2013-02-27")


def test_the_money_is_shown_by_security_sector_and_currency_with_arrows(reader):
    page, keyboard = reader.page, reader.keyboard
    page.goto(OVERVIEW)
    keyboard.tab_to(page.locator("#allocation input[type=radio]").first)
    shown = [page.locator("#allocation .tab:visible").inner_text()]
    for _ in range(2):
        keyboard.press("ArrowRight")
        shown.append(page.locator("#allocation .tab:visible").inner_text())

    assert len(set(shown)) == 3
    assert any("USD" in each for each in shown)


def test_while_prices_are_computed_the_last_day_that_is_ready_is_one_step_away(reader, world):
    staging.set_packs(world, "warming")
    reader.page.goto(f"{OVERVIEW}?range=1y")
    told = reader.text()
    reader.keyboard.enter(reader.link("The same page as of 2013-02-28"))
    reader.heading("Overview")
    staging.set_packs(world, "fresh")

    assert "are being computed" in told
    assert "range=1y" in reader.page.url
    assert "as of 2013-02-28" in reader.text(".head")


def test_the_look_is_chosen_by_keyboard_and_the_content_is_one_step_from_the_top(reader):
    page, keyboard = reader.page, reader.keyboard
    page.goto(OVERVIEW)
    keyboard.press("Tab")
    keyboard.press("Enter")
    skipped = page.evaluate("document.activeElement.id")
    keyboard.press("Tab")
    is_inside = page.evaluate("document.activeElement.closest('main') !== null")
    keyboard.enter(page.locator(".display summary"))
    for label, choice in (("Theme", "dark"), ("Gain and loss", "blue"), ("Amounts", "hidden")):
        keyboard.tab_to(page.get_by_label(label))
        keyboard.page.keyboard.type(choice)
    keyboard.enter(reader.button("Apply"))
    page.locator("html[data-theme=dark]").wait_for()
    chosen = page.evaluate("({...document.documentElement.dataset})")
    hidden = reader.text("#at_once strong")
    keyboard.enter(reader.button("Show amounts"))
    page.locator("#at_once strong", has_text="756,411.71").first.wait_for()

    assert skipped == "main"
    assert is_inside
    assert chosen["theme"] == "dark"
    assert "756,411" not in hidden


def test_a_day_that_was_restated_says_so_and_leads_to_before_and_after(reader, world):
    restate(world, "a late close")
    reader.page.goto(OVERVIEW)
    banner = reader.text(".banner")
    reader.keyboard.enter(reader.link("What changed, before and after"))
    reader.page.wait_for_url("**/reconciliation/**#restatements")
    compared = reader.text("section:has(#restatements), #restatements ~ *")

    assert "were restated (a late close)" in banner
    assert "756,411.71" in compared
