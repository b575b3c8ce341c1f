"""How a portfolio's value is spread over sectors, countries and asset classes, by what a pack says of its securities."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from portfolio.performance.metric import Metric, degraded, unavailable
from portfolio.valuation import ValuedPositions
from pricing.classifications import Kind
from pricing.market import Classification
from pricing.packs.deltas import ASSUMED_RELEASE_DATE

Classified = Mapping[str, Mapping[Kind, Classification]]
"""By symbol and kind what a pack says."""
UNCLASSIFIED, CASH = "Unclassified", "Cash"
NO_CLASSIFICATION, NO_SECURITIES = "no_classification", "no_securities"


@dataclass(frozen=True, slots=True)
class ClassifiedPosition:
    """What a pack says of a security; None where nobody had said it by its date, unavailable where nobody had said anything."""

    symbol: str
    status: str
    reason: str | None
    sector: str | None
    region: str | None
    asset_class: str | None
    isin: str | None
    figi: str | None


@dataclass(frozen=True, slots=True)
class ClassifiedPositions:
    rows: tuple[ClassifiedPosition, ...]
    by_symbol: Classified = field(metadata={"handed_on": True})


@dataclass(frozen=True, slots=True)
class Group:
    """What is held of one sector, country or asset class."""

    name: str
    value: Decimal
    """Base currency."""
    weight: float | None
    """Of the portfolio's value; None where that is not above zero."""
    symbols: str


@dataclass(frozen=True, slots=True)
class Allocation:
    """The groups by falling value; last what nobody has classified, and cash. Their values sum to the portfolio's."""

    sectors: tuple[Group, ...]
    regions: tuple[Group, ...]
    asset_classes: tuple[Group, ...]
    sector_known: Metric
    """Share of the value of securities whose sector is known."""
    region_known: Metric
    asset_class_known: Metric
    unclassified: str
    """The symbols of the securities without a sector, in alphabetical order."""


def classify(symbols: Sequence[str], classified: Classified) -> ClassifiedPositions:
    """What is said of securities, in their order."""
    rows = []
    for symbol in symbols:
        classifications = classified.get(symbol, {})
        status, reason = ("ok", None) if classifications else ("unavailable", NO_CLASSIFICATION)
        if any(each.is_assumed for each in classifications.values()):
            status, reason = "degraded", ASSUMED_RELEASE_DATE
        texts = (classifications[kind].text if kind in classifications else None for kind in Kind)
        rows.append(ClassifiedPosition(symbol, status, reason, *texts))
    return ClassifiedPositions(tuple(rows), classified)


def allocate(valued: ValuedPositions, classified: Classified) -> Allocation:
    """Group the positions. A short position takes from its group."""
    without = [row.symbol for row in valued.positions if Kind.SECTOR not in classified.get(row.symbol, {})]
    return Allocation(
        sectors=_groups(valued, classified, Kind.SECTOR),
        regions=_groups(valued, classified, Kind.REGION),
        asset_classes=_groups(valued, classified, Kind.ASSET_CLASS),
        sector_known=_known_share(valued, classified, Kind.SECTOR),
        region_known=_known_share(valued, classified, Kind.REGION),
        asset_class_known=_known_share(valued, classified, Kind.ASSET_CLASS),
        unclassified=", ".join(sorted(without)),
    )


def group_of(symbol: str, classified: Classified, kind: Kind) -> str:
    """The name of the sector, country or asset class that a security is of."""
    classification = classified.get(symbol, {}).get(kind)
    return classification.text if classification else UNCLASSIFIED


def _groups(valued: ValuedPositions, classified: Classified, kind: Kind) -> tuple[Group, ...]:
    members: dict[str, list[tuple[str, Decimal]]] = {}
    for row in valued.positions:
        members.setdefault(group_of(row.symbol, classified, kind), []).append((row.symbol, row.market_value))
    cash = valued.total_value - sum((row.market_value for row in valued.positions), Decimal(0))
    if valued.cash:
        members[CASH] = [("", cash)]
    groups = [
        Group(name, sum((value for _, value in rows), Decimal(0)), None, ", ".join(sorted(s for s, _ in rows if s)))
        for name, rows in members.items()
    ]
    last = {UNCLASSIFIED: 1, CASH: 2}
    groups.sort(key=lambda each: (last.get(each.name, 0), -each.value, each.name))
    total = valued.total_value
    return tuple(replace(each, weight=float(each.value / total) if total > 0 else None) for each in groups)


def _known_share(valued: ValuedPositions, classified: Classified, kind: Kind) -> Metric:
    """By absolute values, so that a short position takes nothing away."""
    classifications = [classified.get(row.symbol, {}).get(kind) for row in valued.positions]
    sizes = [abs(row.market_value) for row in valued.positions]
    whole = sum(sizes, Decimal(0))
    if not whole:
        return unavailable(NO_SECURITIES)
    if not any(classifications):
        return unavailable(NO_CLASSIFICATION)
    known_size = sum((size for size, each in zip(sizes, classifications, strict=True) if each), Decimal(0))
    doubts = [ASSUMED_RELEASE_DATE] if any(each and each.is_assumed for each in classifications) else []
    return degraded(
        Metric(float(known_size / whole), "ok", None, {"n": sum(each is not None for each in classifications)}), doubts
    )
