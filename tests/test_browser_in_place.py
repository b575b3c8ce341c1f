"""Another day, range or span in place of the page, in a real browser, and what is no answer to it."""

import pytest


def mark(page):
    """A page that is loaded anew has not what was written on it."""
    page.evaluate("window.isTheSame = true")
    page.locator("#main").evaluate("each => each.classList.add('before')")


def is_in_place(page) -> bool:
    page.wait_for_selector("#main:not(.before)")
    return bool(page.evaluate("window.isTheSame === true"))


def test_another_range_comes_in_place_with_address_title_focus_tab_and_the_way_back(overview):
    tab = overview.locator("#historical_nav input[type=radio]").nth(1)
    tab.focus()
    overview.keyboard.press("Space")
    mark(overview)
    overview.get_by_role("link", name="3Y").focus()
    overview.keyboard.press("Enter")
    overview.wait_for_url("**range=3y**")
    stayed = is_in_place(overview)
    overview.wait_for_selector("#historical_nav .tab:nth-of-type(2) canvas")
    seen = [
        overview.evaluate("document.activeElement.textContent"),
        overview.locator(".ranges [aria-current]").inner_text(),
        overview.evaluate("[...Object.keys(sessionStorage), ...Object.keys(localStorage)]"),
        "range=3y" in overview.locator(".tabbar a").first.get_attribute("href"),
        overview.locator("#historical_nav .tab").nth(1).is_visible(),
    ]
    with overview.expect_response("**/charts/**"):
        overview.get_by_role("link", name="The pack day before").click()
    titles = [overview.title()]
    with overview.expect_response("**/charts/**"):
        overview.go_back()
    overview.wait_for_selector("#historical_nav figure.drawn")
    titles.append(overview.title())

    assert stayed
    assert seen == ["3Y", "3Y", ["htmx-current-path-for-history"], True, True]
    assert ["2013-02-28" in titles[0], "2013-03-01" in titles[1]] == [True, True]
    assert overview.locator(".ranges [aria-current]").inner_text() == "3Y"
    assert overview.complaints == []


def test_an_own_span_and_another_day_are_asked_for_in_place(overview):
    overview.locator(".span summary").press("Enter")
    overview.get_by_label("First day").fill("2012-01-10")
    overview.get_by_label("Last day").fill("2012-06-29")
    mark(overview)
    overview.locator("#span button").press("Enter")
    overview.wait_for_url("**from_date=2012-01-10&asof=2012-06-29**")

    assert is_in_place(overview)
    assert overview.locator("main .asof time").first.inner_text() == "2012-06-29"
    assert overview.evaluate("document.activeElement !== document.body")
    assert overview.complaints == []


@pytest.mark.parametrize("status", [403, 404, 422, 429, 500, 503])
def test_a_refusal_in_place_of_a_range_is_the_page_that_it_always_is(overview, status):
    refused = f"<!doctype html><title>Refused</title><h1>Refusal {status}</h1>"
    overview.route("**range=3y**", lambda route: route.fulfill(status=status, body=refused, content_type="text/html"))
    overview.get_by_role("link", name="3Y").click()

    overview.get_by_role("heading", name=f"Refusal {status}").wait_for()
    assert "range=3y" in overview.url
    assert not overview.locator(".bar").count()


def test_a_span_that_is_none_leads_to_the_designed_refusal_with_its_frame(overview):
    overview.locator(".span summary").press("Enter")
    overview.get_by_label("First day").fill("2012-06-29")
    overview.get_by_label("Last day").fill("2012-01-10")
    overview.locator("#span button").press("Enter")

    overview.get_by_text("invalid-request").wait_for()
    assert overview.locator(".tabbar").is_visible()
    assert overview.locator("main h1").count() == 1


def test_a_session_that_has_ended_leads_to_the_log_in_and_back(overview):
    overview.context.clear_cookies(name="sessionid")
    overview.get_by_role("link", name="3Y").click()

    overview.wait_for_url("**/login/?next=**")
    assert "range" in overview.url
    assert overview.get_by_label("Password").is_visible()


def test_an_answer_that_does_not_come_is_asked_for_by_the_browser(overview):
    overview.route(
        "**range=3y**", lambda route: route.abort() if route.request.headers.get("hx-request") else route.continue_()
    )
    overview.get_by_role("link", name="3Y").click()

    overview.wait_for_url("**range=3y**")
    assert overview.locator(".ranges [aria-current]").inner_text() == "3Y"


def test_the_day_and_the_range_go_on_from_page_to_page(overview):
    overview.get_by_role("link", name="The pack day before").click()
    overview.wait_for_selector(".tabbar a[href*='asof=2013-02-28']")
    overview.get_by_role("link", name="3Y").click()
    overview.wait_for_selector(".tabbar a[href*='asof=2013-02-28'][href*='range=3y']")
    overview.locator(".tabbar").get_by_role("link", name="Performance").click()

    overview.wait_for_url("**/performance/**")
    assert "asof=2013-02-28" in overview.url
    assert "range=3y" in overview.url
    assert overview.locator(".ranges [aria-current]").inner_text() == "3Y"
