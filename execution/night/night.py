"""One run of the night, as its jobs see it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from execution.models import NightlyRun
from portfolio.models import Portfolio
from pricing.models import PricingPack, PricingPolicy

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many are done, and of how many."""
Ring = Callable[[int], None]
"""Called with the key of a chunk that workers may take."""


@dataclass(frozen=True, slots=True)
class Night:
    """A run: its row, the days whose packs it builds, and the packs, once they are built."""

    run: NightlyRun
    policy: PricingPolicy
    days: tuple[date, ...]
    progress: Progress
    ring: Ring = lambda chunk: None
    packs: tuple[PricingPack, ...] = ()

    @property
    def head(self) -> PricingPack:
        """The newest pack of the run, its highest sequence: what the figures are computed as of."""
        return max(self.packs, key=lambda pack: (pack.asof_date, pack.sequence or 0))

    def portfolios(self) -> list[Portfolio]:
        return list(Portfolio.objects.filter(policy=self.policy).select_related("policy").order_by("slug"))


@dataclass(frozen=True, slots=True)
class JobResult:
    """What a job has done, for its row, and from the job that builds them the packs of the run."""

    detail: Mapping[str, Any]
    packs: tuple[PricingPack, ...] | None = None


Job = Callable[[Night], JobResult]
