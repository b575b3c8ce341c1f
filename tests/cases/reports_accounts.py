"""Cases of accounts: their names, and what moves between those of one owner."""

from portfolio.models import Lot, Transaction
from tests.cases.desk import Desk, case


def accounts(desk: Desk) -> set[str]:
    """The accounts of a portfolio's rows as they stand."""
    rows = Transaction.objects.filter(portfolio__slug=desk.slug, removed_in__isnull=True)
    return set(rows.values_list("account", flat=True))


def purchase_days(desk: Desk, symbol: str) -> str:
    """The days of purchase of the lots that are open."""
    lots = Lot.objects.filter(
        portfolio__slug=desk.slug, security__symbol=symbol, removed_in__isnull=True, valid_to__isnull=True
    )
    return " ".join(sorted({str(day) for day in lots.values_list("acquired", flat=True)}))


@case("39", "account names of any kind: each opens an account of its own")
def odd_names(desk: Desk) -> None:
    desk.taken(desk.take("39-account-names.csv"))
    desk.same("accounts", 7, len(accounts(desk)))
    desk.same("cash", "2800.00", desk.overview().cash("USD"))


@case("41a", "moving securities by our own file is not taken, and said so")
def own_transfer(desk: Desk) -> None:
    desk.refused(desk.take("41-security-transfer.csv"), "row beancount|transfer")


@case("41b", "securities between own accounts on one day: no flow, no return, the lots as they were")
def between_own_accounts(desk: Desk) -> None:
    desk.taken(desk.take("41b-wealthfolio-transfer.csv"))
    seen = desk.overview()
    desk.same("contributions", "12000.00", seen.bridge("contributions"))
    desk.same("withdrawals", "0.00", seen.bridge("withdrawals"))
    desk.percent("return", "17.9033", seen.metric("twr_itd"))  # 14,148.40 / 12,000 - 1
    desk.percent("money-weighted, a year", "5.8124", seen.metric("mwr_itd"))  # 1.179033 ^ (365 / 1,064) - 1
    desk.same("bought on", "2022-02-01", purchase_days(desk, "ACME"))
