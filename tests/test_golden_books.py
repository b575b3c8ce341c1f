"""Worked examples of docs/measurement.md on lots, gains, bridge, split, transfer and dividend: from a ledger to figures.

Each portfolio is one golden. Their market, ledgers and nights are made once; the numbers were computed apart.
"""

from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model

from execution.night import nightly
from execution.operations import intake
from portfolio import books, valuation
from portfolio.models import LedgerRevision, Portfolio
from portfolio.performance import daily_returns
from portfolio.performance import record as metrics_record
from portfolio.valuation import bridge, deal_rates, gains
from pricing import market, packs
from pricing.models import PricingPolicy, Security
from pricing.tests import folders
from tests import plugin

D = Decimal
DAYS = tuple(date(2020, 1, number) for number in (2, 3, 6, 7, 8, 9, 10))
FIRST, LAST = DAYS[0], DAYS[-1]
EUR_CAD = (1.30, 1.34, 1.36, 1.40, 1.30, 1.35, 1.36)
"""The fixing is of the euro, so that the euro stands for the golden's foreign currency and the cross is what is published."""
CLOSES = {
    # security: closes of the seven days
    "BRIDGE": (50, 50, 52, 53, 54, 54, 55),
    "TRADE": (150, 150, 180, 180, 180, 180, 180),
    "ADR": (20, 20, 20, 20, 20, 20, 20),
    "HIFO": (100, 100, 100, 100, 105, 110, 110),
    "POOL": (100, 100, 110, 120, 125, 130, 130),
    "KIND": (48, 48, 48, 48, 48, 48, 50),
    "FRAC": (30, 30, 21, 21, 21, 21, 21),
    "TRACK": (100, 100, 200, 200, 200, 200, 200),
    "CADDIV": (100, 100, 100, 100, 100, 100, 100),
    "FEES": (100, 100, 100, 100, 100, 100, "101.25"),
    "SEVEN": ("645.57", "645.57", "93.70", "93.70", "93.70", "93.70", "93.70"),
    "AVG": (10, 16, 6, 6, 6, 6, 6),
    "PARENT": (100, 100, 80, 80, 80, 80, 80),
    "THIRD": (100, 100, 300, 200, 200, 200, 200),
    "CHILD": (40, 40, 40, 40, 40, 50, 50),
}
IN_CAD = frozenset({"KIND", "FRAC", "TRACK", "CADDIV", "FEES", "SEVEN", "AVG", "PARENT", "CHILD", "THIRD"})
ACTIONS = "".join(
    f"2020-01-06,,{symbol},split,{ratio},,CAD,derived:wood,,ok\n"
    for symbol, ratio in (("FRAC", "1.5"), ("SEVEN", "7"), ("AVG", "3"), ("THIRD", "0.333333333333"))
)
HEAD = """\
option "title" "{slug}"
option "operating_currency" "CAD"
option "booking_method" "FIFO"
option "inferred_tolerance_default" "*:0.005"
2020-01-02 open Assets:CAD CAD
2020-01-02 open Assets:EUR EUR
2020-01-02 open Assets:S
2020-01-02 open Assets:T
2020-01-02 open Equity:External
2020-01-02 open Expenses:Commission
2020-01-02 open Expenses:Custody
2020-01-02 open Expenses:Interest
2020-01-02 open Expenses:Management
2020-01-02 open Expenses:Withholding
2020-01-02 open Income:Dividends
2020-01-02 open Income:Realised
"""


def deposit(amount, currency="EUR", day="02"):
    return f'2020-01-{day} * "deposit"\n  Assets:{currency}  {amount} {currency}\n  Equity:External\n'


def buy(day, quantity, symbol, price, fee="0", *, currency="EUR", rate=None):
    metadata = f'  fx_trade: "{currency}CAD={rate}"\n' if rate else ""
    return (
        f'2020-01-{day} * "buy"\n{metadata}  Assets:S  {quantity} {symbol} {{{price} {currency}}}\n'
        f"  Expenses:Commission  {fee} {currency}\n  Assets:{currency}\n"
    )


def sell(day, quantity, symbol, price, fee="0", *, lot="", currency="EUR", rate=None):
    metadata = f'  fx_trade: "{currency}CAD={rate}"\n' if rate else ""
    cash = D(quantity) * D(price) - D(fee)
    return (
        f'2020-01-{day} * "sell"\n{metadata}  Assets:S  -{quantity} {symbol} {{{lot}}} @ {price} {currency}\n'
        f"  Expenses:Commission  {fee} {currency}\n  Assets:{currency}  {cash} {currency}\n  Income:Realised\n"
    )


LEDGERS = {
    # 100: 50 -> 55, FX 1.30 -> 1.36: 980 = 650 + 300 + 30
    "bridge": deposit("5000") + buy("02", 100, "BRIDGE", 50),
    # 50 @ 150 -> 180, FX 1.34 -> 1.36, fee 9.95 each side, in cost
    "trade": deposit("20000") + buy("03", 50, "TRADE", 150, "9.95") + sell("06", 50, "TRADE", 180, "9.95"),
    # the broker's own rates, which are not the fixings
    "broker": deposit("20000")
    + buy("07", 50, "TRADE", 150, "9.95", rate="1.34")
    + sell("08", 50, "TRADE", 180, "9.95", rate="1.36"),
    # 100 x 0.24, ex at 1.34, paid at 1.36
    "adr": deposit("2000")
    + buy("02", 100, "ADR", 20)
    + '2020-01-06 * "dividend"\n  symbol: "ADR"\n  ex_date: 2020-01-03\n  pay_date: 2020-01-06\n'
    + "  Assets:EUR  24.00 EUR\n  Income:Dividends\n",
    # 1,000, of which 15 % is withheld, on 100,000
    "withheld": deposit("100000", "CAD")
    + buy("02", 1000, "CADDIV", 100, currency="CAD")
    + '2020-01-08 * "dividend"\n  symbol: "CADDIV"\n  ex_date: 2020-01-06\n'
    + "  Assets:CAD  850.00 CAD\n  Expenses:Withholding  150.00 CAD\n  Income:Dividends\n",
    # 100,000 becomes 101,250; 250 of that are charged, or the owner pays them from elsewhere
    "inside": deposit("100000", "CAD")
    + buy("02", 1000, "FEES", 100, currency="CAD")
    + '2020-01-10 * "fee"\n  Assets:CAD  -250 CAD\n  Expenses:Management\n',
    "outside": deposit("100000", "CAD")
    + buy("02", 1000, "FEES", 100, currency="CAD")
    + '2020-01-10 * "fee"\n  Expenses:Management  250 CAD\n  Equity:External\n',
    "hifo": deposit("5000")
    + buy("07", 10, "HIFO", 100)
    + buy("08", 10, "HIFO", 105)
    + sell("09", 10, "HIFO", 110, lot="105 EUR"),
    "pool": deposit("5000")
    + buy("02", 10, "POOL", 100, rate="1.30")
    + buy("07", 10, "POOL", 120, rate="1.40")
    + sell("09", 10, "POOL", 130, rate="1.35"),
    # 100@10+5, 50@16+5, 3:1, return of capital 0.50, sell 200@6-5
    "average": deposit("5000", "CAD")
    + buy("02", 100, "AVG", 10, 5, currency="CAD")
    + buy("03", 50, "AVG", 16, 5, currency="CAD")
    + '2020-01-06 * "split"\n  split_ratio: "3:1"\n  Assets:S  -150 AVG {}\n'
    + "  Assets:S  300 AVG {3.333333333333 CAD, 2020-01-02}\n"
    + "  Assets:S  150 AVG {5.333333333333 CAD, 2020-01-03}\n"
    + '2020-01-07 * "capital"\n  Assets:S  -450 AVG {}\n  Assets:CAD  225 CAD\n'
    + "  Assets:S  300 AVG {2.833333333333 CAD, 2020-01-02}\n"
    + "  Assets:S  150 AVG {4.833333333333 CAD, 2020-01-03}\n"
    + sell("08", 200, "AVG", 6, 5, currency="CAD"),
    # 100 shares at 645.57, 7:1, close 93.70
    "seven": deposit("64557", "CAD")
    + buy("02", 100, "SEVEN", "645.57", currency="CAD")
    + '2020-01-06 * "split"\n  split_ratio: "7:1"\n  Assets:S  -100 SEVEN {}\n'
    + "  Assets:S  700 SEVEN {92.22428571428571 CAD, 2020-01-02}\n",
    # one new share for two, at first-day values of 80 and 40 / 2: a fifth of the cost goes along; then all of it elsewhere
    "spin": deposit("1000", "CAD")
    + buy("02", 10, "PARENT", 100, currency="CAD")
    + '2020-01-06 * "spin-off"\n  Assets:S  -10 PARENT {}\n  Assets:S  10 PARENT {80 CAD, 2020-01-02}\n'
    + "  Assets:S  5 CHILD {40 CAD, 2020-01-02}\n"
    + '2020-01-07 * "elsewhere"\n  Assets:S  -5 CHILD {}\n  Assets:T  5 CHILD {40 CAD, 2020-01-02}\n'
    + '2020-01-09 * "out"\n  Assets:T  -2 CHILD {}\n  Equity:External\n',
    "kind": deposit("100000", "CAD")
    + '2020-01-10 * "in kind"\n  Assets:S  100 KIND {40 CAD, 2015-06-01}\n  Equity:External\n',
    "fraction": deposit("4000", "CAD")
    + buy("02", 101, "FRAC", 30, currency="CAD")
    + '2020-01-06 * "split"\n  split_ratio: "3:2"\n  Assets:S  -101 FRAC {}\n  Assets:S  151.5 FRAC {20 CAD, 2020-01-02}\n'
    + sell("06", "0.5", "FRAC", 21, currency="CAD"),
    "tracker": deposit("5000", "CAD")
    + buy("02", 10, "TRACK", 100, currency="CAD")
    + sell("03", 5, "TRACK", 100, currency="CAD")
    + buy("06", 5, "TRACK", 200, currency="CAD")
    + sell("07", 5, "TRACK", 200, currency="CAD"),
    # traded on the last day but one, settled after the last
    "pending": deposit("5000", "CAD")
    + buy("09", 10, "KIND", 48, currency="CAD").replace('"buy"\n', '"buy"\n  settle_date: 2020-01-13\n'),
    # one for three, the fraction and then the rest sold: no ratio says it exactly
    "thirds": deposit("5000", "CAD")
    + buy("02", 10, "THIRD", 100, currency="CAD")
    + buy("03", 10, "THIRD", 100, currency="CAD")
    + '2020-01-06 * "split"\n  split_ratio: "1:3"\n  Assets:S  -20 THIRD {}\n'
    + "  Assets:S  3.333333333333 THIRD {300 CAD, 2020-01-02}\n  Assets:S  3.333333333334 THIRD {300 CAD, 2020-01-03}\n"
    + sell("07", "0.666666666667", "THIRD", 200, currency="CAD").replace("133.333333333400", "133.33")
    + sell("08", 6, "THIRD", 200, currency="CAD"),
    # a dividend that is taken back, withholding reclaimed, a fee refunded, interest charged, a gift, a share worth nothing
    "odd": deposit("1000", "CAD")
    + buy("02", 10, "KIND", 48, currency="CAD")
    + buy("02", 1, "TRACK", 100, currency="CAD")
    + '2020-01-03 * "gone"\n  Assets:S  -1 TRACK {} @ 0 CAD\n  Income:Realised\n'
    + "".join(
        f'2020-01-{day} * "x"\n  symbol: "KIND"\n  Assets:CAD  {net} CAD\n  Expenses:Withholding  {tax} CAD\n  Income:Dividends\n'
        for day, net, tax in (("06", 85, 15), ("07", -85, -15))
    )
    + "".join(
        f'2020-01-08 * "x"\n  Assets:CAD  {amount} CAD\n  Expenses:{account}\n'
        for amount, account in ((5, "Withholding"), (-20, "Management"), (8, "Management"), (-3, "Interest"))
    )
    + '2020-01-08 * "gift"\n  Assets:S  2 KIND {0 CAD, 2010-01-04}\n  Equity:External\n',
    # a share that trades in euro, bought and sold for dollars: at 50 x 1.30, and half of it at 54 x 1.35
    "dollars": deposit("6500", "CAD")
    + buy("02", 100, "BRIDGE", 65, currency="CAD")
    + sell("09", 50, "BRIDGE", "72.9", currency="CAD"),
    # nothing until the fourth day; foreign cash is converted, revalued and taken out
    "late": deposit("1000", day="07")
    + '2020-01-08 * "fx"\n  fx_rate: "EURCAD=1.31"\n  Assets:CAD  131 CAD @@ 100 EUR\n  Assets:EUR  -100 EUR\n'
    + '2020-01-09 * "out"\n  Assets:EUR  -300 EUR\n  Equity:External\n',
    # the lots that the ledger names, in an account without a method
    "named": deposit("5000", "CAD")
    + buy("02", 10, "TRACK", 100, currency="CAD")
    + buy("06", 10, "TRACK", 200, currency="CAD")
    + sell("07", 10, "TRACK", 200, lot="200 CAD", currency="CAD"),
}


METHODS = {"hifo": "HIFO", "pool": "AVERAGE", "average": "AVERAGE", "named": "NAMED"}
ACCRUING = "withheld-accrual"
SETTINGS = {
    # portfolio: the ledger that it has too, and what it is counted by
    ACCRUING: ("withheld", {"accrual": "accrual"}),
    "trade-apart": ("trade", {"fees_in_cost": False}),
    "broker-fixing": ("broker", {"trade_fx": "fixing"}),
}


def market_folder(folder: Path) -> Path:
    currency = {symbol: "CAD" if symbol in IN_CAD else "EUR" for symbol in CLOSES}
    securities = "".join(f"{each},{each},{currency[each]},equity,XNYS,wood,raw,2020-01-02,\n" for each in CLOSES)
    prices = "".join(
        f"{day},{symbol},{close},{currency[symbol]},wood\n"
        for symbol, closes in CLOSES.items()
        for day, close in zip(DAYS, closes, strict=True)
    )
    rates = "".join(f"{day},EUR,CAD,{rate},central\n" for day, rate in zip(DAYS, EUR_CAD, strict=True))
    return folders.write(
        folder,
        {
            "securities.csv": "symbol,name,currency,type,exchange,source,price_basis,first_date,last_date\n"
            + securities,
            "prices.csv": "date,symbol,close,currency,source\n" + prices,
            "fx.csv": "date,base,quote,rate,source\n" + rates,
            "macro.csv": "date,series_id,value,source\n2020-01-02,Y10,1.88,bureau\n",
            "macro_series.csv": "id,title,unit,frequency,source\nY10,Ten years,percent,D,bureau\n",
            "corporate_actions.csv": "ex_date,pay_date,symbol,action,ratio,amount,currency,source,announced,quality\n"
            + ACTIONS,
        },
    )


@pytest.fixture(scope="module")
def world(migrated, django_db_blocker, tmp_path_factory):
    """All the goldens' portfolios on one market, as role job."""
    folder = tmp_path_factory.mktemp("goldens")
    with (
        contextmanager(plugin.copy_of)(plugin.SHARED[plugin.EMPTY], plugin.World, django_db_blocker),
        plugin.role("job"),
    ):
        owner = get_user_model().objects.create_user("anna")
        intake.load_market_data(str(market_folder(folder / "market")))
        policy = PricingPolicy.objects.get(pk="ECB_EUR")
        for slug, text in (LEDGERS | {name: LEDGERS[ledger] for name, (ledger, _) in SETTINGS.items()}).items():
            Portfolio.objects.create(
                slug=slug,
                name=slug,
                owner=owner,
                base_currency="CAD",
                policy=policy,
                booking_method=METHODS.get(slug, "FIFO"),
                **SETTINGS.get(slug, ("", {}))[1],
            )
            (folder / slug).mkdir()
            (folder / slug / "main.beancount").write_text(HEAD.format(slug=slug) + text)
            entered = intake.import_ledger(folder / slug)
            if slug == "bridge":  # its night seals the packs that all others are reconciled at as they come
                nightly.run(policy=policy, from_date=FIRST, date=LAST)
            else:
                assert (entered["status"], entered["breaks"]) == ("reconciled", []), slug
        yield


class Golden:
    """The rows of one golden's portfolio, and what is made of them."""

    def __init__(self, slug, asof=LAST):
        self.portfolio = Portfolio.objects.select_related("policy").get(slug=slug)
        self.pack = packs.resolve(policy=self.portfolio.policy, asof_date=asof)
        self.book = books.load(self.portfolio, LedgerRevision.objects.get(portfolio=self.portfolio))
        self.history = market.history(self.pack)
        self.asof = asof

    @property
    def life(self):
        return valuation.history(self.book, self.history)

    @property
    def gains(self):
        return gains.compute(self.book, self.history)

    @property
    def valued(self):
        named = {row[0]: row[1:] for row in Security.objects.values_list("id", "symbol", "name", "currency")}
        rates = deal_rates.DealRates(self.history, "CAD", self.book.trade_fx)
        return valuation.apply(valuation.positions(self.book, self.asof, named, rates), market.as_of(self.pack))

    def bridge(self, opening=None, closing=None):
        found = bridge.between(self.book, self.history, opening=opening, closing=closing)
        assert abs(found.rounding) <= D("0.01")
        lines = sum(getattr(found, name) for name in bridge.LINES)
        assert found.opening_value + lines + found.rounding == found.closing_value
        return found


def exactly(gain):
    return (gain.price, gain.fx, gain.interaction, gain.total)


def test_a_bridge_tells_price_fx_and_interaction_apart(world):
    golden = Golden("bridge")

    found = golden.bridge()

    assert (found.unrealised_price, found.fx, found.interaction) == (D("650.00"), D("330.00"), D("30.00"))
    assert (found.contributions, found.closing_value, found.gain) == (D("6500.00"), D("7480.00"), D("980.00"))
    assert exactly(golden.gains.unrealised) == (D("650.00"), D("300.00"), D("30.00"), D("980.00"))
    assert golden.valued.positions[0].unrealized_pnl == D("980.00")


def test_a_share_that_was_paid_in_another_currency_than_it_trades_in_gains_what_it_did(world):
    golden = Golden("dollars")

    found, gained = golden.bridge(), golden.gains

    # 50 held: 55 x 1.36 - 65; 50 sold: 72.90 - 65
    assert (gained.unrealised.total, gained.since_inception.realised.total) == (D("490.00"), D("395.00"))
    assert golden.valued.positions[0].unrealized_pnl == D("490.00")
    assert golden.valued.positions[0].cost_basis == D("2500.00")  # in euro, as its price is: 50 at 50
    assert (found.realised_price, found.unrealised_price) == (D("260.00"), D("325.00"))  # 50 x 4 x 1.30, 50 x 5 x 1.30
    assert found.fx == D("300.00")  # 50 x 54 x 0.05 + 50 x 55 x 0.06
    assert found.gain == D("885.00")
    life = golden.life
    assert life.local_returns[:, 0] == pytest.approx(
        [0, 0, 52 / 50 - 1, 53 / 52 - 1, 54 / 53 - 1, 0, 55 / 54 - 1], abs=1e-12
    )
    assert life.other == pytest.approx([0] * 7, abs=1e-12)


@pytest.mark.parametrize("slug", ["trade", "broker"])
def test_a_sale_with_fees_in_cost_at_the_fixings_or_the_brokers_own_rates(world, slug):
    golden = Golden(slug)

    assert exactly(golden.gains.since_inception.realised) == (
        *(D("1983.33"), D("150.20"), D("29.60")),
        D("2163.14"),  # 2,163.135 = 1,983.334 + 150.199 + 29.602, half-even
    )
    found = golden.bridge()
    assert found.realised_price == D("2010.00")  # 50 x 30 x 1.34, fees apart
    assert found.fees == D("-26.86")  # 9.95 x 1.34 + 9.95 x 1.36 = 26.865
    assert found.fx == D("180.00")  # 50 x 150 x 0.02 + 50 x 30 x 0.02


def test_fees_apart_are_in_no_price_and_the_total_is_the_same(world):
    found = Golden("trade-apart").gains.since_inception.realised

    assert (exactly(found), found.fees) == ((D("2010.00"), D("150.00"), D("30.00"), D("2163.14")), D("26.86"))
    assert Golden("trade").gains.since_inception.realised.fees == 0


def test_a_portfolio_that_goes_by_fixings_takes_no_rate_of_the_brokers(world):
    found = Golden("broker-fixing").gains.since_inception.realised

    # 8,990.05 x 1.30 - 7,509.95 x 1.40: bought on the 7th at a fixing of 1.40, sold on the 8th at 1.30
    assert found.total == D("1173.14")
    assert found.fx == D("-751.00")  # 7,509.95 x -0.10


def test_an_adrs_dividend_counts_at_the_pay_date_rate_and_is_receivable_from_its_ex_date(world):
    paid, due = Golden("adr"), Golden("adr", DAYS[1])

    assert paid.gains.since_inception.income.dividends == D("32.64")
    assert paid.bridge(closing=DAYS[2]).income == D("32.64")
    assert [(row.symbol, row.ex_date, row.pay_date, row.market_value) for row in due.valued.receivables] == [
        ("ADR", DAYS[1], DAYS[2], D("32.16"))
    ]
    assert due.valued.accrued_value - due.valued.total_value == D("32.16")


def test_withholding_reduces_the_return_when_paid_or_from_the_ex_date_by_the_setting(world):
    cash, accruing = Golden("withheld"), Golden(ACCRUING)

    returns = [daily_returns.measure(each.life).returns for each in (cash, accruing)]

    assert [float(each[4]) for each in returns] == pytest.approx([0.0085, 0.0], abs=1e-15)
    assert [float(each[2]) for each in returns] == pytest.approx([0.0, 0.0085], abs=1e-15)
    assert accruing.life.cash_basis_value == pytest.approx(cash.life.value, abs=1e-9)
    assert accruing.life.accrual == "accrual"


def test_a_bridge_by_accrual_has_the_receivable_in_its_income_and_closing_value(world):
    cash, accruing = (Golden(slug).bridge(closing=DAYS[3]) for slug in ("withheld", ACCRUING))

    assert (cash.income, cash.taxes, cash.closing_value) == (0, 0, D("100000.00"))
    assert (accruing.income, accruing.taxes) == (D("1000.00"), D("-150.00"))
    assert accruing.closing_value == D("100850.00")
    after = Golden(ACCRUING).bridge(opening=DAYS[3])
    assert (after.opening_value, after.income, after.gain) == (D("100850.00"), 0, 0)


def test_a_fee_from_inside_or_from_elsewhere_makes_the_same_net_return(world):
    for life in (Golden("inside").life, Golden("outside").life):
        timed, weighted = (
            of(life, portfolio_id="", pack_id="PP_2020-01-10_ECB_EUR_r1")
            for of in (metrics_record.twr, metrics_record.mwr)
        )
        assert 100 * timed["twr_1d"].value == pytest.approx(1.00, abs=1e-12)
        assert 100 * timed["gross_twr_1d"].value == pytest.approx(1.25, abs=1e-12)
        assert 100 * weighted["mwr_itd"].value == pytest.approx(1.00, abs=1e-9)
    closings = [Golden(slug).bridge().closing_value for slug in ("inside", "outside")]
    assert closings == [D("101000.00"), D("101250.00")]
    assert Golden("outside").bridge().fees == 0


def test_the_highest_cost_in_the_trade_currency_goes_first(world):
    assert Golden("hifo").gains.since_inception.realised.total == D("120.00")


def test_an_average_pool_has_the_rate_of_its_base_cost(world):
    golden = Golden("pool")

    assert exactly(golden.gains.since_inception.realised) == (D("270.91"), D("-5.00"), D("-0.91"), D("265.00"))
    assert golden.bridge().gain == golden.bridge(closing=DAYS[3]).gain + golden.bridge(opening=DAYS[3]).gain


def test_an_average_pool_through_split_and_return_of_capital(world):
    golden = Golden("average")

    (left,) = [lot for lot in golden.book.lots if lot.valid_to is None]
    assert round(golden.gains.since_inception.realised.total, 2) == D("490.56")  # 490.555556
    assert round(left.cost, 6) == D("880.555556")
    assert golden.bridge().gain == D("1110.00")  # 250 x 6 + 225 + 1,195 - 1,000 - 800 - 10


def test_shares_in_kind_come_at_the_close_of_their_day(world):
    golden = Golden("kind")

    assert float(daily_returns.measure(golden.life).returns[-1]) == pytest.approx(0.0, abs=1e-15)
    found = golden.bridge()
    assert (found.contributions, found.gain) == (D("105000.00"), 0)
    assert golden.gains.unrealised.total == D("1000.00")  # since purchase: (50 - 40) x 100


def test_cash_in_lieu_of_a_fraction_is_a_sale_of_it(world):
    golden = Golden("fraction")

    (left,) = [lot for lot in golden.book.lots if lot.valid_to is None]
    assert (left.quantity, left.cost) == (151, D("3020"))
    assert golden.gains.since_inception.realised.total == D("0.50")


def test_what_a_well_known_tracker_says_is_583_is_500(world):
    assert Golden("tracker").bridge().gain == D("500.00")


def test_value_is_continuous_through_a_split(world):
    golden = Golden("seven")

    assert golden.life.value[1:3].tolist() == pytest.approx([64557.00, 65590.00], abs=1e-9)
    assert float(daily_returns.measure(golden.life).returns[2]) == pytest.approx(0.016001, abs=5e-7)
    assert golden.bridge().unrealised_price == D("1033.00")


def test_a_spin_off_and_what_goes_elsewhere_keep_day_and_cost_and_the_bridge_sums(world):
    golden = Golden("spin")

    found = golden.bridge()

    # 10 x 80 + 5 x 50 of 1,000, of which 2 x 50 went out in kind
    assert (found.contributions, found.withdrawals, found.closing_value) == (D("1000.00"), D("-100.00"), D("950.00"))
    assert found.gain == D("50.00")
    assert golden.gains.unrealised.total == D("30.00")  # 3 x (50 - 40), and nothing on 10 x (80 - 80)
    assert {(lot.quantity, lot.unit_cost) for lot in golden.book.lots if lot.valid_to is None} == {
        *((D(10), D(80)), (D(3), D(40)))
    }


def test_what_is_traded_and_not_settled_is_marked(world):
    valued = Golden("pending").valued

    assert [(row.trade_date, row.settle_date, row.kind, row.symbol, row.amount) for row in valued.pending] == [
        (DAYS[5], date(2020, 1, 13), "buy", "KIND", D("-480"))
    ]
    assert [(row.amount, row.unsettled) for row in valued.cash] == [(D("4520.00"), D("-480.00"))]
    assert valued.total_value == D("5020.00")


def test_a_sale_takes_the_lots_that_the_ledger_names(world):
    golden = Golden("named")

    assert [(lot.unit_cost, lot.quantity) for lot in golden.book.lots if lot.valid_to is None] == [(D(100), D(10))]
    assert golden.gains.since_inception.realised.total == 0


def lines(found):
    return {name: amount for name in (*bridge.LINES, "rounding") if (amount := getattr(found, name))}


def test_a_bridge_of_no_days_has_no_lines(world):
    found = Golden("bridge").bridge(opening=DAYS[3], closing=DAYS[3])

    assert (found.first_date, found.last_date, lines(found)) == (DAYS[3], DAYS[3], {})
    assert found.opening_value == found.closing_value == D("7420.00")  # 100 x 53 x 1.40


def test_a_bridge_of_the_first_day_opens_at_nothing_on_the_day_before(world):
    found = Golden("bridge").bridge(closing=FIRST)

    assert (found.first_date, found.opening_value) == (date(2020, 1, 1), 0)
    assert lines(found) == {"contributions": D("6500.00")}


@pytest.mark.parametrize(
    ("opening", "closing"),
    [(None, DAYS[1]), (DAYS[0], DAYS[2]), (None, date(2019, 12, 31)), (date(2019, 1, 1), date(2019, 12, 31))],
)
def test_a_bridge_before_the_first_transaction_is_of_nothing(world, opening, closing):
    found = Golden("late").bridge(opening=opening, closing=closing)

    assert (found.opening_value, found.closing_value, lines(found)) == (0, 0, {})
    assert found.first_date <= found.last_date == closing


def test_a_bridge_from_a_day_without_a_pack_opens_at_the_last_one_before(world):
    assert Golden("bridge").bridge(opening=date(2020, 1, 5)) == Golden("bridge").bridge(opening=DAYS[1])


def test_a_bridge_has_what_was_taken_back_with_its_sign(world):
    found = Golden("odd").bridge()

    assert lines(found) == {
        "contributions": D("1096.00"),  # and 2 that were given, at 48
        "realised_price": D("-100.00"),
        "unrealised_price": D("24.00"),  # 12 from 48 to 50
        "income": D("-3.00"),
        "fees": D("-12.00"),
        "taxes": D("5.00"),
    }
    assert found.closing_value == D("1010.00")  # 410 and 12 at 50
    assert Golden("odd").gains.unrealised.total == D("120.00")  # 12 x 50 - 480: the gift cost nothing


def test_a_bridge_of_foreign_cash_tells_dealing_and_revaluation(world):
    found = Golden("late").bridge()

    assert lines(found) == {
        "contributions": D("1400.00"),  # 1,000 at 1.40
        "withdrawals": D("-405.00"),  # 300 at 1.35
        # 1,000 from 1.40 to 1.30; 100 sold at 1.31, not 1.30; 900 from 1.30 to 1.35; 600 from 1.35 to 1.36
        "cash_fx": D("-48.00"),
    }
    assert (found.fx_dealing, found.closing_value) == (D("1.00"), D("947.00"))  # 131 + 600 x 1.36


@pytest.mark.parametrize("slug", LEDGERS)
def test_bridges_of_parts_add_up_to_that_of_the_whole_and_gain_is_value_plus_sells_less_buys_less_fees(world, slug):
    golden = Golden(slug)

    whole = golden.bridge()
    parts = [golden.bridge(opening, closing) for opening, closing in zip((None, *DAYS[:-1]), DAYS, strict=True)]

    assert sum(part.gain for part in parts) == whole.gain
    for before, after in pairwise(parts):
        assert after.opening_value == before.closing_value
    assert float(whole.closing_value) == pytest.approx(float(golden.life.value[-1]), abs=0.005)
