"""A comparison as JSON and as lines of text."""

from collections.abc import Iterator
from typing import Any, Final

from config.counts import number_of
from execution.comparison.comparing import Comparison
from execution.executor import Served

ABOUT: Final = (
    "pattern_id", "pattern_version", "pricing_pack_id", "pack_chain_hash", "ledger_commit_hash", "asof_date", "engine_version",
    "result_hash",
)  # fmt: skip
MOST_LINES: Final = 50


def as_dict(comparison: Comparison, page: slice = slice(None)) -> dict[str, Any]:
    """As JSON; `page`: which of the differences."""
    attributions = {text for each in (comparison.before, comparison.after) for text in each.metadata["attributions"]}
    return {
        "before": _about(comparison.before),
        "after": _about(comparison.after),
        "same": not comparison.differences and not comparison.withheld,
        "moved": [cause.as_dict() for cause in comparison.causes],
        "count": len(comparison.differences),
        "offset": page.start or 0,
        "differences": [
            {
                "path": each.path,
                "before": each.before,
                "after": each.after,
                "moved_by": list(comparison.moved_by[each.path]),
            }
            for each in comparison.differences[page]
        ],
        "withheld": list(comparison.withheld),
        "attributions": sorted(attributions),
    }


def _about(served: Served) -> dict[str, Any]:
    return {"execution_id": str(served.execution_id), **{name: served.metadata[name] for name in ABOUT}}


def lines(comparison: Comparison) -> Iterator[str]:
    """What moved, and the first paths that differ."""
    document = as_dict(comparison)
    differences = number_of(document["count"], "difference")
    yield f"{document['before']['execution_id']} -> {document['after']['execution_id']}: {differences}"
    for each in document["moved"]:
        place = f" of {each['pack_id']}" if "pack_id" in each else ""
        yield f"{each['kind']} {each['name']}{place}: {_short(each['before'])} -> {_short(each['after'])}"
    for each in document["differences"][:MOST_LINES]:
        by = f"  ({', '.join(each['moved_by'])})" if each["moved_by"] else ""
        yield f"{each['path']}: {_short(each['before'])} -> {_short(each['after'])}{by}"
    if document["count"] > MOST_LINES:
        yield f"… and {document['count'] - MOST_LINES} more (--json has all)"
    for name in document["withheld"]:
        yield f"{name}: withheld, and not compared"


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {'withheld' if cell is None else cell}" for name, cell in value.items())
    return "-" if value is None else str(value)
