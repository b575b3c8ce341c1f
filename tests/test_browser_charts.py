"""Charts in a real browser: the pointer, the keys, spans that are chosen, and what a chart is without its data."""

import pytest


def test_the_cross_hair_walks_by_keyboard_and_tells_the_day(overview):
    walker = overview.get_by_label("Day of the chart").first
    walker.focus()
    overview.keyboard.press("ArrowLeft")

    told = overview.locator(".readout").first.inner_text()
    assert told.startswith("2013-02-28: Value ")
    assert walker.get_attribute("aria-valuetext") == told


INK = """canvas => {
    const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return data.filter((value, place) => place % 4 === 3 && value > 0).length;
}"""


def test_lines_are_drawn_with_every_day_and_what_was_traded_is_told(overview):
    chart = overview.locator("#historical_nav figure").first
    chart.locator("canvas").wait_for()
    overview.wait_for_function("document.querySelector('#historical_nav figure').classList.contains('drawn')")
    overview.wait_for_timeout(100)  # the lines are drawn in the next frame
    walker = overview.get_by_label("Day of the chart").first
    walker.focus()
    told = []
    for _ in range(70):
        overview.keyboard.press("ArrowLeft")
        told.append(chart.locator(".readout").inner_text())

    assert chart.locator("canvas").evaluate(INK) > 500
    assert chart.locator(".lines").evaluate("each => getComputedStyle(each).visibility") == "hidden"
    assert any(": bought " in each or ", bought " in each for each in told)
    assert len(set(told)) == 70
    assert overview.complaints == []


def test_a_span_of_the_chart_is_chosen_by_keyboard_and_is_in_the_address(overview):
    overview.get_by_label("Day of the chart").first.focus()
    overview.keyboard.press("ArrowLeft")
    overview.keyboard.press("Shift+ArrowLeft")
    overview.keyboard.press("Shift+ArrowLeft")
    begun = overview.locator(".readout").first.inner_text()
    overview.keyboard.press("Escape")
    left = overview.locator(".readout").first.inner_text()
    overview.keyboard.press("Shift+ArrowRight")
    overview.keyboard.press("Enter")

    overview.wait_for_url("**/portfolio_overview/?*from_date=2013-02-26&asof=2013-02-27*")
    assert begun.startswith("2013-02-26 to 2013-02-28: Enter shows this span, Escape leaves it. 2013-02-26: Value ")
    assert left.startswith("2013-02-26: Value ")
    assert overview.locator(".span summary").inner_text().endswith("2013-02-26 – 2013-02-27")
    assert overview.complaints == []


def test_a_span_of_the_chart_is_chosen_by_dragging(overview):
    over = overview.locator("#historical_nav .u-over").first
    over.scroll_into_view_if_needed()
    box = over.bounding_box()
    overview.mouse.move(box["x"] + box["width"] / 4, box["y"] + 40)
    overview.mouse.down()
    overview.mouse.move(box["x"] + box["width"] / 2, box["y"] + 60, steps=4)
    overview.mouse.up()

    overview.wait_for_url("**/portfolio_overview/?*from_date=*")
    query = dict(each.split("=") for each in overview.url.partition("?")[2].split("&"))
    assert "2012-05-25" < query["from_date"] < "2012-06-08"
    assert "2012-08-25" < query["asof"] < "2012-09-08"
    assert overview.complaints == []


@pytest.mark.parametrize(
    "answer", [{"status": 503}, {"status": 200, "body": "{}"}], ids=["refused", "without the chart"]
)
def test_without_its_data_a_chart_is_the_drawing_that_it_was(overview, answer):
    overview.route("**/charts/**", lambda route: route.fulfill(content_type="application/json", **answer))
    with overview.expect_response("**/charts/**"):
        overview.reload()

    assert overview.locator("#historical_nav path.s1").first.bounding_box()["width"] > 200
    assert (
        overview.locator("#historical_nav .lines").first.evaluate("each => getComputedStyle(each).visibility")
        == "visible"
    )
    assert not overview.locator("canvas").count()


def test_hidden_amounts_are_hidden_in_what_a_chart_tells(overview):
    overview.context.add_cookies([{"name": "privacy", "value": "on", "url": overview.url.partition("portfolios")[0]}])
    overview.reload()
    overview.get_by_label("Day of the chart").first.focus()
    overview.keyboard.press("ArrowLeft")

    told = overview.locator(".readout").first.inner_text()
    assert told.startswith("2013-02-28: Value ••• CAD, Money put in, net ••• CAD")
    assert overview.complaints == []


def test_a_chart_behind_another_tab_is_chosen_by_keyboard(overview):
    overview.locator("#historical_nav input[type=radio]").first.focus()
    overview.keyboard.press("ArrowRight")

    assert overview.locator("#historical_nav .tab").nth(1).is_visible()
    assert not overview.locator("#historical_nav .tab").nth(0).is_visible()


def test_a_chart_that_was_drawn_for_a_wider_window_does_not_widen_the_page(overview):
    overview.locator("#historical_nav .u-wrap").first.evaluate("drawing => { drawing.style.width = '600px'; }")

    assert overview.evaluate("document.documentElement.scrollWidth") == 390
