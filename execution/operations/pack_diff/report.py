"""A comparison of packs as JSON and as lines of text."""

from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Any, Final

from config.decimals import plain
from execution.operations.pack_diff.changes import Change
from execution.operations.pack_diff.comparison import PackDiff
from portfolio import valuation


def as_dict(diff: PackDiff) -> dict[str, Any]:
    """As JSON."""
    return {
        "before": diff.before.pk,
        "after": diff.after.pk,
        "counts": diff.counts,
        "changes": [change_as_dict(each, diff.denied) for each in diff.changes],
        "portfolios": [
            {
                "portfolio": each.portfolio,
                "currency": each.currency,
                "before": _money(each.before, each.currency),
                "after": _money(each.after, each.currency),
                "difference": _money(each.difference, each.currency),
                "difference_bp": _rounded(each.difference_bp),
                "reason": each.reason or None,
            }
            for each in diff.values
        ],
    }


NUMBERS: Final = {"close", "factor", "rate", "value", "ratio", "amount"}


def change_as_dict(change: Change, denied: Collection[str] = ()) -> dict[str, Any]:
    """As JSON: the fields that differ, each with its text before and after.

    denied  sources whose numbers are left out, and how far they moved with them; that they moved is told
    """
    is_withheld = not change.sources.isdisjoint(denied)
    before, after = (
        {name: None if is_withheld and name in NUMBERS else text for name, text in (row or {}).items()}
        for row in (change.before, change.after)
    )
    return {
        "kind": change.kind,
        "key": change.key,
        "change": change.change,
        "fields": {name: [before.get(name), after.get(name)] for name in change.fields},
        "effect_bp": None if is_withheld else _rounded(change.effect_bp),
        "withheld": is_withheld,
    }


def _money(amount: Decimal | None, currency: str) -> str | None:
    return plain(valuation.quantise(amount, currency))


def _rounded(basis_points: Decimal | None) -> str | None:
    return None if basis_points is None else plain(round(basis_points, 4))


def lines(diff: PackDiff) -> Sequence[str]:
    """As text: counts, rows by effect, portfolios."""
    counts = ", ".join(f"{count} {kind}s" for kind, count in diff.counts.items())
    document = as_dict(diff)
    text = [f"{diff.before.pk} -> {diff.after.pk}: {counts} differ"]
    for each in document["changes"]:
        fields = "; ".join(
            f"{name} withheld" if each["withheld"] and name in NUMBERS else f"{name} {old or '-'} -> {new or '-'}"
            for name, (old, new) in each["fields"].items()
        )
        effect = f" ({each['effect_bp']} bp)" if each["effect_bp"] else ""
        text.append(f"{each['change']:<8} {each['kind']:<11} {each['key']}: {fields}{effect}")
    for each in document["portfolios"]:
        change = each["reason"] or f"{each['difference']} {each['currency']} ({each['difference_bp'] or '-'} bp)"
        text.append(f"{each['portfolio']}: {each['before'] or '-'} -> {each['after'] or '-'}, {change}")
    return text
