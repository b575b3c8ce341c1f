"""Where the answers of the product and of the second computation differ."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .reference import Answer, Bridge, Figure, Parts

D = Decimal
HALF_A_CENT = D("0.0050001")
A_CENT = D("0.0100001")
"""What a line of a bridge may be off: its lines are rounded so that they sum to the cent."""
CLOSE = 1e-9
LINES = (
    *("opening_value", "contributions", "withdrawals", "realised_price", "unrealised_price", "fx", "interaction"),
    *("cash_fx", "fx_dealing", "income", "fees", "taxes", "closing_value"),
)


@dataclass(frozen=True)
class Difference:
    path: str
    product: Any
    reference: Any

    def __str__(self) -> str:
        return f"{self.path}: product {self.product}, reference {self.reference}"


def overview(served: dict[str, Any], right: Answer) -> Iterator[Difference]:
    """Of a portfolio's overview as of a day."""
    yield from _valued(served["valued_positions"], right)
    bridges, gains, metrics = served.get("bridges"), served.get("gains"), served["metrics"]
    if not isinstance(bridges, dict) or "since_inception" not in bridges:
        yield Difference("bridges", bridges, "is there")
    else:
        yield from bridge("bridges.since_inception", bridges["since_inception"], right.bridges["since_inception"])
    if not isinstance(gains, dict) or "since_inception" not in gains:
        yield Difference("gains", gains, "is there")
    else:
        yield from _gains(gains, right)
    for window, figure in right.twr.items():
        yield from _figure(f"metrics.twr_{window}", metrics.get(f"twr_{window}"), figure)
    for window, figure in right.gross.items():
        yield from _figure(f"metrics.gross_twr_{window}", metrics.get(f"gross_twr_{window}"), figure)
    for window, figure in right.mwr.items():
        yield from _figure(f"metrics.mwr_{window}", metrics.get(f"mwr_{window}"), figure)
    yield from _days(served["historical_nav"], right)


def _money(path: str, product: Any, reference: Decimal, within: Decimal = HALF_A_CENT) -> Iterator[Difference]:
    if product is None or abs(D(str(product)) - reference) > within:
        yield Difference(path, product, reference)


def _valued(served: dict[str, Any], right: Answer) -> Iterator[Difference]:
    yield from _money("total_value", served["total_value"], right.value)
    yield from _money("accrued_value", served["accrued_value"], right.accrued_value)
    cash = {each["currency"]: D(each["amount"]) for each in served["cash"] if D(each["amount"])}
    for currency in sorted(cash | right.cash):
        yield from _money(f"cash.{currency}", cash.get(currency, D(0)), right.cash.get(currency, D(0)))
    positions = {each["symbol"]: each for each in served["positions"]}
    for symbol in sorted(positions | right.positions):
        product, reference = positions.get(symbol), right.positions.get(symbol)
        if product is None or reference is None:
            yield Difference(f"positions.{symbol}", product and product["quantity"], reference and reference[0])
            continue
        quantity, value, cost, base = reference
        if abs(D(product["quantity"]) - quantity) > abs(quantity) * D("1e-15"):
            yield Difference(f"positions.{symbol}.quantity", product["quantity"], quantity)
        yield from _money(f"positions.{symbol}.market_value", product["market_value"], value)
        yield from _money(f"positions.{symbol}.cost_basis", product["cost_basis"], cost)
        yield from _money(f"positions.{symbol}.cost_basis_base", product["cost_basis_base"], base)


def _gains(served: dict[str, Any], right: Answer) -> Iterator[Difference]:
    yield from _parts("gains.realised", served["since_inception"]["realised"], right.realised, right.capital_returned)
    yield from _parts(
        "gains.realised_this_year", served["year_to_date"]["realised"], right.realised_this_year, right.capital_returned
    )
    yield from _parts("gains.unrealised", served["unrealised"], right.unrealised, right.capital_returned)
    for name, amount in right.income.items():
        yield from _money(f"gains.income.{name}", served["since_inception"]["income"][name], amount)


def _parts(path: str, served: dict[str, Any], right: Parts, capital_returned: bool) -> Iterator[Difference]:
    if served["total"] is None or served["price"] is None:
        yield Difference(path, served, right)
        return
    yield from _money(f"{path}.total", served["total"], right.total)
    if capital_returned:
        # Whether the rate of a lot stays as it was or becomes what is left of its two costs, moves gain between these two.
        both = D(served["price"]) + D(served["interaction"])
        yield from _money(f"{path}.price+interaction", both, right.price + right.interaction, A_CENT)
    else:
        yield from _money(f"{path}.price", served["price"], right.price)
        yield from _money(f"{path}.interaction", served["interaction"], right.interaction)
    yield from _money(f"{path}.fx", served["fx"], right.fx)
    yield from _money(f"{path}.fees", D(served["fees"]).copy_abs(), right.fees)


def bridge(path: str, served: dict[str, Any], right: Bridge) -> Iterator[Difference]:
    for line in LINES:
        yield from _money(f"{path}.{line}", served[line], getattr(right, line), A_CENT)
    if abs(D(served["rounding"])) > D("0.01"):
        yield Difference(f"{path}.rounding", served["rounding"], "at most 0.01")


def _figure(path: str, served: dict[str, Any] | None, right: Figure) -> Iterator[Difference]:
    if served is None:
        yield Difference(path, None, right)
    elif right.value is None or served["value"] is None:
        if (right.value is None) != (served["value"] is None):
            yield Difference(path, served, right)
    else:
        product, reference = float(served["value"]), float(right.value)
        if abs(product - reference) > CLOSE * max(1.0, abs(reference)):
            yield Difference(path, served, right)
        elif served["status"] != right.status:
            yield Difference(
                f"{path}.status", served["status"] + f" ({served['reason']})", f"{right.status} ({right.reason})"
            )


def _days(served: dict[str, Any], right: Answer) -> Iterator[Difference]:
    """Every day's value, to 1e-9 of the largest."""
    product = dict(zip(served["dates"], served["values"], strict=True))
    reference = {
        day.isoformat(): float(value) for day, value in zip(right.series.days, right.series.values, strict=True)
    }
    scale = max([1.0, *(abs(value) for value in reference.values())])
    for day in sorted(product.keys() | reference.keys()):
        if day not in product or day not in reference or abs(product[day] - reference[day]) > CLOSE * scale:
            yield Difference(f"historical_nav.{day}", product.get(day), reference.get(day))
            return
