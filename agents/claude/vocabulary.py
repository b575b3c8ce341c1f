"""The words that a text may use, beside references to figures."""

from typing import Final

_WORDS = """
a about account accounts across action actions activity adjusted after against agency along also among amount amounts an
analysis and announcement annual appear appears applied approach are as asset assets at attribution balance balances bank banks
base based basis be because been before being belong belongs between bill bills bond bonds book borrowing bridge broker budget
business by calculated calculation calendar capital carried carries cash category chart charts claim class classes close closes
come comes commodity companies company compared comparison component components compounding computation computed consist
consists contract contribution contributions corporate cost costs countries country coupon coupons covered credit currencies
currency cycle cycles data date dates day days deal deals debt depend depends deposit deposits describe described describes
description detail details deviation did distribution distributions dividend dividends do does done drawdown drawdowns duration
during earned earnings economy effect effects entries entry equities equity estimate estimates evidence exchange expense
expenses explained explains explanation exposure exposures expressed fact factor factors facts fee fees figure figures fixing
fixings flow flows follow follows for free from fund funds future given gives goes government gross group had has have having
held hence here historic history hold holding holdings holds household however if impact in include included includes income
index indicator indicators industry inflation information instrument instruments interest interval into inventory investment
investments investor is issuer issuers it item items its kind known label labels language ledger lends level levels liabilities
liability line lines list listed loan loans local lot lots made makes manner margin market markets matter mean meaning means
measure measured measures method model money month months mortgage movement movements moves name named names national nature net
news nominal note notes obligation observation observations observed of on opening opens operation operations or order
organisation origin output owned owner owns pack packs paid panel payment payments period periods person phase phases place plan
point policy portfolio portfolios position positions present price priced prices pricing principal private process product
production profile public purchase purchases quantity question rate rates ratio ratios read reads real realised reason reasons
received record recorded refer reference references refers regime region regions regression regular relation relative report
reported reports residual rest rests result results return returns revision revisions risk role rule rules s said sale sales
sample say says scenario scenarios score scores section sector sectors securities security sensitivity sentence sentences series
session sessions settled settlement shape share shared shares shock shocks show shown shows side simulated simulation since so
source sources span speak speaks spread spreads stand standard stands state statement statements states statistic stock stocks
stored story subject sum sums supply survey system table tables taken tax taxes term terms text that the their them then theory
there therefore these they this those through thus time to toward tracked trade traded trades trading transaction transactions
transfer treasury trend trends type types uncertainty unemployment unit units unrealised until used uses usual valuation value
valued values variance variation via vintage volatility volume was way ways week weeks weight weighted weights were what when
where which while who whose window windows with withheld withholding within word words world written year years yield yields
"""
_MEASURES = """
account accounts amount amounts annual asset assets attribution balance balances bond bonds borrowing budget calendar capital
cash category class classes commodity contribution contributions cost costs coupon coupons credit currencies currency cycle
cycles day days debt deposit deposits deviation distribution distributions dividend dividends drawdown drawdowns duration
earnings economy equities equity exchange expense expenses exposure exposures factor factors fee fees flow flows fund funds
gross history income index indicator indicators inflation interest liabilities liability loan loans lot lots margin mean month
months mortgage net nominal payment payments period periods phase phases position positions price prices quantity rate rates
ratio ratios real realised regime region regions residual return returns revision revisions sale sales scenario scenarios score
scores sector sectors share shares shock shocks since spread spreads stock stocks tax taxes transfer trend trends unemployment
unrealised valuation value values variance variation volatility volume week weeks weight weights window windows withholding year
years yield yields
"""
VOCABULARY: Final = frozenset(_WORDS.split())
"""No number, direction, rank, quantity, negation or advice is among them (`s`: the portfolio's)."""
MEASURES: Final = frozenset(_MEASURES.split())
"""Those that say which figure is meant, or of which time."""
