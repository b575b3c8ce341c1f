"""Cases of figures that were wrong once, on the market of the woods. Right values by hand, as told beside them.

On the last day, 12 March 2021, ASH closes at 25 CAD, OAK at 50 USD, and a US dollar is 1.75 / 1.27 = 1.37795276 CAD.
"""

from portfolio.analytics import returns, risk
from pricing.models import RiskFreeRate
from tests.cases import woods
from tests.cases.desk import Desk, case, command
from tests.cases.ledgers import opened

HEADER = "date,type,symbol,quantity,unit_price,amount,fee,currency,fx_rate\n"


def night(desk: Desk, first: str, last: str, *words: str) -> None:
    """A night that must be done, and leave everybody a fresh pack."""
    answer = command("nightly", "--from", first, "--to", last, *words)
    desk.same(f"the night to {last}", 0, answer.code)
    if answer.code:
        desk.says("the night", "done", answer.text)
    desk.same(f"the neighbour on {last}", "fresh", _freshness(desk, last))


def _freshness(desk: Desk, asof: str) -> str:
    try:
        desk.overview(asof=asof, slug="neighbour")
    except Exception as refused:
        return str(refused)
    return "fresh"


def begin_neighbour(desk: Desk) -> None:
    desk.taken(desk.take(woods.NEIGHBOUR, slug="neighbour", base="CAD"))


@case("F1", "a currency that is used for the first time later on", base="CAD", world="woods, no night")
def first_use(desk: Desk) -> None:
    begin_neighbour(desk)
    desk.taken(desk.take(woods.NEIGHBOUR))
    night(desk, "2021-03-01", "2021-03-05")
    desk.taken(desk.take(HEADER + "2021-03-08,deposit,,,,100,,GBP,\n"))
    night(desk, "2021-03-08", "2021-03-12")
    desk.same("value", "3705.88", desk.overview().value)  # 1,000 + 2,500 + 100 x 1.75 / 0.85
    desk.same("neighbour", "3500.00", desk.overview(slug="neighbour").value)


@case("F1b", "a currency that is used for the first time, dated back", base="CAD", world="woods, no night")
def first_use_dated_back(desk: Desk) -> None:
    begin_neighbour(desk)
    night(desk, "2021-03-01", "2021-03-11")
    desk.taken(desk.take(HEADER + "2021-03-02,deposit,,,,100,,AED,\n2021-03-10,deposit,,,,100,,CAD,\n"))
    night(desk, "2021-03-12", "2021-03-12")
    seen = desk.overview()
    desk.same("value", "139.77", seen.value)  # 100 x 1.75 / 4.40 + 100
    desk.same("contributions", "138.64", seen.bridge("contributions"))  # 100 x 1.70 / 4.40 + 100


@case("F2", "cash alone, where there is a risk-free rate", base="CAD", world="woods, no night")
def cash_alone(desk: Desk) -> None:
    RiskFreeRate.objects.create(base_currency="CAD", series_id="Y3M", series_currency="CAD")
    begin_neighbour(desk)
    desk.taken(desk.take(HEADER + "2021-03-03,deposit,,,,2500,,CAD,\n"))
    night(desk, "2021-03-01", "2021-03-12")
    seen = desk.overview()
    desk.same("value", "2500.00", seen.value)
    desk.percent("return", "0", seen.metric("twr_itd"))
    desk.says("volatility of nothing observed", "unavailable", seen.status("volatility_itd"))


@case("F3", "as of a day before a later purchase had a price", base="CAD", world="woods")
def before_a_later_purchase(desk: Desk) -> None:
    rows = "2021-03-01,deposit,,,,10000,,CAD,\n2021-03-01,buy,ASH,100,20,,,CAD,\n2021-03-09,buy,ELM,50,30,,,CAD,\n"
    desk.taken(desk.take(HEADER + rows))
    desk.same("value", "10200.00", desk.overview(asof="2021-03-05").value)  # 8,000 + 100 x 22; ELM lists on 8 March
    bridge = desk.execute("money_bridge", asof="2021-03-05")["result"]["bridge"]
    desk.same("bridge", "10200.00", bridge["closing_value"])


@case("F3b", "no figure of a day by what was bought after it", base="CAD", world="woods")
def bought_after(desk: Desk) -> None:
    rows = "2021-03-01,deposit,,,,2000,,CAD,\n2021-03-01,buy,ASH,100,20,,,CAD,\n"
    desk.taken(desk.take(HEADER + rows))
    later = "2021-03-11,deposit,,,,130,,CAD,\n2021-03-11,buy,YEW,10,13,,,CAD,\n"
    desk.taken(desk.take(HEADER + rows + later, slug=f"{desk.slug}-later"))
    for slug in (desk.slug, f"{desk.slug}-later"):
        metric = desk.overview(asof="2021-03-08", slug=slug).metric("volatility_itd")
        # Of 0, 0.025, 0.5/20.5, -1/21, 0.1, 1/22: the root of their variance (n - 1) x 252
        desk.percent("volatility", "77.5775", metric)
        desk.same("periods a year", 252, metric["basis"].get("periods_per_year"))


@case("F3c", "as of a day before the first transaction", base="CAD", world="woods")
def before_everything(desk: Desk) -> None:
    desk.taken(desk.take(HEADER + "2021-03-09,deposit,,,,1000,,CAD,\n"))
    told = desk.refusal(asof="2021-03-03")
    if told:
        desk.says("one sentence", "2021-03-09", told)
        desk.says_not("no failure of ours", "broke", told)
        return
    desk.same("value", "0.00", desk.overview(asof="2021-03-03").value)


@case("F4a", "deals at the fixing: the setting reaches the answer", base="CAD", world="woods")
def at_the_fixing(desk: Desk) -> None:
    desk.taken(desk.ledger(opened("CAD", "OAK", currencies=("USD",)) + _DEPOSIT_USD, "--trade-fx", "fixing"))
    rows = "2021-03-01,buy,OAK,10,40,,,USD,1.40\n2021-03-03,dividend,OAK,,,20,,USD,1.45\n2021-03-02,sell,OAK,4,44,,,USD,1.50\n"
    desk.taken(desk.take(HEADER + rows))
    seen = desk.overview()
    desk.same("dividends", "26.50", seen["gains.since_inception.income.dividends"])  # 20 x 1.32520325
    desk.same("realised", "33.08", seen.realised())  # 4 x 44 x 1.36 - 4 x 40 x 1.28925620


@case("F4a2", "deals at the ledger's own rates, else", base="CAD", world="woods")
def at_own_rates(desk: Desk) -> None:
    desk.taken(desk.ledger(opened("CAD", "OAK", currencies=("USD",)) + _DEPOSIT_USD))
    rows = "2021-03-01,buy,OAK,10,40,,,USD,1.40\n2021-03-03,dividend,OAK,,,20,,USD,1.45\n2021-03-02,sell,OAK,4,44,,,USD,1.50\n"
    desk.taken(desk.take(HEADER + rows))
    seen = desk.overview()
    desk.same("dividends", "29.00", seen["gains.since_inception.income.dividends"])
    desk.same("realised", "40.00", seen.realised())  # 4 x 44 x 1.50 - 4 x 40 x 1.40


_DEPOSIT_USD = '2021-03-01 * "Deposit" "d"\n  Assets:Broker:Cash:USD  5000 USD\n  Equity:External  -5000 USD\n'


@case("F4b", "dividends from their ex-date: the setting reaches the answer", base="CAD", world="woods")
def accrued(desk: Desk) -> None:
    deposit = '2021-03-01 * "Deposit" "d"\n  Assets:Broker:Cash:CAD  3000 CAD\n  Equity:External  -3000 CAD\n'
    desk.taken(desk.ledger(opened("CAD", "ASH") + deposit, "--accrual", "accrual"))
    header = "date,type,symbol,quantity,unit_price,amount,currency,ex_date,pay_date\n"
    rows = "2021-03-01,buy,ASH,100,20,,CAD,,\n2021-03-11,dividend,ASH,,,60,CAD,2021-03-03,2021-03-11\n"
    desk.taken(desk.take(header + rows))
    seen = desk.overview(asof="2021-03-05")
    desk.same("value with what is receivable", "3260.00", seen["valued_positions.accrued_value"])  # 1,000 + 2,200 + 60
    desk.percent("return", "8.6667", seen.metric("twr_itd"))  # 3,260 / 3,000 - 1
    desk.same("income", "60.00", seen.bridge("income"))
    desk.same("basis", "accrual", seen.bridge("accrual"))


@case("F5", "average cost abroad: each purchase at its own day", base="CAD", world="woods")
def average_abroad(desk: Desk) -> None:
    _average(desk, "2021-03-01,buy,OAK,10,40,,,USD,\n2021-03-02,buy,OAK,10,44,,,USD,\n")
    seen = desk.overview()
    desk.same("cost", "1114.10", seen.holding("OAK", "cost_basis_base"))  # 400 x 1.28925620 + 440 x 1.36
    desk.same("unrealised", "263.85", seen.holding("OAK", "unrealized_pnl"))  # 20 x 50 x 1.37795276 - 1,114.1025


@case("F5b", "half of it sold", base="CAD", world="woods")
def average_abroad_sold(desk: Desk) -> None:
    rows = "2021-03-01,buy,OAK,10,40,,,USD,\n2021-03-02,buy,OAK,10,44,,,USD,\n2021-03-12,sell,OAK,10,50,,,USD,\n"
    _average(desk, rows)
    desk.same("realised", "131.93", desk.overview().realised())  # 500 x 1.37795276 - 1,114.1025 / 2


@case("F5c", "a rate told for the first purchase alone", base="CAD", world="woods")
def average_abroad_one_rate(desk: Desk) -> None:
    _average(desk, "2021-03-01,buy,OAK,10,40,,,USD,1.25\n2021-03-02,buy,OAK,10,44,,,USD,\n")
    desk.same("cost", "1098.40", desk.overview().holding("OAK", "cost_basis_base"))  # 400 x 1.25 + 440 x 1.36


@case("F5d", "rates told for purchases, none for a sale", base="CAD", world="woods")
def average_abroad_rates(desk: Desk) -> None:
    rows = "2021-03-01,buy,OAK,10,40,,,USD,1.25\n2021-03-02,buy,OAK,10,42,,,USD,1.30\n2021-03-03,sell,OAK,1,44,,,USD,\n"
    _average(desk, rows)
    desk.same("cost", "993.70", desk.overview().holding("OAK", "cost_basis_base"))  # (500 + 546) x 19 / 20


def _average(desk: Desk, rows: str) -> None:
    ledger = opened("CAD", "OAK", currencies=("USD",), method="") + _DEPOSIT_USD
    desk.taken(desk.ledger(ledger, "--booking", "AVERAGE"))
    desk.taken(desk.take(HEADER + rows))


@case("F6", "an average pool sold out and filled again", base="CAD", world="woods")
def average_again(desk: Desk) -> None:
    deposit = '2021-03-01 * "Deposit" "d"\n  Assets:Broker:Cash:CAD  1000 CAD\n  Equity:External  -1000 CAD\n'
    for sold, realised, unrealised in (("9", "25.00", "-1.00"), ("3", "15.00", "-3.00")):
        slug = f"{desk.slug}-{sold}"
        desk.taken(desk.ledger(opened("CAD", "ASH", method="") + deposit, "--booking", "AVERAGE", slug=slug))
        rows = (
            "2021-03-01,buy,ASH,10,20,,,CAD,\n2021-03-02,sell,ASH,10,21,,,CAD,\n2021-03-03,buy,ASH,8,22,,,CAD,\n"
            f"2021-03-04,buy,ASH,4,23,,,CAD,\n2021-03-05,sell,ASH,{sold},24,,,CAD,\n"
        )
        desk.taken(desk.take(HEADER + rows, slug=slug))
        seen = desk.overview(asof="2021-03-05", slug=slug)
        # The pool is 12 at (176 + 92) / 12 = 22.3333; 10 + sold x (24 - 22.3333), and the rest at 22.
        desk.same(f"bridge, {sold} sold: realised", realised, seen.bridge("realised_price"))
        desk.same(f"bridge, {sold} sold: unrealised", unrealised, seen.bridge("unrealised_price"))
        desk.same(f"gains, {sold} sold: realised", realised, seen.realised())
        desk.same(f"gains, {sold} sold: unrealised", unrealised, seen["gains.unrealised.total"])


@case("F7", "a conversion into the base currency with a fee", base="CAD", world="woods")
def conversion_with_fee(desk: Desk) -> None:
    header = "date,type,symbol,quantity,unit_price,counter_amount,fee,currency\n"
    desk.taken(desk.take(header + "2021-03-01,deposit,,,100,,,USD\n2021-03-02,fx,USD,60,,47,1.5,CAD\n"))
    seen = desk.overview()
    desk.same("dollars of Canada", "58.50", seen.cash("CAD"))
    desk.same("dollars", "53.00", seen.cash("USD"))
    desk.same("fees", "-1.50", seen.bridge("fees"))


@case("F8", "money in a currency outside the central bank's list", base="CAD", world="woods")
def dirhams(desk: Desk) -> None:
    desk.taken(desk.take(HEADER + "2021-03-02,deposit,,,,100,,AED,\n"))
    seen = desk.overview()
    desk.same("cash", "100.00", seen.cash("AED"))
    desk.same("value", "39.77", seen.value)  # 100 x 1.75 / 4.40


@case("F9", "the rate of a transfer's day is not that of the purchase", base="CAD", world="woods")
def transferred(desk: Desk) -> None:
    header = "date,type,symbol,quantity,cost,acquired,unit_price,currency,fx_rate\n"
    desk.taken(desk.take(header + "2021-03-04,transfer_in,OAK,60,2400,2021-03-01,,USD,1.33\n"))
    seen = desk.overview()
    desk.same("cost", "3094.21", seen.holding("OAK", "cost_basis_base"))  # 2,400 x 1.28925620


@case("F10", "a portfolio in one currency needs no rate", base="XCD", world="woods, no night")
def one_currency(desk: Desk) -> None:
    begin_neighbour(desk)
    desk.taken(desk.take(HEADER + "2021-03-02,deposit,,,,100,,XCD,\n2021-03-02,buy,XCS,10,5,,,XCD,\n"))
    night(desk, "2021-03-01", "2021-03-12")
    desk.same("value", "110.00", desk.overview().value)  # 50 + 10 x 6
    desk.percent("return", "10", desk.overview().metric("twr_itd"))


@case("F11", "downside of a single return; dates out of order", world="woods")
def small_arguments(desk: Desk) -> None:
    import numpy as np

    desk.number("downside of +1 %", "0", risk.downside_deviation(np.array([0.01]), periods_per_year=1))
    desk.number("downside of -1 %", "0.01", risk.downside_deviation(np.array([-0.01]), periods_per_year=1))
    days = np.array(["2022-01-01", "2021-01-01"], dtype="datetime64[D]")
    desk.number("rate", "0.050000", returns.money_weighted_return(days, np.array([105.0, -100.0])))


@case("F12", "a calendar year without a pack", base="CAD", world="woods, no night")
def empty_year(desk: Desk) -> None:
    rows = "2019-12-30,deposit,,,,570,,CAD,\n2019-12-30,buy,ASH,30,19,,,CAD,\n"
    desk.taken(desk.take(HEADER + rows))
    begin_neighbour(desk)
    for day in ("2019-12-30", "2019-12-31", "2021-03-01", "2021-03-02"):
        answer = command("nightly", "--date", day)
        desk.same(f"the night of {day}", 0, answer.code)
    seen = desk.overview()
    desk.same("value", "615.00", seen.value)  # 30 x 20.50
    desk.percent("2019", "2.6316", seen.year(2019))  # 19.50 / 19 - 1
    desk.percent("2021", "5.1282", seen.year(2021))  # 20.50 / 19.50 - 1


@case("F13", "bought in Canada, sold in the United States", base="CAD", world="woods")
def interlisted(desk: Desk) -> None:
    rows = "2021-03-01,deposit,,,,600,,CAD,\n2021-03-01,buy,ASH,30,20,,,CAD,\n2021-03-05,sell,ASH,30,16.80,,,USD,\n"
    desk.taken(desk.take(HEADER + rows))
    seen = desk.overview()
    desk.same("dollars", "504.00", seen.cash("USD"))
    desk.same("realised", "30.00", seen.realised())  # 504 x 1.25 - 600
    desk.same("holdings", "", seen.symbols)
