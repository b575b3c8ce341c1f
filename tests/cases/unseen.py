"""Cases of the same kinds as those of the reports, in other clothes. Right values by hand, as told beside them.

On the last day, 31 December 2024, the made market closes at 1.004 x its levels; a euro is 1.1044 USD, 1.4859 CAD, 160.64 JPY.
"""

import json

from tests.cases.corrections import HEADER as RATED
from tests.cases.desk import Desk, case, command
from tests.cases.ledgers import opened
from tests.cases.reports_accounts import accounts, purchase_days

HEADER = "date,type,symbol,quantity,unit_price,amount,fee,currency\n"
IN_ACCOUNTS = "date,type,symbol,quantity,unit_price,amount,ratio,currency,account\n"


# --- first uses, dated back


@case("U1", "a new currency, dated back to a Saturday, and a share bought in it", base="EUR")
def first_use_on_a_weekend(desk: Desk) -> None:
    desk.taken(desk.take(HEADER + "2024-06-01,deposit,,,,1000,,CAD\n2024-06-03,buy,SHOP,5,100,,,CAD\n"))
    seen = desk.overview()
    desk.same("value", "674.34", seen.value)  # (500 + 5 x 100.40) / 1.4859
    desk.same("contributions", "674.31", seen.bridge("contributions"))  # 1,000 / 1.4830, the fixing of Friday


@case("U2", "a ledger that begins before the first pack", base="USD")
def before_the_first_pack(desk: Desk) -> None:
    desk.taken(desk.take(HEADER + "2015-05-04,deposit,,,,1000,,USD\n2015-05-05,buy,ACME,5,60,,,USD\n"))
    desk.same("value", "1307.42", desk.overview().value)  # 700 + 5 x 121.484
    desk.says_not("an early day", " broke", desk.refusal(asof="2021-12-30"))


@case("U3", "a ledger that begins after the last pack")
def after_the_last_pack(desk: Desk) -> None:
    desk.taken(desk.take(HEADER + "2025-06-02,deposit,,,,1000,,USD\n"))
    told = desk.refusal()
    if told:
        desk.says("one sentence", "2025-06-02", told)
        desk.says_not("no failure of ours", " broke", told)
        return
    desk.same("value", "0.00", desk.overview().value)


@case("U4", "nothing but a fee")
def nothing_but_a_fee(desk: Desk) -> None:
    desk.taken(desk.take(HEADER + "2024-06-03,fee,,,,12,,USD\n"))
    seen = desk.overview()
    desk.same("value", "-12.00", seen.value)
    desk.same("fees", "-12.00", seen.bridge("fees"))
    desk.says_not("return", "ok", seen.status("twr_itd"))


@case("U5", "a deposit and its withdrawal on one day")
def in_and_out(desk: Desk) -> None:
    desk.taken(desk.take(HEADER + "2024-06-03,deposit,,,,1000,,USD\n2024-06-03,withdrawal,,,,1000,,USD\n"))
    seen = desk.overview()
    desk.same("value", "0.00", seen.value)
    desk.percent("return", "0", seen.metric("twr_itd"))  # 1,000 / 1,000 - 1


@case("U6", "a year that ends on 29 February")
def leap_day(desk: Desk) -> None:
    desk.taken(desk.take(HEADER + "2023-02-28,deposit,,,,1000,,USD\n2024-02-29,interest,,,,10,,USD\n"))
    seen = desk.overview(asof="2024-02-29")
    desk.percent("one year", "1", seen.metric("twr_1y"))
    desk.percent("this year", "1", seen.metric("twr_ytd"))


# --- what ends


@case("U7", "a merger for shares and cash a week after the delisting")
def merged_after_the_end(desk: Desk) -> None:
    header = "date,type,symbol,quantity,unit_price,amount,to_symbol,ratio,currency\n"
    rows = (
        "2023-02-01,deposit,,,,4000,,,USD\n2023-02-01,buy,OLDC,100,38,,,,USD\n"
        "2023-07-10,return_of_capital,OLDC,,,1000,,,USD\n2023-07-10,merger,OLDC,,,,NEWC,0.5,USD\n"
    )
    desk.taken(desk.take(header + rows))
    seen = desk.overview()
    desk.same("value", "2455.00", seen.value)  # 200 + 1,000 + 50 x 25.10
    desk.same("quantity", "50", seen.holding("NEWC"))
    desk.same("cost", "2800.00", seen.holding("NEWC", "cost_basis"))
    carried = desk.overview(asof="2023-07-05")
    desk.same("value while carried", "4216.00", carried.value)  # 200 + 100 x 40.16
    desk.says("it is marked", "delisted", str(carried.result))


@case("U8", "a dividend of a delisted share, which is then carried for too long")
def dividend_after_the_end(desk: Desk) -> None:
    rows = "2023-02-01,deposit,,,,4000,,USD\n2023-02-01,buy,OLDC,100,38,,,USD\n2023-07-20,dividend,OLDC,,,50,,USD\n"
    desk.taken(desk.take(HEADER + rows))
    seen = desk.overview(asof="2023-12-29")
    desk.same("value", "4266.00", seen.value)  # 200 + 50 + 100 x 40.16
    desk.same("income", "50.00", seen.gain("OLDC", "income"))
    told = desk.refusal()
    desk.says("after 400 days", "OLDC 400|too_long|2023-06-30", told)
    desk.says_not("what is untrue", "none known before", told)
    desk.same("an earlier date stands", "4266.00", desk.overview(asof="2023-12-29").value)


@case("U9", "a share without a price after its last day, and no end on record")
def no_end_on_record(desk: Desk) -> None:
    desk.taken(desk.take(HEADER + "2022-05-02,deposit,,,,2000,,USD\n2022-05-02,buy,FB,10,196.64,,,USD\n"))
    told = desk.refusal()
    desk.says("its last day", "FB 2022-06-08", told)
    desk.says_not("what is untrue", "none known before", told)
    desk.same("its last day stands", "2001.97", desk.overview(asof="2022-06-08").value)  # 33.60 + 10 x 196.8366


@case("U10", "a bond that was paid back on the Monday after its maturity", base="EUR")
def matured(desk: Desk) -> None:
    rows = "2024-02-01,deposit,,,,1000,,EUR\n2024-02-01,buy,MATB,1000,99,990,,EUR\n"
    desk.taken(desk.take(HEADER + rows))
    desk.says("matured and not booked", "MATB matur", desk.refusal())
    desk.taken(desk.take(HEADER + "2024-06-17,sell,MATB,1000,100,1000,,EUR\n"))
    seen = desk.overview()
    desk.same("cash", "1010.00", seen.cash("EUR"))
    desk.same("realised", "10.00", seen.realised())


@case("U11", "a bond of which nobody says how it is quoted", base="EUR")
def unknown_quotes(desk: Desk) -> None:
    answer = desk.take(HEADER + "2024-02-01,deposit,,,,2000,,EUR\n2024-02-01,buy,NOQB,1000,101,1010,,EUR\n")
    desk.refused(answer, "row_3 bond quote")


@case("U12", "a future by its contracts")
def future(desk: Desk) -> None:
    desk.taken(desk.take(HEADER + "2024-02-01,deposit,,,,3000,,USD\n2024-02-01,buy,FUT50,1,40,2000,,USD\n"))
    desk.same("value", "3008.00", desk.overview().value)  # 1,000 + 50 x 40.16


@case("U13", "an option sold for less than its commission")
def below_commission(desk: Desk) -> None:
    rows = (
        "2024-02-01,deposit,,,,2000,,USD\n2024-02-01,buy,OPT190C,2,5.20,1040,1.30,USD\n"
        "2024-06-20,sell,OPT190C,2,0.01,2.00,2.60,USD\n"
    )
    desk.taken(desk.take(HEADER + rows))
    seen = desk.overview()
    desk.same("cash", "958.10", seen.cash("USD"))  # 2,000 - 1,041.30 + 2 - 2.60
    desk.same("realised", "-1041.90", seen.realised())


@case("U14", "charges above the proceeds under highest cost first")
def charges_above_proceeds_hifo(desk: Desk) -> None:
    deposit = '2022-02-01 * "Deposit" "d"\n  Assets:Broker:Cash:USD  2000 USD\n  Equity:External  -2000 USD\n'
    desk.taken(desk.ledger(opened("USD", "BETA", method="") + deposit, "--booking", "HIFO"))
    rows = "2022-02-01,buy,BETA,10,50,,1,USD\n2022-03-01,buy,BETA,10,52,,1,USD\n2024-02-01,sell,BETA,10,60,,700,USD\n"
    desk.taken(desk.take(HEADER + rows))
    seen = desk.overview()
    desk.same("cash", "878.00", seen.cash("USD"))  # 2,000 - 501 - 521 - 100
    desk.same("realised", "-621.00", seen.realised())  # 600 - 700 - 521
    desk.same("cost left", "501.00", seen.holding("BETA", "cost_basis"))


@case("U15", "more given back than a merger's shares had cost")
def more_than_cost(desk: Desk) -> None:
    header = "date,type,symbol,quantity,unit_price,amount,to_symbol,ratio,currency\n"
    rows = (
        "2022-02-01,deposit,,,,900,,,USD\n2022-02-01,buy,VMW,10,90,,,,USD\n"
        "2023-11-21,return_of_capital,VMW,,,1000,,,USD\n2023-11-22,merger,VMW,,,,AVGO,0.131292,USD\n"
    )
    desk.taken(desk.take(header + rows))
    seen = desk.overview()
    desk.same("value", "2291.15", seen.value)  # 1,000 + 1.31292 x 983.418
    desk.same("realised", "100.00", seen.realised())
    desk.same("cost", "0.00", seen.holding("AVGO", "cost_basis"))


# --- days without a return


@case("U16", "all lost, and money again")
def all_lost(desk: Desk) -> None:
    rows = (
        "2022-02-01,deposit,,,,100,,USD\n2022-03-01,fee,,,,100,,USD\n"
        "2023-02-01,deposit,,,,200,,USD\n2023-03-01,interest,,,,10,,USD\n"
    )
    desk.taken(desk.take(HEADER + rows))
    seen = desk.overview()
    desk.same("value", "210.00", seen.value)
    desk.percent("since there was money again", "5", seen.metric("twr_itd"))
    desk.says("since inception", "degraded", seen.status("twr_itd"))
    desk.percent("one year", "0", seen.metric("twr_1y"))
    desk.same("one year is", "ok", seen.status("twr_1y"))


@case("U17", "an undefined day within a year, and not within this year")
def undefined_last_year(desk: Desk) -> None:
    rows = (
        "2023-02-01,deposit,,,,1000,,USD\n2023-10-02,withdrawal,,,,1000,,USD\n2023-10-03,fee,,,,5,,USD\n"
        "2023-10-04,deposit,,,,1000,,USD\n2024-02-01,interest,,,,9.95,,USD\n"
    )
    desk.taken(desk.take(HEADER + rows))
    seen = desk.overview(asof="2024-06-28")
    desk.percent("this year", "1", seen.metric("twr_ytd"))  # 1,004.95 / 995 - 1
    desk.same("this year is", "ok", seen.status("twr_ytd"))
    desk.says("one year", "unavailable zero", seen.status("twr_1y"))
    desk.says("which day", "2023-10-03", json.dumps(seen.metric("twr_1y")))
    desk.percent("since that day", "1", seen.metric("twr_itd"))
    desk.says("since inception", "degraded", seen.status("twr_itd"))
    later = desk.overview(asof="2024-12-31")
    desk.percent("a year later on", "1", later.metric("twr_1y"))


@case("U18", "sold out for a year, and bought again")
def flat_for_a_year(desk: Desk) -> None:
    rows = (
        "2022-02-01,deposit,,,,1000,,USD\n2022-06-01,interest,,,,100,,USD\n2022-06-02,withdrawal,,,,1100,,USD\n"
        "2023-06-01,deposit,,,,500,,USD\n2023-07-03,interest,,,,25,,USD\n"
    )
    desk.taken(desk.take(HEADER + rows))
    seen = desk.overview()
    desk.percent("return", "15.5", seen.metric("twr_itd"))  # 1.10 x 1.05 - 1
    desk.same("since inception", "ok", seen.status("twr_itd"))


# --- accounts


@case("U19", "account names in Greek, with umlauts, alike when folded, with a picture, from right to left")
def names_of_accounts(desk: Desk) -> None:
    names = ("Ωμέγα", "Müller", "Muller", "Ünder", "💶 Topf", "חשבון", "ünder", "A & B")
    rows = "".join(f"2023-02-01,deposit,,,,100,,USD,{name}\n" for name in names)
    desk.taken(desk.take(IN_ACCOUNTS + rows))
    desk.same("accounts", len(names), len(accounts(desk)))
    desk.same("cash", "800.00", desk.overview().cash("USD"))
    again = desk.take(IN_ACCOUNTS + "2023-03-01,deposit,,,,1,,USD,Müller\n2023-03-01,deposit,,,,1,,USD,חשבון\n")
    desk.taken(again)
    desk.same("accounts after a second file", len(names), len(accounts(desk)))


@case("U19b", "an account name with a colon that is no path of a ledger")
def colon_in_a_name(desk: Desk) -> None:
    desk.taken(
        desk.take(IN_ACCOUNTS + "2023-02-01,deposit,,,,100,,USD,ING: Giro\n2023-02-01,deposit,,,,100,,USD,ING\n")
    )
    desk.same("accounts", 2, len(accounts(desk)))


@case("U20", "some of a holding between own accounts, of one day")
def some_between_own_accounts(desk: Desk) -> None:
    header = "date,account,activityType,symbol,quantity,unitPrice,amount,currency,fee,comment\n"
    rows = (
        "2022-02-01,Alpha,DEPOSIT,$CASH-USD,,,12000,USD,0,\n2022-02-01,Alpha,BUY,ACME,100,100,10000,USD,0,\n"
        "2024-02-01,Alpha,TRANSFER_OUT,ACME,40,100,,USD,0,\n2024-02-01,Beta,TRANSFER_IN,ACME,40,100,,USD,0,\n"
        "2024-06-03,Beta,SELL,ACME,40,121,4840,USD,0,\n"
    )
    desk.taken(desk.take(header + rows))
    seen = desk.overview()
    desk.same("contributions", "12000.00", seen.bridge("contributions"))
    desk.same("realised", "840.00", seen.realised())  # 40 x (121 - 100)
    desk.same("quantity", "60", seen.holding("ACME"))
    desk.same("bought on", "2022-02-01", purchase_days(desk, "ACME"))


@case("U21", "securities between own accounts over a weekend: told, and internal once confirmed")
def over_a_weekend(desk: Desk) -> None:
    header = "date,account,activityType,symbol,quantity,unitPrice,amount,currency,fee,comment\n"
    rows = (
        "2022-02-01,Alpha,DEPOSIT,$CASH-USD,,,12000,USD,0,\n2022-02-01,Alpha,BUY,ACME,100,100,10000,USD,0,\n"
        "2024-02-02,Alpha,TRANSFER_OUT,ACME,100,100,,USD,0,\n2024-02-05,Beta,TRANSFER_IN,ACME,100,100,,USD,0,\n"
    )
    desk.says("unconfirmed", "transfer confirm ACME", desk.preview(header + rows).text)
    desk.taken(desk.take(header + rows, "--confirm-transfers"))
    seen = desk.overview()
    desk.same("contributions", "12000.00", seen.bridge("contributions"))
    desk.percent("return", "17.9033", seen.metric("twr_itd"))  # 14,148.40 / 12,000 - 1
    desk.same("bought on", "2022-02-01", purchase_days(desk, "ACME"))
    # 2,000 + 100 x 121.605, Friday's close
    desk.same("value in transit", "14160.50", desk.overview(asof="2024-02-04").value)


@case("U22", "a reverse split in thirds, in two accounts")
def thirds_in_two_accounts(desk: Desk) -> None:
    rows = (
        "2023-02-01,deposit,,,,100,,USD,Left\n2023-02-01,deposit,,,,100,,USD,Right\n"
        "2023-02-01,buy,REV13,10,4,,,USD,Left\n2023-02-01,buy,REV13,7,4,,,USD,Right\n"
        "2024-03-11,split,REV13,,,,1:3,USD,Left\n2024-03-11,split,REV13,,,,1:3,USD,Right\n"
        "2024-06-03,sell,REV13,all,12,,,USD,Left\n"
    )
    desk.taken(desk.take(IN_ACCOUNTS + rows))
    seen = desk.overview()
    desk.same("cash", "172.00", seen.cash("USD"))  # 200 - 40 - 28 + 10 / 3 x 12
    desk.same("value of the rest", "28.11", seen.holding("REV13", "market_value"))  # 7 / 3 x 12.048
    desk.taken(desk.take(IN_ACCOUNTS + "2024-06-04,sell,REV13,2.333333333,12,,,USD,Right\n"))
    seen = desk.overview()
    desk.same("holdings", "", seen.symbols)
    desk.same("cash after all", "200.00", seen.cash("USD"))


@case("U23", "symbols with dots, dashes and digits in front", base="EUR")
def names_of_securities(desk: Desk) -> None:
    rows = (
        "2024-02-01,deposit,,,,10000,,EUR\n2024-02-01,deposit,,,,1000,,USD\n2024-02-01,deposit,,,,100000,,JPY\n"
        "2024-02-01,buy,0P0001.F,10,12.5,,,EUR\n2024-02-01,buy,RDSA.AS,10,20,,,EUR\n2024-02-01,buy,BRK-B,1,300,,,USD\n"
        "2024-02-01,buy,BF.B,2,60,,,USD\n2024-02-01,buy,7203.T,10,2000,,,JPY\n"
    )
    desk.taken(desk.take(HEADER + rows))
    seen = desk.overview()
    desk.same("holdings", "0P0001.F 7203.T BF.B BRK-B RDSA.AS", seen.symbols)
    # 9,675 + 125.50 + 200.80 + (580 + 301.20 + 120.48) / 1.1044 + (80,000 + 20,080) / 160.64
    desk.same("value", "11531.30", seen.value)
    desk.taken(desk.take(HEADER + "2024-06-03,sell,7203.T,10,2000,,,JPY\n2024-06-03,dividend,BF.B,,,4,,USD\n"))
    desk.same("holdings after a sale", "0P0001.F BF.B BRK-B RDSA.AS", desk.overview().symbols)


# --- currencies of deals


@case("U24", "bought in Canada twice, sold in the United States, highest cost first", base="CAD", world="woods")
def interlisted_hifo(desk: Desk) -> None:
    deposit = '2021-03-01 * "Deposit" "d"\n  Assets:Broker:Cash:CAD  1000 CAD\n  Equity:External  -1000 CAD\n'
    desk.taken(desk.ledger(opened("CAD", "ASH", currencies=("USD",), method="") + deposit, "--booking", "HIFO"))
    rows = "2021-03-01,buy,ASH,10,20,,,CAD,\n2021-03-02,buy,ASH,10,23,,,CAD,\n2021-03-05,sell,ASH,10,18,,,USD,\n"
    desk.taken(desk.take(RATED + rows))
    seen = desk.overview()
    desk.same("realised", "-5.00", seen.realised())  # 180 x 1.25 - 230
    desk.same("cost left", "200.00", seen.holding("ASH", "cost_basis_base"))


@case("U25", "one lot paid in Canada, one in the United States, sold from both", base="CAD", world="woods")
def lots_of_two_currencies(desk: Desk) -> None:
    rows = (
        "2021-03-01,deposit,,,,1000,,CAD,\n2021-03-01,deposit,,,,500,,USD,\n2021-03-01,buy,ASH,10,20,,,CAD,\n"
        "2021-03-02,buy,ASH,10,16,,,USD,\n2021-03-10,sell,ASH,15,24,,,CAD,\n"
    )
    desk.taken(desk.take(RATED + rows))
    seen = desk.overview()
    desk.same("realised", "51.20", seen.realised())  # 360 - 200 - 5 x 16 x 1.36
    desk.same("cost left", "108.80", seen.holding("ASH", "cost_basis_base"))
    desk.same("quantity", "5", seen.holding("ASH"))


@case("U26", "a dividend from abroad after all was sold", base="CAD", world="woods")
def dividend_after_the_sale(desk: Desk) -> None:
    header = "date,type,symbol,quantity,unit_price,amount,tax,currency\n"
    rows = (
        "2021-03-01,deposit,,,,500,,USD\n2021-03-01,buy,OAK,10,40,,,USD\n2021-03-02,sell,OAK,10,44,,,USD\n"
        "2021-03-08,dividend,OAK,,,8,1.20,USD\n"
    )
    desk.taken(desk.take(header + rows))
    seen = desk.overview()
    desk.same("income", "10.88", seen.bridge("income"))  # 8 x 1.36
    desk.same("taxes", "-1.63", seen.bridge("taxes"))
    desk.same("income of the holding", "9.25", seen.gain("OAK", "income"))  # 6.80 x 1.36
    desk.same("cash", "546.80", seen.cash("USD"))


@case("U27", "ex before the sale, paid after it", base="CAD", world="woods")
def paid_after_the_sale(desk: Desk) -> None:
    header = "date,type,symbol,quantity,unit_price,amount,currency,ex_date,pay_date\n"
    rows = (
        "2021-03-01,deposit,,,,500,USD,,\n2021-03-01,buy,OAK,10,40,,USD,,\n2021-03-03,sell,OAK,10,44,,USD,,\n"
        "2021-03-08,dividend,OAK,,,8,USD,2021-03-02,2021-03-08\n"
    )
    desk.taken(desk.take(header + rows))
    seen = desk.overview(asof="2021-03-04")
    desk.same("value, on cash basis", "715.50", seen.value)  # 540 x 1.325
    desk.same("receivable", "10.60", seen["valued_positions.receivable_value"])  # 8 x 1.325
    desk.same("both", "726.10", seen["valued_positions.accrued_value"])
    desk.same(
        "nothing before the ex-date", "0.00", desk.overview(asof="2021-03-01")["valued_positions.receivable_value"]
    )


@case("U28", "an average pool that something is transferred into")
def average_with_transfer(desk: Desk) -> None:
    deposit = '2022-02-01 * "Deposit" "d"\n  Assets:Broker:Cash:USD  500 USD\n  Equity:External  -500 USD\n'
    desk.taken(desk.ledger(opened("USD", "BETA", method="") + deposit, "--booking", "AVERAGE"))
    header = "date,type,symbol,quantity,unit_price,cost,acquired,currency\n"
    rows = (
        "2022-02-01,buy,BETA,10,50,,,USD\n2022-03-01,transfer_in,BETA,10,,600,2021-06-01,USD\n"
        "2024-02-01,sell,BETA,5,58,,,USD\n"
    )
    desk.taken(desk.take(header + rows))
    seen = desk.overview()
    desk.same("realised", "15.00", seen.realised())  # 5 x (58 - 1,100 / 20)
    desk.same("cost left", "825.00", seen.holding("BETA", "cost_basis"))


@case("U29", "an average pool abroad, sold out and filled again", base="CAD", world="woods")
def average_abroad_again(desk: Desk) -> None:
    deposit = '2021-03-01 * "Deposit" "d"\n  Assets:Broker:Cash:USD  5000 USD\n  Equity:External  -5000 USD\n'
    desk.taken(desk.ledger(opened("CAD", "OAK", currencies=("USD",), method="") + deposit, "--booking", "AVERAGE"))
    rows = (
        "2021-03-01,buy,OAK,10,40,,,USD,\n2021-03-02,sell,OAK,10,44,,,USD,\n2021-03-04,buy,OAK,6,45,,,USD,\n"
        "2021-03-05,buy,OAK,6,46,,,USD,\n2021-03-11,sell,OAK,3,49,,,USD,\n"
    )
    desk.taken(desk.take(RATED + rows))
    seen = desk.overview()
    # 440 x 1.36 - 400 x 1.28925620 = 82.70; the second pool costs 270 x 1.325 + 276 x 1.25 = 702.75, a quarter of it 175.69;
    # 147 x 1.35 - 175.6875 = 22.7625
    desk.same("realised", "105.46", seen.realised())
    desk.same("cost left", "527.06", seen.holding("OAK", "cost_basis_base"))  # 702.75 x 3 / 4


@case("U30", "a deal in kroner of a share that trades in dollars, dated back", base="EUR")
def paid_in_kroner(desk: Desk) -> None:
    rows = "2022-03-01,deposit,,,,10000,,DKK\n2022-03-01,buy,ACME,10,680,,,DKK\n2024-02-01,sell,ACME,4,121,,,USD\n"
    desk.taken(desk.take(HEADER + rows))
    seen = desk.overview()
    desk.same("kroner", "3200.00", seen.cash("DKK"))
    desk.same("dollars", "484.00", seen.cash("USD"))
    # 3,200 / 7.4898 + (484 + 6 x 121.484) / 1.1044
    desk.same("value", "1525.49", seen.value)


# --- files and doors


@case("U31", "a file without deposits, of two accounts, with their balances")
def two_accounts_without_deposits(desk: Desk) -> None:
    activity = {"fee": 0, "dataSource": "YAHOO"}
    document = {
        "accounts": [
            {"id": "a1", "name": "Dollars", "balance": 0, "currency": "USD"},
            {"id": "a2", "name": "Euros", "balance": 5, "currency": "EUR"},
        ],
        "activities": [
            activity | {"accountId": "a1", "date": "2024-02-01T00:00:00.000Z", "type": "BUY", "symbol": "ACME"}
            | {"quantity": 10, "unitPrice": 121, "currency": "USD"},
            activity | {"accountId": "a2", "date": "2024-02-05T00:00:00.000Z", "type": "BUY", "symbol": "VWRL"}
            | {"quantity": 2, "unitPrice": 115, "currency": "EUR"},
            activity | {"accountId": "a2", "date": "2024-06-03T00:00:00.000Z", "type": "DIVIDEND", "symbol": "VWRL"}
            | {"quantity": 1, "unitPrice": 5, "currency": "EUR"},
        ],
    }  # fmt: skip
    desk.taken(desk.take(json.dumps(document, indent=1), "--infer-deposits", name="export.json"))
    seen = desk.overview()
    desk.same("dollars", "0.00", "0.00" if "not there" in str(seen.cash("USD")) else seen.cash("USD"))
    desk.same("euros", "5.00", seen.cash("EUR"))
    desk.same("value", "1475.39", seen.value)  # 1,214.84 + (2 x 115.46 + 5) x 1.1044
    desk.says("headline", "ok|degraded", seen.status("twr_itd"))


@case("U32", "micro prices keep their unit cost")
def micro_prices(desk: Desk) -> None:
    rows = (
        "2023-02-01,deposit,,,,10000,,USD\n2023-02-01,buy,SHIB,1000000000,0.0000081234,,,USD\n"
        "2023-03-01,sell,SHIB,500000000,0.000009,,,USD\n"
    )
    desk.taken(desk.take(HEADER + rows))
    seen = desk.overview()
    desk.same("cost left", "4061.70", seen.holding("SHIB", "cost_basis"))
    desk.same("realised", "438.30", seen.realised())  # 4,500 - 4,061.70
    desk.same("quantity", "500000000", seen.holding("SHIB"))


@case("U33", "a dividend in pence", base="GBP")
def pence_of_a_dividend(desk: Desk) -> None:
    rows = "2024-12-02,deposit,,,,2000,,GBP\n2024-12-03,buy,EZJ,100,610,,,GBp\n2024-12-10,dividend,EZJ,100,12.5,,,GBp\n"
    desk.taken(desk.take(HEADER + rows))
    seen = desk.overview()
    desk.same("cash", "1402.50", seen.cash("GBP"))  # 2,000 - 610 + 12.50
    desk.same("income", "12.50", seen.bridge("income"))


@case("U34", "an import undone: the value of before, at once")
def undone(desk: Desk) -> None:
    desk.taken(desk.take(HEADER + "2024-02-01,deposit,,,,1000,,USD\n"))
    desk.taken(desk.take(HEADER + "2024-03-01,deposit,,,,500,,USD\n"))
    desk.same("after the second file", "1500.00", desk.overview().value)
    desk.taken(command("undo_import", "--portfolio", desk.slug))
    desk.same("after the undo", "1000.00", desk.overview().value)


@case("U35", "another booking method after the fact")
def another_method(desk: Desk) -> None:
    rows = (
        "2022-01-10,deposit,,,,5000,,USD\n2022-02-01,buy,ACME,10,100,,,USD\n2023-02-01,buy,ACME,10,110,,,USD\n"
        "2024-02-01,sell,ACME,10,121,,,USD\n"
    )
    desk.taken(desk.take(HEADER + rows))
    desk.same("first in first out", "210.00", desk.overview().realised())  # 10 x (121 - 100)
    desk.taken(command("portfolio_settings", "--portfolio", desk.slug, "--booking-method", "LIFO"))
    seen = desk.overview()
    desk.same("last in first out", "110.00", seen.realised())
    desk.same("cost left", "1000.00", seen.holding("ACME", "cost_basis"))


@case("U36", "questions that can't be answered say why")
def bad_questions(desk: Desk) -> None:
    desk.taken(desk.take(HEADER + "2024-02-01,deposit,,,,1000,,USD\n2024-02-01,buy,ACME,5,121,,,USD\n"))
    reversed_dates = desk.refusal("money_bridge", "--input", "from_date=2024-06-03", "--input", "to_date=2024-03-01")
    desk.says("dates in the wrong order", "from_date|before|after", reversed_dates)
    desk.says_not("no failure of ours", " broke", reversed_dates)
    not_held = desk.refusal("holding_deep_dive", "--input", "security_id=1", asof="2024-01-15")
    desk.says("what is not held", "held", not_held)
    desk.says("a future day", "2099-01-01|future|after", desk.refusal(asof="2099-01-01"))


@case("U37", "quantities, signs and dates that are none are named by row and column")
def bad_rows(desk: Desk) -> None:
    rows = "2024-02-30,deposit,,,,1000,,USD\n2024-02-01,splat,ACME,1,1,,,USD\n2024-02-01,buy,ACME,one,121,,,USD\n"
    desk.refused(desk.take(HEADER + rows), "row_2 row_3 row_4 date type quantity")
    rows = "2024-02-01,deposit,,,,1000,,USD\n2024-02-01,buy,NOPE,1,1,,,USD\n"
    desk.refused(desk.take(HEADER + rows), "row_3 symbol")
    desk.says("nothing of it went in", "no_such|nothing", desk.refusal() or "it went in")


@case("U38", "a sale of all, named so, and a hair more than is left")
def all_of_it(desk: Desk) -> None:
    # The rest is below half the last digit that is printed, a millionth of the position, and a cent: 0.000000003 x 3,000.
    rows = "2023-02-01,deposit,,,,1000,,USD\n2023-02-01,buy,ETH,0.333333333333,3000,1000,,USD\n"
    desk.taken(desk.take(HEADER + rows + "2023-03-01,sell,ETH,0.33333333,3000,1000,,USD\n"))
    seen = desk.overview()
    desk.same("holdings", "", seen.symbols)
    desk.same("cash", "1000.00", seen.cash("USD"))
    rows = "2023-04-03,buy,ETH,0.666666666667,3000,,,USD\n2023-05-02,sell,ETH,0.66666667,3000,,,USD\n"
    desk.taken(desk.take(HEADER + rows))  # a hair more than is held
    desk.same("holdings after a second time", "", desk.overview().symbols)
    desk.refused(desk.take(HEADER + "2023-06-01,sell,ETH,all,3000,,,USD\n"), "row_2")


@case("U39", "a holding in percent and pounds at once, sold by half", base="EUR")
def bond_sold_by_half(desk: Desk) -> None:
    rows = (
        "2024-02-01,deposit,,,,20000,,EUR\n2024-02-01,buy,BTP30,10000,99.20,9920,5,EUR\n"
        "2024-06-03,sell,BTP30,5000,99.30,4965,5,EUR\n"
    )
    desk.taken(desk.take(HEADER + rows))
    seen = desk.overview()
    desk.same("cash", "15035.00", seen.cash("EUR"))  # 20,000 - 9,925 + 4,960
    desk.same("realised", "-2.50", seen.realised())  # 4,960 - 4,962.50
    desk.same("value", "20014.84", seen.value)  # 15,035 + 5,000 x 99.5968 / 100


@case("U40", "a money amount that is not what quantity and price make")
def amounts_apart(desk: Desk) -> None:
    rows = "2024-02-01,deposit,,,,5000,,USD\n2024-02-01,buy,ACME,10,121,1310,,USD\n"
    desk.refused(desk.take(HEADER + rows), "row_3 amount")
