"""Why a figure is not plainly there, in words that a reader without the code understands."""

import re
from collections.abc import Mapping
from typing import Final

REASONS: Final[Mapping[str, str]] = {
    "short_history": "the portfolio is younger than this window",
    "under_a_year": "nothing is annualised before a full year",
    "starts_at_or_below_zero": "a day of this window starts with nothing or with debt, so that it has no return",
    "total_loss": "on a day of this window all that there was was lost, so that nothing is left to compound",
    "missing_price": "money came or went while something held had no price",
    "missing_rate": "money came or went while an exchange rate was missing",
    "before_first_pack": "the ledger begins before the first day that is priced: measured from that day's close",
    "since_inception": "the portfolio is younger than this window: measured from its first day",
    "not_started": "nothing was booked up to this day",
    "no_valued_day": "no day of this year has a value",
    "no_observations": "nothing was held that is traded on an exchange",
    "too_few_observations": "what was held was traded on too few days",
    "inferred_flows": "the deposits are inferred from the cash that was needed, not booked",
    "delisted": "it is delisted: valued at its last close until its end is booked",
    "accrued_unknown": "the price leaves out accrued interest, and nothing is known of its coupons",
    "no_risk_free_rate": "no risk-free rate is known for this currency and time",
    "risk_free_currency": "the risk-free rate is that of another currency",
    "assumed_release_date": "the day on which a series was published is assumed",
    "no_benchmark": "the portfolio has no benchmark, which can be chosen under Settings",
    "first_day_excluded": "the first day is left out: nothing is known of the day before, or flows count at the end of their day",
    "default_flow_timing": "its parts count money in from the start of its day and money out until the end",
    "empty_days_excluded": "days on which nothing was held are left out",
    "within_a_day": "money that comes and goes within a day has no time to weigh",
    "benchmark_emptied": "the withdrawals are more than the benchmark would have made of the same money",
    "missing_benchmark_price": "not all of the benchmark's securities have a price on every day of it",
    "missing_benchmark_rate": "no exchange rate is known for one of the benchmark's currencies",
    "price_return": "the benchmark's prices leave its dividends out",
    "benchmark": "the portfolio's benchmark stands for the equity market",
    "nominal_rate": "a nominal rate stands for the real one",
    "baa_spread": "the spread of Baa bonds stands for that of all corporate bonds",
    "fx_basket": "the pack's own exchange rates stand for the dollar index",
    "no_shift": "nothing changed by as much as is listed",
    "no_classification": "the packs do not say of what sector, country or class it is: `manage.py classify` enters it",
    "no_securities": "nothing is held but cash",
    "no_peer": "the packs say of no other security that it is of the same sector",
    "no_close": "the packs hold no close of it",
    "no_source(earnings)": "none of the providers says when companies will report",
    "no_fundamentals": "the packs hold nothing that the company reported by this day",
    "no_series": "the packs hold no series of it",
    "no_variation": "its series did not move over these days",
    "stale_series": "its newest figure is too old to speak of now",
    "short_series": "its series is too short to compare it with its past",
    "revised_vintage": "its figures may have been revised since they were first published",
    "extrapolated": "the shock is beyond five times the largest move of the last year",
    "missing_factor": "the packs hold no series of a factor that is shocked, whose part is not applied",
    "factor_in_residuals": "the packs hold no series of some factors: what they do counts as the holdings' own",
    "missing_class": "the scenario says nothing of this kind of security",
    "missing_currency": "the scenario says nothing of one of the currencies",
    "dependent_factors": "the factors moved as one, so that their parts can't be told apart",
    "too_few_sessions": "it was traded on too few sessions together with the factors",
    "calibration_short": "it rests on fewer than 250 windows",
    "nothing_at_risk": "nothing is held that changes its value",
    "cycle_unknown": "the phase of the cycle is not known, so that nothing is amplified",
    "convention": "the amplification is a convention, not an estimate",
    "no_betas": "it shocks classes of assets by what its table says, and rests on no estimate",
    "not_positive": "the portfolio is not worth more than nothing",
    "floored": "it can't lose more than all",
    "not_held": "it was not held in this span",
    "no_return_to_share": "the portfolio returned nothing to have a share of",
    "no_forward_rate": "the packs hold no one-month rates of both currencies",
    "few_observations": "it rests on fewer than 100 days",
    "total_return_price": "prices that contain dividends stand for closes",
    "price_index": "the benchmark is a price index, without dividends",
    "no_articles": "no article of these hours names what is held",
    "right-denied": "the terms of a data provider do not allow to show it",
    "not_given": "neither the ledger nor the pack gives it",
    "not_in_result": "the result does not hold it",
    "not_a_number": "the result holds no number here",
}
"""Reason codes of metrics and outputs -> words that finish "…: "."""
STEP_STATES: Final = {
    "skipped": "its step was left out",
    "failed": "its step failed",
    "not_reached": "its step did not run",
}


def reason_words(reason: str) -> str:
    """A reason code, or several separated by commas, in words. A reason that is a sentence already stays as it is."""
    words = [_code_words(code.strip()) for code in reason.split(",")]
    if all(words):
        return "; ".join(filter(None, dict.fromkeys(words)))
    unknown = re.fullmatch(r"unknown\((.*)\)", reason)
    if unknown:
        return f"the packs hold no series that can speak for {unknown[1]}"
    step = re.fullmatch(r"(skipped|failed|not_reached)\((.*)\)", reason, re.DOTALL)
    if step:
        return f"{STEP_STATES[step[1]]}: {step[2]}"
    return reason.replace("_", " ") if re.fullmatch(r"[a-z0-9_-]+", reason) else reason


def _code_words(code: str) -> str | None:
    """One code in words; None for what is no code."""
    since = re.fullmatch(r"since (\d{4}-\d{2}-\d{2})", code)
    if since:
        return f"measured from the close of {since[1]}, before which a day has no return"
    return REASONS.get(code)
