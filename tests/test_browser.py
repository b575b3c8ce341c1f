"""The overview in a real browser, under the real content security policy: how it looks, its figures, and what stands alone."""

import json
from decimal import Decimal

import pytest

from execution import exports
from execution.exports.tests import bundles


def test_the_owner_sees_the_value_and_the_chart_without_a_complaint_of_the_browser(overview):
    assert overview.locator("#at_once strong").first.inner_text().startswith("756,411.71")
    assert overview.locator("#historical_nav path.s1").first.bounding_box()["width"] > 200
    assert "PP_2013-03-01_ECB_EUR_r" in overview.locator(".ties summary").inner_text()
    assert overview.complaints == []


@pytest.mark.parametrize(("width", "height", "screens"), [(1440, 900, 3), (390, 844, 5)])
def test_the_overview_has_few_screens_and_none_is_wider_than_the_window(overview, width, height, screens):
    overview.set_viewport_size({"width": width, "height": height})

    assert overview.evaluate("document.documentElement.scrollWidth") == width
    for kind in ("Sectors", "Currencies", "Securities"):
        overview.locator("#allocation label", has_text=kind).click()
        assert overview.evaluate("document.documentElement.scrollHeight") <= screens * height
    overview.evaluate("window.scrollTo(0, 0)")
    assert overview.locator("#historical_nav .plot").first.bounding_box()["y"] < 1.5 * height
    assert overview.locator(".rail").is_visible() == (width > 800)
    assert overview.locator(".tabbar").is_visible() == (width <= 800)
    assert overview.complaints == []


def number_of(text):
    return Decimal(text.split()[0].replace(",", "").replace("−", "-"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_figure_is_opened_read_and_closed_by_keyboard_alone(overview, scheme, tmp_path):
    keyboard, dialog = overview.keyboard, overview.locator("dialog")
    overview.emulate_media(color_scheme=scheme)
    for _ in range(80):
        keyboard.press("Tab")
        if overview.evaluate("document.activeElement.matches('#at_once a.fig')"):
            break
    printed = overview.evaluate("document.activeElement.textContent")

    keyboard.press("Enter")
    dialog.locator("h1").wait_for()
    overview.screenshot(path=tmp_path / "figure.png")
    assert dialog.locator(".amount").inner_text().startswith(printed)
    lists = dialog.locator(".made > .terms > li")
    items = [lists.nth(place).locator("> .terms > li:not(.total) > .term .num") for place in range(lists.count())]
    added = [number_of(text) for item in items for text in item.all_inner_texts()]
    assert len(added) == 6
    assert round(sum(added), 2) == number_of(printed) == Decimal("756411.71")
    assert dialog.evaluate("each => each.scrollWidth <= each.clientWidth")

    for _ in range(40):
        keyboard.press("Tab")
        if overview.evaluate("document.activeElement.matches('dialog summary')"):
            break
    keyboard.press("Enter")
    keyboard.press("Tab")
    keyboard.press("Enter")
    dialog.locator("h1", has_text="Units held at the close").or_(dialog.locator("h1", has_text="Quantity")).wait_for()
    assert "687" in dialog.locator(".amount").inner_text()

    keyboard.press("Escape")
    assert not dialog.is_visible()
    assert overview.evaluate("document.activeElement.textContent") == printed
    assert overview.complaints == []


def test_without_script_a_figure_is_a_page_of_its_own(chromium, live_demo):
    context = chromium.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    page = context.new_page()
    page.goto(live_demo.base_url)
    page.get_by_label("Username").fill(live_demo.username)
    page.get_by_label("Password").fill(live_demo.password)
    page.get_by_role("button", name="Log in").click()
    page.goto(f"{live_demo.base_url}/portfolios/public/portfolio_overview/?asof=2013-03-01&range=3y")

    page.locator("#at_once a.fig").first.click()
    page.wait_for_url("**/figures/**")

    assert page.locator("h1").inner_text() == "Value"
    assert page.locator(".made .amount").inner_text().startswith("756,411.71")
    assert page.locator(".tabbar").get_by_role("link", name="Holdings").get_attribute("href").endswith("range=3y")
    context.close()


def test_a_gain_has_an_arrow_that_is_not_read_out(overview):
    gain = overview.locator("#at_once a.gain").first
    arrow = gain.evaluate("each => getComputedStyle(each, '::before').content")

    assert gain.inner_text().lstrip("▲") == "+1,729.04"
    assert arrow == '"▲" / ""'
    assert (
        overview.locator("#months a.gain").first.evaluate("each => getComputedStyle(each, '::before').content")
        == "none"
    )


def test_the_owner_can_log_out(overview):
    overview.get_by_role("button", name="Log out").click()

    overview.wait_for_url("**/login/**")
    assert overview.complaints == []


def test_the_page_that_verifies_bundles_works_from_a_disk_without_a_server(page, tmp_path):
    """`crypto.subtle` is there for a page that was opened as a file, too; a changed byte is named."""
    whole, changed, keys = tmp_path / "whole.zip", tmp_path / "changed.zip", tmp_path / "keys.json"
    data = bundles.bundle()
    whole.write_bytes(data)
    at = data.index(b'"pattern_id"') + 3
    changed.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    keys.write_text(json.dumps(bundles.keys_document()))
    page.context.set_offline(True)
    page.goto(exports.VERIFIER.as_uri())
    page.locator("#keys").set_input_files(keys)

    page.locator("#bundle").set_input_files(whole)
    page.wait_for_function("document.getElementById('findings').textContent.includes('Overview')")
    proved = page.locator("#findings").inner_text()
    page.locator("#bundle").set_input_files(changed)
    page.wait_for_function("document.getElementById('findings').textContent.includes('is not what was signed')")
    refused = page.locator("#findings").inner_text()

    assert bundles.KEY.keyid in proved
    assert "manifest.json is not what was signed" in refused
    assert page.complaints == []
