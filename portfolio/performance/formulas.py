"""How each figure is made: the one registry of formulas. docs/measurement.md says what they mean.

A formula is written in the names of the terms that an explanation lists under it. `items` and whatever is written in the plural
are lists or series, taken number by number. Beside + - * / and **:

    sum, prod, mean, count, min, max, abs, sqrt, log1p
    std(x)            standard deviation, ddof 1; var(x) and cov(x, y) likewise
    percentile(x, p)  linear between the neighbours
    irr(a, d)         the yearly rate at which amounts with so many days left come to nothing
    above(x, m)       the numbers above m; below: at or below it; unequal: not m
    negative(x)       min(x, 0) of each; last(x): the last one
    carino(r)         ln(1 + r) / r, 1 where r is 0
    linking(r, b)     (ln(1 + r) - ln(1 + b)) / (r - b), 1 / (1 + b) where both are one
    growth(r)         the return index after each return: 1, then the product of 1 + r so far
    peak(x)           the highest so far
    round_money(x)    half to even, to the minor unit of the currency
    round_to(x, n)    half to even, to n decimals
"""

from collections.abc import Mapping
from dataclasses import dataclass

from portfolio.performance.measures import Measure


@dataclass(frozen=True, slots=True)
class Formula:
    """What a figure is, and how it is made of its terms."""

    what: str
    expression: str


VALUES: Mapping[str, Formula] = {
    "quantity": Formula("Units held at the close: those of its open lots", "sum(lots)"),
    "price": Formula("The close of the pack, as it is quoted", "close"),
    "factor": Formula("From a quote to the value of one unit", "factor"),
    "fx_rate": Formula("Base currency for one of the currency, at the fixing of the pack", "rate"),
    "value_local": Formula("Value of a holding in its own currency", "round_money(quantity * price)"),
    "market_value": Formula("Value of a holding in the base currency", "round_money(quantity * price * rate)"),
    "cash_amount": Formula("Cash of a currency: all that moved it", "round_money(sum(items))"),
    "unsettled": Formula("Cash that is traded and not settled", "round_money(sum(items))"),
    "cash_value": Formula("Cash of a currency in the base currency", "round_money(amount * rate)"),
    "weight": Formula("Part of the portfolio's value", "value / total"),
    "cost_basis": Formula("What the open lots cost, in the currency that the security trades in", "round_money(sum(lots))"),
    "cost_basis_base": Formula("What the open lots cost, at the rates of their purchases", "round_money(sum(lots))"),
    "unrealized_pnl": Formula("Value less cost, in the base currency", "round_money(value - cost)"),
    "age_days": Formula("Calendar days from the close to the pack", ""),
    "age_sessions": Formula("Sessions of its exchange since the close, as the flags of its row have them", ""),
    "total_value": Formula("Value of the portfolio: securities and cash", "round_money(sum(holdings) + sum(cash))"),
    "securities_value": Formula("Value of all securities", "round_money(sum(holdings))"),
    "all_cash": Formula("Value of all cash", "round_money(sum(cash))"),
    "receivable_value": Formula("Dividends between ex-date and pay date", "round_money(sum(receivables))"),
    "accrued_value": Formula(
        "Value with the dividends receivable", "round_money(sum(holdings) + sum(cash) + sum(receivables))"
    ),
    "receivable_gross": Formula("A dividend before anything was withheld", "round_money(amount + tax + fee)"),
    "receivable_amount": Formula("A dividend due, net", "round_money(amount)"),
    "receivable_tax": Formula("What is withheld of a dividend due", "round_money(tax)"),
    "exposure_securities": Formula("Value of the securities that trade in a currency", "round_money(sum(holdings))"),
    "exposure_cash": Formula("Value of the cash in a currency", "round_money(sum(cash))"),
    "exposure": Formula("Value of securities and cash in a currency", "round_money(sum(holdings) + sum(cash))"),
    "exposure_weight": Formula("Part of the value that is in a currency", "(sum(holdings) + sum(cash)) / total"),
    "holdings": Formula("How many securities are held", "count(holdings)"),
    "largest_weights": Formula("Weight of the largest holdings", "sum(holdings) / total"),
    "herfindahl": Formula("Sum of the squared parts of the securities' value", "sum((holdings / sum(holdings)) ** 2)"),
    "effective_holdings": Formula(
        "Equally large holdings that would be as concentrated", "1 / sum((holdings / sum(holdings)) ** 2)"
    ),
    "share_of_value": Formula("Part of the value that rests on such rows", "sum(items) / total"),
    "pending_quantity": Formula("Units of a deal that is not settled", "quantity"),
    "pending_amount": Formula("Cash of a deal that is not settled", "amount"),
}  # fmt: skip

GAINS: Mapping[str, Formula] = {
    **{
        f"{kind}_{part}": Formula(f"{what}{words}", "round_money(sum(items))")
        for kind, what in (
            ("realised", "Gain since purchase of what was sold in the period"),
            ("unrealised", "Gain since purchase of what is held"),
        )
        for part, words in (
            ("price", ": the part of the price"),
            ("fx", ": the part of the exchange rate"),
            ("interaction", ": the part that price and rate made together"),
            ("fees", ": fees that stand apart from cost and proceeds"),
            ("total", ""),
        )
    },
    "income_dividends": Formula("Dividends, gross, each at the rate of its day", "round_money(sum(dividends))"),
    "income_interest": Formula("Interest, gross, each at the rate of its day", "round_money(sum(interest))"),
    "income_tax": Formula("What was withheld", "round_money(sum(tax))"),
    "income_net": Formula("Dividends and interest after tax", "round_money(sum(dividends) + sum(interest) - sum(tax))"),
    "currency_realised": Formula("Realised gain in the currency itself, before fees", "round_money(sum(items))"),
    "currency_dividends": Formula("Dividends in the currency itself, gross", "round_money(sum(items))"),
    "currency_interest": Formula("Interest in the currency itself, gross", "round_money(sum(items))"),
    "currency_tax": Formula("What was withheld in the currency", "round_money(sum(items))"),
    "currency_fees": Formula("All that was charged in the currency", "round_money(sum(items))"),
    "security_realised": Formula("Gain since purchase of what was sold of a security", "round_money(sum(items))"),
    "security_unrealised": Formula("Gain since purchase of what is held of a security", "round_money(sum(items))"),
    "security_income": Formula("Dividends of a security, net", "round_money(sum(dividends) - sum(tax))"),
    "security_total": Formula(
        "All that a security gained", "round_money(realised + unrealised + sum(dividends) - sum(tax))"
    ),
}

REALISED: Mapping[str, Formula] = {
    "lots": Formula("Parts of lots that were sold", "count(items)"),
    **{
        name: Formula(f"{words} of what was sold, base currency", "round_money(sum(items))")
        for name, words in (
            ("proceeds", "Proceeds"),
            ("cost", "Cost"),
            ("fees", "Fees that stand apart from cost and proceeds,"),
            ("gain", "Gain since purchase"),
            ("price", "The price's part of the gain"),
            ("fx", "The exchange rate's part of the gain"),
            ("interaction", "The part of the gain that price and rate made together,"),
        )
    },
    "before_fees": Formula("Gain before fees that stand apart", "round_money(sum(price) + sum(fx) + sum(interaction))"),
    "gains": Formula("The lots that gained", "round_money(sum(items))"),
    "losses": Formula("The lots that lost", "round_money(sum(items))"),
    "without_cost": Formula("Lots whose cost in base currency is not known", "count(items)"),
    "quantity": Formula("Units that a sale took from a lot", ""),
    "days_held": Formula("Calendar days from the purchase to the sale", ""),
    **{
        f"lot_{name}": Formula(what, "")
        for name, what in (
            ("proceeds", "Proceeds of what a sale took from a lot"),
            ("cost", "Cost of what a sale took from a lot"),
            ("fees", "Fees of purchase and sale that stand apart"),
            ("gain", "Gain since purchase of what a sale took from a lot"),
            ("price", "The price's part of the gain"),
            ("fx", "The exchange rate's part of the gain"),
            ("interaction", "The part of the gain that price and rate made together"),
            ("proceeds_local", "Proceeds in the currency that the security trades in"),
            ("cost_local", "Cost in the currency that the security trades in"),
            ("gain_local", "Gain in the currency that the security trades in, before fees that stand apart"),
            ("fx_in", "Base currency for one of the security's, at the purchase"),
            ("fx_out", "Base currency for one of the security's, at the sale"),
        )
    },
}

CLOSED: Mapping[str, Formula] = {
    "realised": GAINS["security_realised"],
    "income": GAINS["security_income"],
    "total": Formula(
        "All that a security gained that is held no more", "round_money(sum(sold) + sum(dividends) - sum(tax))"
    ),
}

CONVERTED: Mapping[str, Formula] = {
    "value": Formula("Value of the portfolio in another currency", "round_money(total_value * rate)"),
    "rate": Formula(
        "The other currency for one of the base currency, at the fixing of the pack", "round_to(cross, 12)"
    ),
    "fixing": Formula("A rate as it was published", ""),
}

BRIDGE: Mapping[str, Formula] = {
    **{
        name: Formula(what, "round_money(sum(items)) + carried")
        for name, what in (
            ("contributions", "Money and securities that came from outside"),
            ("withdrawals", "Money and securities that went outside"),
            ("realised_price", "Price gain of what was sold in the period"),
            ("unrealised_price", "Price gain of what is held at its end, or was moved out in kind"),
            ("fx", "What exchange rates did to securities"),
            (
                "cash_fx",
                "What exchange rates did to cash, and what dealing at other rates than the fixing made or lost",
            ),
            ("income", "Dividends and interest, gross"),
            ("fees", "What was charged"),
            ("taxes", "What was withheld"),
        )
    },
    "interaction": Formula("The part of fx that price and rate made together", "round_money(sum(items))"),
    "fx_dealing": Formula(
        "The part of cash_fx that deals at another rate than the fixing made", "round_money(sum(items))"
    ),
    "deal_rounding": Formula("The part of fees that deals lost by rounding their cash", "round_money(sum(items))"),
    "opening_value": Formula("Value as the period opens", "round_money(sum(holdings) + sum(cash) + sum(receivables))"),
    "closing_value": Formula("Value as the period closes", "round_money(sum(holdings) + sum(cash) + sum(receivables))"),
    "gain": Formula("What was gained in the period", "closing_value - opening_value - contributions - withdrawals"),
    "rounding": Formula(
        "What rounding the lines leaves",
        "closing_value - opening_value - contributions - withdrawals - realised_price - unrealised_price - fx - cash_fx"
        " - income - fees - taxes",
    ),
}

DAYS: Mapping[str, Formula] = {
    "return_in_start_out_end": Formula("", "(value + outflow) / (value_before + inflow) - 1"),
    "return_start": Formula("", "value / (value_before + inflow - outflow) - 1"),
    "return_end": Formula("", "(value - inflow + outflow) / value_before - 1"),
    "return": Formula("Return of a day", ""),
    "gross_return": Formula("Return of a day before management and custody fees", ""),
    "inflow": Formula("Money and securities that came in from outside on a day", "sum(items)"),
    "outflow": Formula("Money and securities that went outside on a day", "-sum(items)"),
    "observation": Formula("Return since the observation before", "prod(1 + daily_returns) - 1"),
    "risk_free": Formula(
        "Risk-free return since the observation before, at the yield known at its opening",
        "(1 + annual_yield) ** (days / 365) - 1",
    ),
    "holding_weight": Formula(
        "Part of what the portfolio opened the day with that is in a holding",
        "(opened * rate_before + came * rate) / (value_before + inflow)",
    ),
    "holding_local": Formula(
        "Return of a holding on a day, in its own currency", "(closed + went) / (opened + came) - 1"
    ),
    "holding_fx": Formula(
        "Return of a holding's currency on a day", "(opened + came) * rate / (opened * rate_before + came * rate) - 1"
    ),
    "local_effect": Formula("What local returns added to a day's return", "sum(items)"),
    "holding_contribution": Formula("What a holding added to a day's return", "weight * ((1 + local) * (1 + fx) - 1)"),
    "fees": Formula(
        "What fees that belong to no deal took from a day's return", "-sum(fees) / (value_before + inflow)"
    ),
    "other": Formula(
        "What deals at another rate than the fixing, and balances that a day began without, added to its return",
        "(sum(deals) + sum(balances)) / (value_before + inflow)",
    ),
    "values": Formula("Value of the portfolio at a close", "sum(holdings) + sum(cash) + sum(receivables)"),
    "net_contributions": Formula("Money put in less money taken out, up to a day", "sum(items)"),
    "total_return_pct": Formula("Growth of the return index up to a day", "prod(1 + daily_returns) - 1"),
}

RETURNS: Mapping[Measure, Formula] = {
    Measure.TWR: Formula("Time-weighted return, net", "prod(1 + daily_returns) - 1"),
    Measure.GROSS_TWR: Formula(
        "Time-weighted return before management and custody fees", "prod(1 + daily_returns) - 1"
    ),
    Measure.BENCHMARK_TWR: Formula("Time-weighted return of the benchmark", "prod(1 + benchmark_returns) - 1"),
    Measure.EXCESS_TWR: Formula("Time-weighted return over the benchmark's", "twr - benchmark_twr"),
    Measure.MWR: Formula("Money-weighted return", "(1 + yearly_rate) ** (days / 365) - 1"),
    Measure.BENCHMARK_MWR: Formula(
        "Money-weighted return of the same money in the benchmark", "(1 + yearly_rate) ** (days / 365) - 1"
    ),
    Measure.EXCESS_MWR: Formula("Money-weighted return over the benchmark's", "mwr - benchmark_mwr"),
}
A_YEAR = "prod(1 + daily_returns) ** (365 / days) - 1"
"""A time-weighted return of several years, as a yearly rate."""
BENCHMARK_A_YEAR = "prod(1 + benchmark_returns) ** (365 / days) - 1"
YEARLY_RATE = Formula(
    "The yearly rate at which all that was put in and taken out is worth nothing", "irr(amounts, days_left)"
)

RISK: Mapping[Measure, Formula] = {
    Measure.VOLATILITY: Formula("Volatility a year", "std(returns) * sqrt(periods_per_year)"),
    Measure.SHARPE: Formula(
        "Sharpe ratio", "mean(returns - risk_free) / std(returns - risk_free) * sqrt(periods_per_year)"
    ),
    Measure.SORTINO: Formula(
        "Sortino ratio",
        "mean(returns - risk_free) / sqrt(mean(negative(returns - risk_free) ** 2)) * sqrt(periods_per_year)",
    ),
    Measure.DOWNSIDE_DEVIATION: Formula(
        "Downside deviation a year, below the risk-free rate",
        "sqrt(mean(negative(returns - risk_free) ** 2)) * sqrt(periods_per_year)",
    ),
    Measure.CALMAR: Formula(
        "Calmar ratio: yearly return over the deepest drawdown",
        "(prod(1 + returns) ** (periods_per_year / count(returns)) - 1) / -min(growth(returns) / peak(growth(returns)) - 1)",
    ),
    Measure.WIN_RATE: Formula(
        "Share of the returns above zero among those that are not zero",
        "count(above(returns, 0)) / count(unequal(returns, 0))",
    ),
    Measure.MAX_DRAWDOWN: Formula(
        "Deepest fall of the return index from its highest so far",
        "min(growth(daily_returns) / peak(growth(daily_returns)) - 1)",
    ),
    Measure.CURRENT_DRAWDOWN: Formula(
        "Fall of the return index from its highest so far, at the last close",
        "last(growth(daily_returns) / peak(growth(daily_returns))) - 1",
    ),
    Measure.VALUE_AT_RISK: Formula(
        "Loss of a day that is not exceeded with this confidence", "-percentile(returns, 1 - level)"
    ),
    Measure.EXPECTED_SHORTFALL: Formula(
        "Mean loss of the days at or beyond the value at risk", "-mean(below(returns, percentile(returns, 1 - level)))"
    ),
    Measure.BETA: Formula("Beta to the benchmark", "cov(returns, benchmark) / var(benchmark)"),
    Measure.ALPHA: Formula(
        "Jensen's alpha a year", "(mean(returns - risk_free) - beta * mean(benchmark - risk_free)) * periods_per_year"
    ),
    Measure.TRACKING_ERROR: Formula("Tracking error a year", "std(returns - benchmark) * sqrt(periods_per_year)"),
    Measure.INFORMATION_RATIO: Formula(
        "Information ratio", "mean(returns - benchmark) * periods_per_year / tracking_error"
    ),
    Measure.CORRELATION: Formula(
        "Correlation with the benchmark", "cov(returns, benchmark) / (std(returns) * std(benchmark))"
    ),
}
PERIODS_PER_YEAR = Formula("Observations a year", "observations / (days / 365)")

PARTS: Mapping[str, Formula] = {
    "total_return": Formula("Return of the span, as its parts add up to it", "prod(1 + returns) - 1"),
    "local_return": Formula("What local prices did, compounded", "prod(1 + local_effects) - 1"),
    "fx_return": Formula("What exchange rates did, compounded", "prod(1 + returns) / prod(1 + local_effects) - 1"),
    "interaction": Formula(
        "What both did together, compounded",
        "(prod(1 + local_effects) - 1) * (prod(1 + returns) / prod(1 + local_effects) - 1)",
    ),
    "fx_dealing": Formula(
        "What deals at another rate than the fixing made, linked", "sum(others * carino(returns)) / carino(total)"
    ),
    "error_bps": Formula(
        "How far the parts are from the independently linked return, in basis points",
        "round_to(abs(local_return + fx_return + interaction - (prod(1 + daily_returns) - 1)) * 10000, 9)",
    ),
    "benchmark_return": Formula("Return of the benchmark over the span", "prod(1 + benchmark_returns) - 1"),
    "benchmark_hedged_return": Formula(
        "Return of the benchmark over the span, its currencies sold forward", "prod(1 + hedged_returns) - 1"
    ),
    "days": Formula("Days of the span", "count(returns)"),
    "holding_local": Formula(
        "A holding's local part, linked", "sum(weights * locals * carino(returns)) / carino(total)"
    ),
    "holding_fx": Formula("A holding's FX part, linked", "sum(weights * fxs * carino(returns)) / carino(total)"),
    "holding_interaction": Formula(
        "A holding's part of both together, linked", "sum(weights * locals * fxs * carino(returns)) / carino(total)"
    ),
    "holding_total": Formula(
        "A holding's part of the return, linked",
        "sum(weights * ((1 + locals) * (1 + fxs) - 1) * carino(returns)) / carino(total)",
    ),
    "by_currency": Formula("What the holdings in a currency added, linked", "sum(holdings)"),
    "contribution": Formula(
        "What a row of the books added to the return, linked", "sum(contributions * carino(returns)) / carino(total)"
    ),
    "average_weight": Formula("Mean of a holding's weight as the days open", "mean(weights)"),
    "share": Formula("Part of the whole return", "contribution / total"),
}

HOLDING: Mapping[str, Formula] = {
    "total_return": Formula("Return of the holding in the base currency", "prod((1 + locals) * (1 + fxs)) - 1"),
    "local_return": Formula("Return of the holding in its own currency", "prod(1 + locals) - 1"),
    "observation": Formula("Return of the holding since the observation before", "prod((1 + locals) * (1 + fxs)) - 1"),
    "portfolio_observation": Formula(
        "Return of the portfolio since the observation before", "prod(1 + daily_returns) - 1"
    ),
    "max_drawdown": Formula(
        "Deepest fall of the holding's return index", "min(growth(returns) / peak(growth(returns)) - 1)"
    ),
    "market_value": Formula("Value of the holding", "market_value"),
    "position_weight": Formula("Part of the portfolio's value", "weight"),
    "var_1d": Formula(
        "Loss of a day that is not exceeded with this confidence", "round_money(market_value * var_1d_pct)"
    ),
    "marginal_var": Formula("The portfolio's value at risk for one more unit in the holding", "portfolio_var * beta"),
    "component_var": Formula(
        "The holding's part of the portfolio's value at risk", "round_money(market_value * marginal_var)"
    ),
    "pct_portfolio_risk": Formula("Share of the portfolio's risk", "weight * beta"),
    "beta_to_portfolio": Formula("Beta to the portfolio", "cov(returns, portfolio_returns) / var(portfolio_returns)"),
    "correlation": Formula(
        "Correlation with the portfolio", "cov(returns, portfolio_returns) / (std(returns) * std(portfolio_returns))"
    ),
    "diversification_benefit": Formula("Share of its own risk that the rest takes away", "1 - correlation"),
    "portfolio_volatility": Formula(
        "Volatility of the portfolio on the same days", "std(portfolio_returns) * sqrt(periods_per_year)"
    ),
    "data_points": Formula("Observations", "count(returns)"),
    "lot_quantity": Formula("Units of an open lot: bought, less what was sold of it", "quantity - sum(sold)"),
    "lot_unit_cost": Formula("Cost of one unit of a lot, fees apart", ""),
    "lot_cost": Formula("What a lot cost, in the currency of its purchase", "sum(purchases)"),
    "entry_quantity": Formula("Units of an entry of the ledger", ""),
    "entry_unit_price": Formula("Price of one unit in an entry of the ledger", ""),
    "entry_amount": Formula("What an entry of the ledger did to cash", ""),
    "entry_tax": Formula("What was withheld in an entry of the ledger", ""),
    "close": Formula("The close of one unit on a pack day", ""),
}

SPANS: Mapping[str, Formula] = {
    "days": Formula("Days of the span", "count(daily_returns)"),
    "return": Formula("Growth of the return index since the span opened", "prod(1 + daily_returns) - 1"),
    "drawdown": Formula(
        "How far the return index stands below its highest of the span",
        "last(growth(daily_returns) / peak(growth(daily_returns))) - 1",
    ),
    "depth": Formula("Depth of a fall: from its peak to its trough", "prod(1 + daily_returns) - 1"),
    "fall_days": Formula("Calendar days from the peak to the recovery, or to the last day", "sum(elapsed)"),
    "line": Formula("Growth of the return index since the span opened", "growth"),
    "month": Formula("Time-weighted return of a month", "prod(1 + daily_returns) - 1"),
    "year": Formula("Time-weighted return of a year", "prod(1 + daily_returns) - 1"),
    "holding_return": Formula("Return of a holding over the span", "prod((1 + locals) * (1 + fxs)) - 1"),
    "way": Formula("Growth of a holding's return index over the span", "prod((1 + locals) * (1 + fxs))"),
    "leading_contribution": Formula("What a holding added to the return of the span", ""),
}

ROLLING: Mapping[str, Formula] = {
    "window": Formula("Observations that each figure looks back upon", ""),
    "periods_per_year": Formula("Observations a year", "periods_per_year"),
    "twr": Formula("Time-weighted return of the window", "prod(1 + returns) - 1"),
    "volatility": RISK[Measure.VOLATILITY],
    "sharpe": RISK[Measure.SHARPE],
    "beta": RISK[Measure.BETA],
    "correlation": RISK[Measure.CORRELATION],
    "tracking_error": RISK[Measure.TRACKING_ERROR],
}

DECISIONS: Mapping[str, Formula] = {
    "days": Formula("Days of the span on which something was held", "count(returns)"),
    "portfolio_return": Formula("Return of the portfolio on these days", "prod(1 + returns) - 1"),
    "benchmark_return": Formula("Return of the benchmark on these days", "prod(1 + benchmark_returns) - 1"),
    "excess_return": Formula("Return over the benchmark's", "portfolio_return - benchmark_return"),
    **{
        name: Formula(f"What {words} added to the excess, over all segments", "sum(segments)")
        for name, words in (
            ("allocation", "other weights than the benchmark's"),
            ("selection", "other holdings than the benchmark's"),
            ("interaction", "other weights and other holdings together"),
        )
    },
    "segment_portfolio_weight": Formula("Mean of the days' weights of a segment", "mean(weights)"),
    "segment_benchmark_weight": Formula("Mean of the days' weights of a segment in the benchmark", "mean(weights)"),
    **{
        f"segment_{name}": Formula(
            what, f"sum({effect} * linking(totals, benchmark_totals)) / linking(total, benchmark_total)"
        )
        for name, what, effect in (
            (
                "allocation",
                "What the weight of a segment added to the excess, linked",
                "(weights - benchmark_weights) * (benchmark_returns - benchmark_totals)",
            ),
            (
                "selection",
                "What the holdings of a segment added to the excess, linked",
                "benchmark_weights * (returns - benchmark_returns)",
            ),
            (
                "interaction",
                "What weight and holdings of a segment added together, linked",
                "(weights - benchmark_weights) * (returns - benchmark_returns)",
            ),
        )
    },
    "segment_total": Formula("What a segment added to the excess", "allocation + selection + interaction"),
    "weight": Formula("Weight of a segment as a day opens", "sum(items) / sum(all)"),
    "return": Formula(
        "Return of a segment on a day, with what belongs to no holding by its weight",
        "sum(items) / sum(weights) + rest",
    ),
    "as_benchmark": Formula("Return of a segment that is not held: the benchmark's in it", "benchmark_return + rest"),
    "benchmark_weight": Formula("Weight of a segment in the benchmark as a day opens", "sum(items)"),
    "benchmark_segment": Formula("Return of a segment of the benchmark on a day", "sum(items) / sum(weights)"),
    "as_held": Formula(
        "Return of a segment that is not in the benchmark: that of what is held in it", "sum(items) / sum(weights)"
    ),
    "nothing": Formula("A segment that neither holds on a day", ""),
    "nothing_held": Formula("A segment that neither holds on a day", "rest"),
}

EXPOSURES: Mapping[str, Formula] = {
    "t_statistic": Formula("The beta over its standard error", "beta / standard_error"),
    "variance_share": Formula(
        "Part of the excess returns' variance that a factor explains",
        "beta * cov(changes, returns - risk_free) / var(returns - risk_free)",
    ),
    "contribution": Formula(
        "What a factor added to the return of the days used, linked",
        "sum(beta * changes * carino(returns)) / carino(total)",
    ),
    "r_squared": Formula("Part of the excess returns' variance that the factors explain", "sum(shares)"),
    "residual_share": Formula("Part of the excess returns' variance that no factor explains", "1 - sum(shares)"),
    "alpha": Formula("Excess return a day that no factor explains", "mean(returns - risk_free) - sum(means)"),
    "total_return": Formula("Return of the portfolio over the days used", "prod(1 + returns) - 1"),
    "risk_free_contribution": Formula(
        "What the risk-free rate added to the return of the days used, linked",
        "sum(risk_free * carino(returns)) / carino(total)",
    ),
    "residual_contribution": Formula(
        "What no factor explains of the return of the days used, linked",
        "total_return - sum(contributions) - risk_free_contribution",
    ),
    "observations": Formula("Days that the regression used", "count(returns)"),
    "factor_return": Formula("Change of a factor since the observation before", "level / level_before - 1"),
    "factor_difference": Formula("Change of a factor since the observation before", "(level - level_before) / 100"),
    "factor_benchmark": Formula("Return of the benchmark since the observation before", "benchmark"),
    "factor_premium": Formula("Return of the benchmark over the risk-free return", "benchmark - risk_free"),
}
INDICATORS: Mapping[str, Formula] = {
    "window_years": Formula("Years of its own past that an indicator is compared with", ""),
    "value": Formula("The newest figure of an indicator, as its definition takes it", ""),
    "z": Formula("Standard deviations from the mean of its window", "(last(figures) - mean(figures)) / std(figures)"),
}
ACTIONS: Mapping[str, Formula] = {
    "ratio": Formula("New shares for an old one", ""),
    "amount": Formula("Dividend a share, gross", ""),
    "portfolio_quantity": Formula("Units held at the close before the ex-date, with splits until then", ""),
    "quantity_change": Formula("New units of a split", "portfolio_quantity * (ratio - 1)"),
    "cash": Formula(
        "Dividend of all units before tax, in its own currency", "round_money(amount * portfolio_quantity)"
    ),
    "portfolio_impact": Formula(
        "Dividend of all units before tax, in the base currency", "round_money(amount * portfolio_quantity * rate)"
    ),
    "total_actions": Formula("Actions of what is held on their ex-dates", "count(actions)"),
    "dividends_expected": Formula(
        "Dividends of all actions before tax, in the base currency", "round_money(sum(dividends))"
    ),
    "splits_pending": Formula("Splits after the as-of date", "count(splits)"),
    "delistings": Formula("Securities that are taken off their exchange", "count(delistings)"),
}
REPORTED = Formula("What a company reported of a period, as it was known on the day of the pack", "value")

BENCHMARK: Mapping[str, Formula] = {
    "benchmark": Formula("Return of the benchmark on a day", "sum(items)"),
    "benchmark_linked": Formula(
        "Return of the benchmark from one day with a value to the next", "prod(1 + benchmark_returns) - 1"
    ),
    "benchmark_observation": Formula(
        "Return of the benchmark since the observation before", "prod(1 + benchmark_returns) - 1"
    ),
    "benchmark_index": Formula("Growth of the benchmark's return index up to a day", "prod(1 + benchmark_returns)"),
    "benchmark_growth": Formula("Return of the benchmark since the span opened", "prod(1 + benchmark_returns) - 1"),
    "component": Formula("Return of a component on a day, in the base currency", ""),
    "hedged": Formula("Return of the benchmark on a day, its currencies sold forward", "sum(items)"),
    "hedged_linked": Formula(
        "Return of the benchmark, its currencies sold forward, from one day with a value to the next",
        "prod(1 + hedged_returns) - 1",
    ),
    "hedged_component": Formula(
        "Return of a component on a day with its value of the day before sold forward", "local + premium + local * fx"
    ),
    "target_weight": Formula("Weight of a component as a period opens", "target"),
    "component_weight": Formula("Weight of a component as a day opens", "own / sum(grown)"),
    "in_benchmark": Formula("What the same money would be at the close, had it been in the benchmark", "sum(items)"),
}

INCOME: Mapping[str, Formula] = {
    "gross": Formula("Dividends and interest, gross, each at the rate of its day", "round_money(sum(payments))"),
    "withheld": Formula("What was withheld of dividends and interest", "round_money(sum(taxes))"),
    "net": Formula("Dividends and interest, net", "round_money(sum(payments) - sum(taxes))"),
    "yield_on_cost": Formula(
        "Gross dividends of twelve months on what is held, over its cost", "sum(payments) / sum(costs)"
    ),
}
