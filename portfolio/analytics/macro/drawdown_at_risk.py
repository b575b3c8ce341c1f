"""The drawdown that a portfolio stays within over a number of sessions, with a stated confidence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from portfolio.analytics.errors import Floats, InvalidInput, as_floats

DRAWS = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class StandardDrawdowns:
    """The largest falls of simulated paths of log value whose sessions have a mean of zero and a standard deviation of one.

    The fall of a path is proportional to the standard deviation of its sessions, so that one set of paths serves every portfolio
    and day, and what is compared is never apart by chance alone.
    """

    falls: Floats
    """(draws,) rising, not negative."""

    def at(self, level: float, volatility: float) -> Floats:
        """(3,) the drawdown at a level of confidence, a fraction, and the ends of its 95 % interval by the order of the draws.

        volatility   standard deviation of a session
        """
        count = len(self.falls)
        spread = 1.96 * np.sqrt(count * level * (1.0 - level))
        places = np.clip(np.rint(count * level + np.array([0.0, -spread, spread])), 0, count - 1)
        return np.asarray(1.0 - np.exp(-volatility * self.falls[places.astype(int)]))


def simulate(*, sessions: int, seed: int, draws: int = DRAWS) -> StandardDrawdowns:
    """Draw normal paths and take the largest fall of each from its highest point before, the start included.

    raises   InvalidInput for fewer than one session or draw
    """
    if sessions < 1 or draws < 1:
        raise InvalidInput("sessions", f"is {sessions} with {draws} draws, each has to be 1 at least")
    steps = np.random.default_rng(seed).standard_normal((draws, sessions))
    paths = np.concatenate((np.zeros((draws, 1)), np.cumsum(steps, axis=1)), axis=1)
    falls = (np.maximum.accumulate(paths, axis=1) - paths).max(axis=1)
    return StandardDrawdowns(np.sort(falls))


def path_drawdown(returns: npt.ArrayLike) -> float:
    """The largest fall of a path of returns from its highest point before, the start included: a fraction, not negative."""
    growth = np.concatenate(([1.0], np.cumprod(1.0 + as_floats("returns", returns))))
    return float((1.0 - growth / np.maximum.accumulate(growth)).max())
