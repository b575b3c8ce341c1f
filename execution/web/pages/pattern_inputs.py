"""The inputs of a pattern on its page: what the query string says of them, and the form that asks for them."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from config import dates
from execution import executor, patterns
from execution.executor import RequestInvalid
from execution.models import PatternVersion
from execution.web.pages import holdings, page_rows
from execution.web.pages.navigation import ASOF, CARRIED, SECURITY
from portfolio.models import Portfolio


def read_request(query: Mapping[str, str], version: PatternVersion, portfolio: Portfolio) -> executor.Request:
    """The request that a query string makes. Empty fields of the form are as if they were not there.

    raises   RequestInvalid with every field that is wrong
    """
    declared = version.document["inputs"]
    # Of the frame, which goes on with it, and of the rows of the page alone.
    ours = {name for name in CARRIED if name not in declared} | page_rows.parameters(version.document)
    fields = {name: text for name, text in query.items() if text and name not in ours}
    inputs = {name: _typed(declared[name]["type"], text) if name in declared else text for name, text in fields.items()}
    request = executor.Request(version.pattern_id, inputs, portfolio_id=portfolio.pk)
    asof = query.get("asof")
    if not asof:
        return request
    try:
        return replace(request, asof_date=dates.parse(asof))
    except ValueError:
        findings = [{"pointer": "/asof_date", "reason": "not a date YYYY-MM-DD"}]
    try:
        patterns.effective_inputs(patterns.parse(version.document), {"portfolio_id": str(portfolio.pk), **inputs})
    except patterns.InputsInvalid as wrong:
        findings += [{"pointer": each.pointer, "reason": each.reason} for each in wrong.findings]
    raise RequestInvalid(findings)


def is_unanswered(version: PatternVersion, query: Mapping[str, str]) -> bool:
    """Whether nothing is said of an input that the pattern must have; what is said wrongly is refused, with its reason."""
    required = {name for name, declared in version.document["inputs"].items() if declared.get("required")}
    return any(not query.get(name) for name in required - {"portfolio_id"}) and not any(
        query.get(name) for name in query if name not in CARRIED
    )


def form_context(version: PatternVersion, portfolio: Portfolio, query: Mapping[str, str]) -> dict[str, Any]:
    """The form's fields: the as-of date, and what the pattern declares but for the portfolio, which the address names. `kept`:
    what else the address says of the page, the order and the filter of its rows among it."""
    declared = version.document["inputs"]
    others = {*CARRIED, *page_rows.parameters(version.document)} - {ASOF, *declared}
    return {
        "asof": query.get("asof"),
        "kept": {name: query[name] for name in sorted(others) if query.get(name)},
        "fields": [
            {
                "name": name,
                "label": "Security" if name == SECURITY else name.replace("_", " ").capitalize(),
                "type": {"integer": "number", "number": "number", "date": "date"}.get(own["type"], "text"),
                "step": "1" if own["type"] == "integer" else "any",
                "choices": _choices(name, own, portfolio),
                "required": own.get("required", False),
                "minimum": own.get("minimum"),
                "maximum": own.get("maximum"),
                "hint": own.get("description", ""),
                "value": query.get(name) or field_text(own.get("default")),
            }
            for name, own in sorted(declared.items(), key=lambda each: (not each[1].get("required", False), each[0]))
            if name != "portfolio_id"
        ],
    }


def _typed(declared: str, text: str) -> Any:
    """A text of the query string as its declared type. A text that can't be read so stays text, and is refused as that."""
    if declared == "integer" and re.fullmatch(r"[+-]?[0-9]{1,16}", text):
        return int(text)
    if declared == "number" and re.fullmatch(r"[+-]?[0-9]{1,16}(\.[0-9]{1,16})?", text):
        return float(text)
    if declared == "boolean":
        return {"true": True, "false": False}.get(text, text)
    return text


def _choices(name: str, declared: Mapping[str, Any], portfolio: Portfolio) -> list[tuple[str, str]]:
    """Value and label of each choice; empty where any text may be entered."""
    if name == SECURITY:
        all_holdings = holdings.read(portfolio, None)
        by_symbol = sorted([*all_holdings.now, *all_holdings.before], key=lambda each: each.symbol)
        return [(str(each.security_id), f"{each.symbol}, {each.name}") for each in by_symbol]
    words = ["true", "false"] if declared["type"] == "boolean" else declared.get("enum") or []
    return [(str(word), str(word).replace("_", " ")) for word in words]


def field_text(value: Any) -> str:
    """A value as a field of a form has it: nothing for none, and true or false as JSON writes them."""
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
