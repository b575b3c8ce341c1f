"""A reader without a mouse: Tab, arrows, Enter, Escape and what is typed. At each stop the focus is on something that is seen."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

MOST_STOPS: Final = 1_000
FOCUS: Final = """() => {
    const at = document.activeElement;
    if (!at || at === document.body || at === document.documentElement) return null;
    const isOutlined = each => {
        const {outlineStyle, outlineWidth} = getComputedStyle(each);
        return outlineStyle !== "none" && parseFloat(outlineWidth) > 0;
    };
    const isOnTop = (shown, {left, right, top, bottom}) => {
        [left, right] = [Math.max(left, 0), Math.min(right, innerWidth)];
        [top, bottom] = [Math.max(top, 0), Math.min(bottom, innerHeight)];
        for (let row = 1; row < 6; row++) for (let column = 1; column < 6; column++) {
            const hit = document.elementFromPoint(left + (right - left) * column / 6, top + (bottom - top) * row / 6);
            if (hit && (shown === at ? at : shown.parentElement).contains(hit)) return left < right && top < bottom;
        }
        return false;
    };
    // a control that is drawn by what is beside it (a tab by its label, a chart's day by the chart, an editor) is outlined there
    const shown = [at, at.nextElementSibling, at.closest(".cm-editor")].filter(each => each && isOutlined(each));
    const name = at.getAttribute("aria-label") || at.textContent.trim() || at.name || at.id || at.className;
    const place = `${at.tagName.toLowerCase()} ${name.replace(/\\s+/g, " ").slice(0, 60)}`;
    if (!shown.length) return {place, fault: "no outline"};
    const isSeen = shown.some(each => [...each.getClientRects()].some(box => isOnTop(each, box)));
    return {place, fault: isSeen ? "" : "covered or out of the window"};
}"""
"""Where the focus is, and what keeps it from being seen; null: on nothing, which is so before the first and after the last stop."""
IS_FOCUSED: Final = "all => all.includes(document.activeElement)"


@dataclass(frozen=True, slots=True)
class Keyboard:
    """The keyboard of one page."""

    page: Any

    def tab_to(self, wanted: Any) -> None:
        """Press Tab until the focus is on `wanted`, past the end of the page where it stands before."""
        stops: list[str] = []
        while stops.count("") < 2:
            focus = self._press_tab()
            assert not (focus and focus["fault"]), f"{focus} of {self.page.url}"
            stops.append(focus["place"] if focus else "")
            if wanted.evaluate_all(IS_FOCUSED):
                return
            assert len(stops) < MOST_STOPS, f"Tab leads to no end of {self.page.url}"
        raise AssertionError(f"on {self.page.url} no Tab leads to {wanted}, but to {sorted({*stops})}")

    def enter(self, wanted: Any) -> None:
        """Go to it and press Enter."""
        self.tab_to(wanted)
        self.press("Enter")

    def write(self, wanted: Any, text: str) -> None:
        """Go to a field and put `text` in the place of what is in it."""
        self.tab_to(wanted)
        self.press("Control+a")
        self.page.keyboard.type(text)

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)

    def faults(self) -> Iterator[str]:
        """What keeps a stop from being seen, of those from where the focus is to the end of the page; and where there is no end."""
        for _ in range(MOST_STOPS):
            focus = self._press_tab()
            if focus is None:
                return
            if focus["fault"]:
                yield f"{focus['place']}: {focus['fault']}"
        yield "Tab leads to no end of the page"

    def _press_tab(self) -> dict[str, str] | None:
        self.press("Tab")
        focus: dict[str, str] | None = self.page.evaluate(FOCUS)
        return focus


@dataclass(frozen=True)
class Reader:
    """A page, its keyboard, and what is on it."""

    page: Any
    keyboard: Keyboard

    def link(self, name: str, within: str = "main", *, exact: bool = True) -> Any:
        return self.page.locator(within).get_by_role("link", name=name, exact=exact)

    def button(self, name: str, *, exact: bool = True) -> Any:
        return self.page.get_by_role("button", name=name, exact=exact)

    def go_to_page(self, name: str) -> None:
        """By the rail, which a telephone has at the end of the page instead."""
        pages = self.page.locator("#rail" if self.page.viewport_size["width"] > 800 else "#pages")
        with self.page.expect_navigation():
            self.keyboard.enter(pages.get_by_role("link", name=name, exact=True))

    def heading(self, name: str) -> None:
        """Wait until the page's heading says so."""
        self.page.get_by_role("heading", name=name, level=1).wait_for()

    def text(self, selector: str = "main") -> str:
        return str(self.page.locator(selector).first.inner_text())


def reader_of(page) -> Reader:
    return Reader(page, Keyboard(page))
