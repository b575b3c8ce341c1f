"""What a browser would find on a page, by the test client: its links, its forms and their fields; and a walk over all pages."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from django.urls import Resolver404, resolve

NO_PAGES: Final = ("/v1/", "/.well-known/", "/static/", "/logout/")
"""What begins with these is no page."""
TYPED: Final = frozenset({"text", "search", "email", "url", "number", "date", "textarea"})


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    kind: str
    value: str = ""
    options: tuple[str, ...] = ()
    """Values of a list, or of the buttons of one group."""

    @property
    def is_typed(self) -> bool:
        return self.kind in TYPED


@dataclass(slots=True)
class Form:
    """`buttons`: name and value of each that sends it."""

    action: str
    method: str
    fields: list[Field] = field(default_factory=list)
    buttons: list[tuple[str, str]] = field(default_factory=list)
    is_disabled: bool = False

    def filled(self, typed: str = "") -> dict[str, Any]:
        """What a browser would send, with `typed` in each field that takes any text, and with the first button."""
        sent: dict[str, Any] = {}
        for each in self.fields:
            if each.kind == "file":
                continue
            value = typed if typed and each.kind in ("text", "textarea") else each.value
            if each.kind in ("checkbox", "radio", "multiple"):
                sent.setdefault(each.name, []).append(value)
            else:
                sent[each.name] = value
        if self.buttons and self.buttons[0][0]:
            name, value = self.buttons[0]
            sent[name] = value
        return sent


class PageReader(HTMLParser):
    """Links and forms of a page; `text` of `textarea`s is the value of their fields."""

    def __init__(self, text: str, url: str = "/") -> None:
        super().__init__()
        self.url, self.links, self.forms = url, list[str](), list[Form]()
        self._form: Form | None = None
        self._select: tuple[str, bool] | None = None
        self._options: list[tuple[str, bool]] = []
        self._area: tuple[str, list[str]] | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in given and "download" not in given:
            self.links.append(urljoin(self.url, given["href"]))
        elif tag == "form":
            action = urljoin(self.url, given.get("action") or self.url)
            self._form = Form(action, given.get("method", "get").lower())
            self.forms.append(self._form)
        if self._form is None:
            return
        if tag == "fieldset" and "disabled" in given:
            self._form.is_disabled = True
        elif tag == "input" and "disabled" not in given:
            self._add_input(self._form, given)
        elif tag == "button" and given.get("type", "submit") == "submit":
            self._form.buttons.append((given.get("name", ""), given.get("value", "")))
        elif tag == "select":
            self._select, self._options = (given.get("name", ""), "multiple" in given), []
        elif tag == "option" and self._select:
            self._options.append((given.get("value", ""), "selected" in given))
        elif tag == "textarea":
            self._area = given.get("name", ""), []

    @staticmethod
    def _add_input(form: Form, given: dict[str, str]) -> None:
        kind, name, value = given.get("type", "text"), given.get("name", ""), given.get("value", "")
        if kind == "submit":
            form.buttons.append((name, value))
        elif name and (kind not in ("checkbox", "radio") or "checked" in given):
            form.fields.append(Field(name, kind, value or ("on" if kind == "checkbox" else "")))

    def handle_data(self, data: str) -> None:
        if self._area:
            self._area[1].append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select" and self._select and self._form:
            name, is_multiple = self._select
            values = tuple(value for value, _ in self._options)
            chosen = [value for value, is_chosen in self._options if is_chosen]
            if is_multiple:
                self._form.fields += [Field(name, "multiple", value, values) for value in chosen]
            elif name:
                self._form.fields.append(Field(name, "select", (chosen or [*values, ""])[0], values))
            self._select = None
        elif tag == "textarea" and self._area and self._form:
            name, words = self._area
            self._form.fields.append(Field(name, "textarea", "".join(words).removeprefix("\n")))
            self._area = None


def walk(client: Any, start: str) -> Iterator[tuple[str, str, PageReader]]:
    """Name, address and content of one page of each kind that links lead to from `start` on."""
    waiting, seen = [start], set[str]()
    while waiting:
        address = waiting.pop(0)
        name = name_of(address)
        if not name or name in seen:
            continue
        answer = client.get(address)
        if answer.status_code != 200 or "html" not in answer["Content-Type"]:
            continue
        seen.add(name)
        page = PageReader(answer.content.decode(), address)
        yield name, address, page
        waiting += page.links


def name_of(address: str) -> str:
    """Of the view, or of the pattern that it shows; two holdings are one page. Empty: it is none of ours."""
    place = urlsplit(address)
    if place.netloc or not place.path or place.path.startswith(NO_PAGES):
        return ""
    try:
        view = resolve(place.path)
    except Resolver404:
        return ""
    return str(view.kwargs.get("pattern_id") or view.url_name or "")
