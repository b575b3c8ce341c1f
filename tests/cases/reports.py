"""Cases after reports from other trackers: what a file means, and what its figures are. Right values by hand, as told beside them.

The made market's close is level x (1 + w): w of 2024-12-31 is 0.004, so that ACME closes at 121.484, and one euro is 1.1044 USD,
0.8634 GBP, 7.4898 DKK.
"""

from datetime import date

from tests.cases import market, worlds
from tests.cases.desk import FILES, Desk, case, command
from tests.cases.ledgers import NAMED_SALE, opened


@case("01", "signs as a broker writes them are not taken, and said so")
def signs(desk: Desk) -> None:
    desk.refused(desk.take("01-ibkr-signs.csv"), "negative")


@case("02", "a comma of thousands: read as such, or asked about; never a decimal one without a word")
def thousands(desk: Desk) -> None:
    answer = desk.preview("02-thousands.csv")
    if answer.code == 0:  # 60,000 - 1,200 x 50.10 - 1; the sale of 1,200.50 is more than is held
        desk.says("the sale of more than is held", "more than", answer.text)
        return
    desk.says("what 1,200 may be", "1200", answer.text)
    desk.says_not("what 1,200 is not, without a word", "(write 1.200)", answer.text)
    desk.says("what 1,200.50 is", "1200.50", answer.text)


@case("04a", "German headers in cp1252 are not taken; the encoding is named", base="EUR")
def german_headers(desk: Desk) -> None:
    desk.refused(desk.take("04a-german-headers-cp1252.csv"), "utf-8")


@case("04b", "semicolons, decimal commas and local dates are refused cell by cell, with the number", base="EUR")
def german_values(desk: Desk) -> None:
    desk.refused(desk.take("04b-german-values.csv"), "1234.56 1.546 2023-03-01|yyyy-mm-dd|iso")


@case("04c", "decimal commas in another program's file are refused with the number", base="EUR")
def german_numbers(desk: Desk) -> None:
    desk.refused(desk.take("04c-german-ghostfolio.csv"), "46.268")


@case("04d", "a year of two digits is refused", base="EUR")
def short_year(desk: Desk) -> None:
    desk.refused(desk.take("04d-two-digit-year.csv"), "date year|yyyy")


@case("05a", "a byte order mark is named")
def byte_order_mark(desk: Desk) -> None:
    desk.refused(desk.take("05a-bom.csv"), "byte order|bom")


@case("05b", "UTF-16 is named")
def sixteen_bits(desk: Desk) -> None:
    desk.refused(desk.take("05b-utf16-tabs.txt"), "utf-8|utf-16")


@case("05c", "our own columns between tabs are our own file")
def tabs(desk: Desk) -> None:
    desk.taken(desk.take("05c-tabs.csv"))
    desk.same("cash", "498.00", desk.overview().cash("USD"))  # 1,000 - 10 x 50.10 - 1


@case("05d", "line ends of Windows, quotes, line breaks in a note")
def quotes(desk: Desk) -> None:
    desk.taken(desk.take("05d-crlf-quotes.csv"))
    desk.same("cash", "498.00", desk.overview().cash("USD"))


@case("05e", "a byte order mark before JSON is named")
def marked_json(desk: Desk) -> None:
    desk.refused(desk.take("05e-bom-ghostfolio.json"), "byte order|bom")


@case("07a", "a worthless holding sold at nothing: taken with its loss, or told that it is not", base="EUR")
def worthless_sale(desk: Desk) -> None:
    answer = desk.take("07a-worthless-sell.csv")
    if answer.code:
        desk.refused(answer, "row 4|row")
        return
    seen = desk.overview()
    desk.same("cash", "900.00", seen.cash("EUR"))
    desk.same("realised", "-100.00", seen.realised())  # all that was paid
    desk.same("holdings", "", seen.symbols)


@case("07b", "a worthless holding handed out: nothing is left and no gain is told", base="EUR")
def worthless_out(desk: Desk) -> None:
    desk.taken(desk.take("07b-worthless-out.csv"))
    seen = desk.overview()
    desk.same("value", "900.00", seen.value)
    desk.same("holdings", "", seen.symbols)


@case("07c", "a worthless holding written off in Beancount: the whole cost is lost", base="EUR")
def worthless_booked(desk: Desk) -> None:
    desk.taken(desk.ledger("07c-worthless-at-zero.beancount"))
    seen = desk.overview()
    desk.same("cash", "90.00", seen.cash("EUR"))
    desk.same("realised", "-10.00", seen.realised())  # 0 - (200 x 0.02 + 6)


@case("08", "charges above the proceeds of a sale", base="EUR")
def charges_above_proceeds(desk: Desk) -> None:
    desk.taken(desk.take("08-fees-over-proceeds.csv"))
    seen = desk.overview()
    desk.same("cash", "84.10", seen.cash("EUR"))  # 100 - 4 - 6 + 0.10 - 6
    desk.same("realised", "-15.90", seen.realised())  # 0.10 - 6 - 10


@case("08b", "the same as an entry of a ledger, fees apart", base="EUR")
def charges_above_proceeds_booked(desk: Desk) -> None:
    desk.taken(desk.ledger("08b-ledger.beancount", "--fees-apart"))
    seen = desk.overview()
    desk.same("cash", "84.10", seen.cash("EUR"))
    desk.same("realised by price", "-3.90", seen.realised("price"))  # 0.10 - 4
    desk.same("fees of what was realised", "12.00", seen.realised("fees"))


@case("10", "dividends put back to the cent: cost is what was paid, and no fee is made up")
def reinvested_cents(desk: Desk) -> None:
    desk.taken(desk.take("10-drip-cents.csv"))
    seen = desk.overview()
    desk.same("cash", "0.03", seen.cash("USD"))
    desk.same("cost", "1129.97", seen.holding("BETA", "cost_basis"))  # 1,000 + 29.99 + 39.99 + 59.99
    desk.same("fees", "0.00", seen.bridge("fees"))
    desk.same("gain", "367.37", seen.bridge("gain"))  # 22.6982 x 60.24 + 0.03 - 1,000
    desk.same("gain of the holding", "367.37", seen.gain("BETA", "total"))


@case("12", "two round trips with fees in cost")
def round_trips(desk: Desk) -> None:
    desk.taken(desk.take("12-round-trips.csv"))
    seen = desk.overview()
    desk.same("cash", "12905.55", seen.cash("USD"))
    desk.same("realised", "2905.55", seen.realised())  # 2,007.82 + 897.73


@case("13", "average of thirds, sold out and bought again")
def thirds(desk: Desk) -> None:
    desk.taken(desk.ledger("13a-average-ledger.beancount", "--booking", "AVERAGE"))
    desk.taken(desk.take("13b-average-thirds.csv"))
    seen = desk.overview()
    desk.same("cash", "2622.00", seen.cash("USD"))
    desk.same("realised", "22.00", seen.realised())  # 3 x 410 - 408 - 2 x 400
    desk.same("cost", "400.00", seen.holding("MSFT", "cost_basis"))


@case("14", "a reverse split with half a share in cash", base="EUR")
def reverse_split(desk: Desk) -> None:
    desk.taken(desk.take("14-reverse-split-cil.csv"))
    seen = desk.overview()
    desk.same("value", "1027.25", seen.value)  # 997.30 + (13 + 20.08) / 1.1044
    desk.same("quantity", "1", seen.holding("REV"))


@case("15", "a twelfth of three lots, the fraction in cash: whole shares are whole, and can be sold")
def twelfths(desk: Desk) -> None:
    desk.taken(desk.take("15-reverse-split-12.csv"))
    desk.same("quantity", "4", desk.overview().holding("ACB"))  # 50/12 - 1/6
    desk.taken(desk.take("15c-sell-four.csv"))
    seen = desk.overview()
    desk.same("holdings", "", seen.symbols)
    desk.same("cash", "999.97", seen.cash("USD"))  # 1,000 - 6.10 - 4.13 - 19.80 + 1.20 + 28.80


@case("15b", "a quantity in JSON has no tail of zeros")
def no_tail(desk: Desk) -> None:
    desk.taken(desk.take("15b-reverse-split-75.csv"))
    desk.same("quantity", "6", desk.overview().holding("ACB"))


@case("15d", "a fraction by the four digits that brokers print, then `all`: nothing is left")
def four_digits(desk: Desk) -> None:
    text = _text("15d-named-four-decimals.csv")
    desk.taken(desk.take(text.replace("ACB,8,7.20,,", "ACB,all,7.20,57.60,")))
    seen = desk.overview()
    desk.same("holdings", "", seen.symbols)
    desk.same("cash", "999.00", seen.cash("USD"))  # 1,000 - 61 + 2.40 + 57.60


@case("17", "a merger for shares and cash")
def merger(desk: Desk) -> None:
    desk.taken(desk.take("17-merger-boot.csv"))
    seen = desk.overview()
    desk.same("value", "19737.24", seen.value)  # 13.1292 x 983.418 + 6,825.75
    desk.same("quantity", "13.1292", seen.holding("AVGO"))
    desk.same("cost", "2174.25", seen.holding("AVGO", "cost_basis"))


@case("18", "a day that starts below zero takes the windows that hold it, and no other")
def undefined_day(desk: Desk) -> None:
    desk.taken(desk.take("18-negative-first-day.csv"))
    seen = desk.overview()
    desk.percent("today", "0.1262", seen.metric("twr_1d"))  # 1,000,335.24 / 999,074.82 - 1
    desk.percent("since the close of 24 June", "0.0345", seen.metric("twr_itd"))
    desk.says("since inception", "degraded", seen.status("twr_itd"))
    for window in ("twr_mtd", "twr_qtd"):
        desk.same(window, "ok", seen.status(window))
    desk.says("this year", "unavailable zero", seen.status("twr_ytd"))


@case("19", "a file without deposits: what cash would be is told, deposits can be inferred, the balance checks")
def without_deposits(desk: Desk) -> None:
    told = desk.preview("19-no-deposits.json")
    desk.says("what cash would be", "-1,595.00|-1595.00|−1,595.00|−1595.00 infer", told.text)
    desk.taken(desk.take("19-no-deposits.json", "--infer-deposits"))
    seen = desk.overview()
    desk.same("cash", "605.00", seen.cash("USD"))  # only the sale's; each purchase is paid in on its day
    desk.same("value", "2427.26", seen.value)  # 15 x 121.484 + 605
    # Securities alone: (1,101.10 / 1,100) x (2,424.84 / 2,201.10) x (2,416.37 / 2,424.84) x (1,822.26 / 1,811.37) - 1
    desk.percent("return of the securities", "10.5506", seen.metric("twr_itd"))
    desk.same("contributions", "2200.00", seen.bridge("contributions"))


@case("20", "margin in three currencies, one of them used for the first time and dated back", base="EUR")
def margin(desk: Desk) -> None:
    desk.taken(desk.take("20-margin.csv"))
    # 5,266.53 - 4,549.63 / 1.1044 - 1,258.09 / 7.4898 + 37.6 x 121.484 / 1.1044
    desk.same("value", "5115.01", desk.overview().value)


@case("20b", "the same in three currencies that were known", base="EUR")
def margin_in_pounds(desk: Desk) -> None:
    desk.taken(desk.take("20b-margin-usd-only.csv"))
    desk.same("value", "3825.85", desk.overview().value)


@case("21", "a short sale is not taken, and said so", base="EUR")
def short(desk: Desk) -> None:
    desk.refused(desk.take("21-short.csv"), "row short|held")


@case("22", "a bond by its nominal, at a price in percent", base="EUR")
def bond(desk: Desk) -> None:
    desk.taken(desk.take("22-bond-percent.csv"))
    seen = desk.overview()
    desk.same("value", "20034.68", seen.value)  # 20,000 - 9,925 + 10,000 x 99.5968 / 100
    desk.same("cost", "9925.00", seen.holding("BTP30", "cost_basis"))


@case("22b", "the same without its amount: never a hundred times", base="EUR")
def bond_without_amount(desk: Desk) -> None:
    desk.taken(desk.take("22b-bond-percent-noamount.csv"))
    seen = desk.overview()
    desk.same("cash", "10075.00", seen.cash("EUR"))
    desk.same("value", "20034.68", seen.value)


@case("23", "an option by its contracts: a hundred shares each, until the day it expires")
def option(desk: Desk) -> None:
    desk.taken(desk.take("23-option.csv"))
    seen = desk.overview(asof="2024-06-20")
    desk.same("value before expiry", "1997.66", seen.value)  # 2,000 - 1,041.30 + 2 x 100 x 5.1948
    desk.same("cost", "1041.30", seen.holding("OPT190C", "cost_basis"))
    told = desk.refusal()
    desk.says("after expiry", "OPT190C expir", told)
    desk.says_not("what is untrue", "none known before", told)
    desk.same("earlier dates stand", "1997.66", desk.overview(asof="2024-06-20").value)


@case("23b", "an option entered by its shares does not fit its multiplier")
def option_by_shares(desk: Desk) -> None:
    desk.refused(desk.take("23b-option-expiry.csv"), "row OPT190C|amount|quantity")


@case("23d", "an option that is handed out after it expired")
def option_handed_out(desk: Desk) -> None:
    desk.taken(desk.take("23-option.csv"))
    answer = desk.take("date,type,symbol,quantity,currency\n2024-06-24,transfer_out,OPT190C,2,USD\n", name="out.csv")
    # A transfer is worth the close of its day, and there is none: it is said, and nothing goes in.
    desk.refused(answer, "OPT190C expir|price")


@case("23e", "an option written off on the Monday after it expired")
def option_written_off(desk: Desk) -> None:
    _option_ends(desk, "2024-06-24")


@case("23g", "an option written off on its last day")
def option_written_off_on_its_day(desk: Desk) -> None:
    _option_ends(desk, "2024-06-21")


def _option_ends(desk: Desk, day: str) -> None:
    ledger = opened("USD", "OPT190C") + (
        '2024-02-01 * "Deposit" "d"\n  Assets:Broker:Cash:USD  2000 USD\n  Equity:External  -2000 USD\n'
        '2024-02-01 * "Buy" "b"\n  Assets:Broker:OPT190C  2 OPT190C {520 USD}\n'
        "  Assets:Broker:Cash:USD  -1041.30 USD\n  Expenses:Commission  1.30 USD\n"
        f'{day} * "Sell" "expired worthless"\n  Assets:Broker:OPT190C  -2 OPT190C {{}} @ 0 USD\n  Income:Realised\n'
    )
    desk.taken(desk.ledger(ledger))
    seen = desk.overview()
    desk.same("value", "958.70", seen.value)
    desk.same("realised", "-1041.30", seen.realised())
    desk.same("holdings", "", seen.symbols)


@case("24", "prices in pence", base="GBP")
def pence(desk: Desk) -> None:
    desk.taken(desk.take("24-pence.csv"))
    seen = desk.overview()
    desk.same("cash", "1390.00", seen.cash("GBP"))  # 2,000 - 100 x 6.10
    desk.same("value", "2002.44", seen.value)  # 1,390 + 100 x 6.1244


@case("24b", "pence and their fee in another program's file", base="GBP")
def pence_elsewhere(desk: Desk) -> None:
    desk.taken(desk.take("24b-pence-ghostfolio.json"))
    desk.same("cash", "-610.05", desk.overview().cash("GBP"))


@case(
    "24c",
    "pounds under the label of pence: kept out, told, and mended by a corrected folder",
    base="GBP",
    world="nothing",
)
def pounds_as_pence(desk: Desk) -> None:
    wrong_from = date(2024, 12, 23)
    worlds.begin(market.write(desk.folder / "wrong", pence_become_pounds=wrong_from))
    desk.taken(desk.take("24-pence.csv"))
    answer = command("nightly", "--from", "2024-12-02", "--to", "2024-12-31", "--json")
    desk.same("the night", 0, answer.code)
    desk.says("the night says", "quarantine", answer.text)
    desk.says("who holds it", "EZJ 2024-12-20 decision|quarantine", desk.refusal())
    desk.same("the day before", "2002.44", desk.overview(asof="2024-12-20").value)  # w is 0.004 on that day, too
    desk.taken(command("load_market_data", market.write(desk.folder / "right")))
    words = ("--from", "2024-12-02", "--to", "2024-12-31", "--restate", "a corrected folder")
    desk.taken(command("nightly", *words))
    desk.same("value", "2002.44", desk.overview().value)
    desk.taken(command("verify_packs"))


@case("26", "the return of a year that the portfolio began in")
def partial_year(desk: Desk) -> None:
    desk.taken(desk.take("26-partial-year.csv"))
    seen = desk.overview()
    desk.percent("this year", "0.3872", seen.metric("twr_ytd"))  # (80 x 121.484 + 320) / 10,000 - 1
    desk.same("this year is", "degraded(since_inception)", seen.status("twr_ytd"))
    desk.percent("2024", "0.3872", seen.year(2024))
    desk.same("gain this year", "38.72", seen.bridge("gain", "year_to_date"))
    desk.same("one year", "unavailable(short_history)", seen.status("twr_1y"))


@case("29", "bought and sold within a day, with tax")
def day_trade(desk: Desk) -> None:
    desk.taken(desk.take("29-day-trade.csv"))
    seen = desk.overview()
    desk.percent("return", "17.5", seen.metric("twr_itd"))
    desk.same("realised price gain", "200.00", seen.bridge("realised_price"))
    desk.same("taxes", "-25.00", seen.bridge("taxes"))
    desk.same("realised, tax of the deal off the proceeds", "175.00", seen.realised())


@case("30", "paid a week after the delisting: carried at the last close until then")
def after_delisting(desk: Desk) -> None:
    desk.taken(desk.take("30-paid-after-delisting.csv"))
    desk.same("value", "2005.00", desk.overview().value)  # 2,000 - 1,420 + 1,425
    carried = desk.overview(asof="2023-11-24")
    desk.same("value while carried", "2004.80", carried.value)  # 580 + 10 x 142.48
    desk.says("it is marked", "delisted", str(carried.result))


@case("31", "a change of symbol: lots go on")
def renamed(desk: Desk) -> None:
    desk.taken(desk.take("31-rename.csv"))
    seen = desk.overview()
    desk.same("value", "1878.02", seen.value)
    desk.same("realised", "-50.56", seen.realised())  # 4 x (184 - 196.64)


@case("31r", "a symbol that two securities had is not taken, and said so", world="nothing")
def recycled(desk: Desk) -> None:
    folder = market.write(desk.folder / "market")
    line = "META,another fund of that symbol,USD,etf,XNYS,cases,raw,2021-12-30,2022-01-28,,,,\n"
    securities = folder / "securities.csv"
    securities.write_text(securities.read_text() + line)
    answer = command("load_market_data", folder)
    desk.refused(answer, "META duplicate")


@case("32a", "a sale on the Friday, the split on the Monday")
def sale_then_split(desk: Desk) -> None:
    desk.taken(desk.take("32a-sale-then-split.csv"))
    seen = desk.overview()
    desk.same("quantity", "160", seen.holding("GOOG"))
    desk.same("realised", "0.00", seen.realised())


@case("32b", "a sale of new shares that stands before their split: that row is named")
def sale_before_split(desk: Desk) -> None:
    desk.refused(desk.take("32b-sale-on-split-day-first.csv"), "4")
    desk.says("the row at fault", "row_4", desk.preview("32b-sale-on-split-day-first.csv").text)


@case("32c", "a sale of new shares after their split of the day")
def split_then_sale(desk: Desk) -> None:
    desk.taken(desk.take("32c-sale-on-split-day-after.csv"))
    seen = desk.overview()
    desk.same("quantity", "160", seen.holding("GOOG"))
    desk.same("realised", "-149.48", seen.realised())  # 40 x (109.03 - 112.767)


@case("32d", "a split dated a day beside the market's: told before and after, by its name")
def split_a_day_early(desk: Desk) -> None:
    desk.says("the preview", "split GOOG", desk.preview("32d-split-booked-day-early.csv").text)
    answer = desk.take("32d-split-booked-day-early.csv")
    desk.same("exit code", 1, answer.code)
    desk.says("the import", "split GOOG", answer.text)


@case("34", "money on a Saturday, a coin on the Sunday")
def weekend(desk: Desk) -> None:
    desk.taken(desk.take("34-weekend.csv"))
    desk.same("value", "990.98", desk.overview().value)  # 1,000 - 631.50 + 0.01 x 62,248


@case("34b", "a share on a Sunday")
def weekend_share(desk: Desk) -> None:
    desk.taken(desk.take("34b-weekend-equity.csv"))
    desk.same("value", "1002.42", desk.overview().value)  # 395 + 5 x 121.484


@case("35", "eighteen decimals, and billions of what costs next to nothing")
def eighteen_decimals(desk: Desk) -> None:
    desk.taken(desk.take("35-eighteen-decimals.csv"))
    seen = desk.overview()
    desk.same("what is left", "0.000000000000000001", seen.holding("ETH"))
    desk.same("value of the other", "1006481.47", seen.holding("SHIB", "market_value"))
    desk.same("cost of the other", "1002.47", seen.holding("SHIB", "cost_basis"))


@case("37a", "a thousand times the money after three weeks")
def small_first(desk: Desk) -> None:
    desk.taken(desk.take("37a-small-first.csv"))
    desk.percent("return", "0.36264", desk.overview().metric("twr_itd"))


@case("37b", "all of it withdrawn")
def all_out(desk: Desk) -> None:
    desk.taken(desk.take("37b-all-out.csv"))
    seen = desk.overview()
    desk.percent("return", "8", seen.metric("twr_itd"))
    desk.percent("money-weighted, a year", "3.5068", seen.metric("mwr_itd"))  # 1.08 ^ (365 / 815) - 1


@case("37c", "all but a cent withdrawn, and money again")
def all_out_and_back(desk: Desk) -> None:
    desk.taken(desk.take("37c-all-out-and-back.csv"))
    desk.percent("return", "8.41818", desk.overview().metric("twr_itd"))


@case("40", "the broker's own rates in the gain", base="EUR")
def own_rates(desk: Desk) -> None:
    desk.taken(desk.take("40-own-fx.csv"))
    seen = desk.overview()
    for part, right in (("total", "154.00"), ("price", "202.40"), ("fx", "-44.00"), ("interaction", "-4.40")):
        desk.same(f"realised: {part}", right, seen.realised(part))


@case("43", "an older purchase comes later")
def older_later(desk: Desk) -> None:
    desk.taken(desk.take("43a-later.csv"))
    desk.taken(desk.take("43b-earlier.csv"))
    seen = desk.overview()
    desk.same("realised", "210.00", seen.realised())  # 10 x (121 - 100)
    desk.same("cost", "1100.00", seen.holding("ACME", "cost_basis"))


@case("44", "bought in euros, sold in dollars", base="EUR")
def two_currencies(desk: Desk) -> None:
    desk.taken(desk.take("44-buy-eur-sell-usd.csv"))
    _sold_in_dollars(desk)


def _sold_in_dollars(desk: Desk) -> None:
    """0.01 of 0.02 bought at 38,000 EUR on 2023-02-01 (1.0945), sold at 42,000 USD on 2024-02-01 (1.0978)."""
    seen = desk.overview()
    desk.same("quantity", "0.01", seen.holding("BTC"))
    desk.same("dollars", "420.00", seen.cash("USD"))
    desk.same("euros", "240.00", seen.cash("EUR"))
    desk.same("cost left", "380.00", seen.holding("BTC", "cost_basis_base"))
    # Restated at its day's fixing the cost is 41,591 USD: 0.01 x 409 / 1.0945; 415.91 x (1 / 1.0978 - 1 / 1.0945); the rest.
    for part, right in (("total", "2.58"), ("price", "3.74"), ("fx", "-1.14"), ("interaction", "-0.01")):
        desk.same(f"realised: {part}", right, seen.realised(part))


@case("44b", "bought in euros, split in dollars", base="EUR")
def split_in_another_currency(desk: Desk) -> None:
    desk.taken(desk.take("44b-dual-listed-split.csv"))
    desk.same("quantity", "200", desk.overview().holding("GOOG"))


@case("44c", "a sale in another currency as Beancount can't have it: refused in words", base="EUR")
def two_currencies_misbooked(desk: Desk) -> None:
    answer = desk.ledger("44c-ledger.beancount")
    desk.refused(answer, "currenc")
    desk.says_not("no inside of ours", "posting(", answer.text)


@case("44d", "a sale in another currency in the documented form", base="EUR")
def two_currencies_booked(desk: Desk) -> None:
    desk.taken(desk.ledger(_text("44c-ledger.beancount").replace("{38000 EUR} @ 42000 USD", NAMED_SALE)))
    _sold_in_dollars(desk)


@case("46", "charges and refunds are not taken as negative numbers, and said so")
def refunds(desk: Desk) -> None:
    desk.refused(desk.take("46-charges-and-refunds.csv"), "negative")


@case("47", "a symbol that begins with a digit", base="EUR")
def digits(desk: Desk) -> None:
    desk.taken(desk.take("47-digit-symbols.csv"))
    seen = desk.overview()
    desk.same("holdings", "2B78", seen.symbols)
    desk.same("value", "1000.28", seen.value)  # 930 + 10 x 7.028


@case("47b", "a bond by its CUSIP")
def cusip(desk: Desk) -> None:
    rows = "2023-02-01,deposit,,,1000,USD\n2023-02-01,buy,912828P38,500,98.60,USD\n"
    desk.taken(desk.take("date,type,symbol,quantity,unit_price,currency\n" + rows))
    seen = desk.overview()
    desk.same("holdings", "912828P38", seen.symbols)
    desk.same("value", "1003.98", seen.value)  # 1,000 - 493 + 500 x 99.396 / 100


@case("49", "a base currency that nothing is listed in", base="DKK")
def krone(desk: Desk) -> None:
    desk.taken(desk.take("49-base-dkk.csv"))
    desk.same("value", "10000.00", desk.overview().value)


@case("51", "a longer export in another order: one row is new")
def longer(desk: Desk) -> None:
    desk.taken(desk.take("51a-first.csv"))
    answer = desk.take("51b-longer.csv")
    desk.taken(answer)
    desk.says("what was new", "1_new, 4_there", answer.text)
    desk.same("cash", "-5.00", desk.overview().cash("USD"))  # 5,000 - 2,505 + 2,520 - 2,510 - 2,510


def _text(name: str) -> str:

    return (FILES / name).read_text()
