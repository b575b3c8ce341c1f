"""Each day's gain split over the holdings, and each holding's return into its own currency's and the FX rate's."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from portfolio.valuation.flows import Moves
from portfolio.valuation.pack_days import Floats


@dataclass(frozen=True, slots=True)
class HoldingReturns:
    local_returns: Floats
    fx_returns: Floats
    weights: Floats
    gains: Floats
    """(D,) of all holdings."""
    other: Floats


def attribute_gains(closes: Floats, rates: Floats, moves: Moves, begin: Floats) -> HoldingReturns:
    """Split each day's gain over the holdings, and each holding's into what its own currency and what the FX did.

    closes, rates  (D + 1, H) from the day before the first

    Money into a holding counts from the start of its day at the day's rate, money out of it until the end (the default flow
    timing, on holding level). What is earned or charged on a balance that begins the day empty has no rate of return; it goes,
    with the difference between deal rate and fixing, into `other`. The arrays of a whole life are large, so each step writes
    where an earlier one is done with.
    """
    opening, close, opening_rate, rate = closes[:-1], closes[1:], rates[:-1], rates[1:]
    came, went = moves.internal_in + moves.external_in, moves.internal_out + moves.external_out

    start_local = opening + came
    start_base = opening * opening_rate
    spare = came * rate
    start_base += spare
    end_local = np.add(close, went, out=went)

    dust = np.abs(opening, out=spare)
    dust += came  # not negative
    dust += np.abs(end_local, out=came)
    dust *= 1e-9
    dust += 1e-9
    measured = np.abs(start_local, out=came) > dust
    measured &= np.abs(start_base, out=came) > dust
    unmeasured = ~measured

    with np.errstate(divide="ignore", invalid="ignore"):
        local_returns = _return(np.divide(end_local, start_local), unmeasured)
        fx_returns = _return(np.divide(np.multiply(start_local, rate, out=spare), start_base), unmeasured)
        weights = start_base / begin[:, None]
    weights[unmeasured] = 0.0
    weights[~(begin > 0)] = 0.0

    gains = np.multiply(end_local, rate, out=came)
    gains -= start_base
    unattributed = gains.sum(axis=1, where=unmeasured)  # also what the rate did to a debt that was paid back whole
    gains[unmeasured] = 0.0
    # Internal moves leave one holding and enter another; what does not cancel at the fixing is the dealing difference.
    dealing = np.zeros(len(begin))
    traded = np.flatnonzero(moves.internal_in.any(axis=1) | moves.internal_out.any(axis=1))
    dealing[traded] = (moves.internal_in[traded] * rate[traded]).sum(axis=1)
    dealing[traded] -= (moves.internal_out[traded] * rate[traded]).sum(axis=1)
    return HoldingReturns(local_returns, fx_returns, weights, gains.sum(axis=1), dealing + unattributed)


def _return(growth: Floats, unmeasured: npt.NDArray[np.bool_]) -> Floats:
    """Growth less one, in place. A balance that did not move returns nothing, not the last bit of a division."""
    growth -= 1.0
    growth[unmeasured | (np.abs(growth) < 1e-14)] = 0.0
    return growth
