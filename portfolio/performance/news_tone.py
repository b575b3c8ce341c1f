"""The tone of a headline by a list of words. It reads no sentence: what it gives is a score, and no forecast.

Words are whole words: the "up" in "supply" is none.
"""

import re
from collections.abc import Mapping
from typing import Final

TITLE_STEP: Final = 0.15
TEXT_STEP: Final = 0.05
"""What one keyword of the title, and of the text beside it, adds."""
NEUTRAL_WITHIN: Final = 0.1
"""A tone that is no further from nought is neutral."""

_WORD: Final = re.compile(r"[^\W\d_]+")


def _keywords(lines: str) -> Mapping[str, str]:
    """Each form of a keyword -> the keyword, which begins its line."""
    return {form: forms.split()[0] for forms in lines.strip().splitlines() for form in forms.split()}


POSITIVE: Final = _keywords(
    """
    beat beats beating
    gain gains gained
    rise rises rose rising
    surge surges surged
    rally rallies rallied
    growth
    profit profits
    record records
    upgrade upgrades upgraded
    outperform outperforms outperformed
    strong stronger strongest
    win wins won
    approval approvals approved
    optimism optimistic
    breakthrough breakthroughs
    """
)
NEGATIVE: Final = _keywords(
    """
    miss misses missed
    loss losses
    fall falls fell falling
    drop drops dropped
    plunge plunges plunged
    decline declines declined
    cut cuts cutting
    downgrade downgrades downgraded
    underperform underperforms underperformed
    weak weaker weakest
    lawsuit lawsuits
    fraud frauds
    recall recalls recalled
    bankruptcy bankruptcies bankrupt
    layoff layoffs
    """
)
"""Fifteen keywords each, with their forms."""


def score(title: str, text: str) -> float:
    """The tone, from -1 to 1: each keyword counts once in the title and once in the text, however often it stands there."""
    total = TITLE_STEP * _balance(title) + TEXT_STEP * _balance(text)
    return max(-1.0, min(1.0, total))


def label(tone: float) -> str:
    """positive, negative or neutral."""
    if abs(tone) <= NEUTRAL_WITHIN:
        return "neutral"
    return "positive" if tone > 0 else "negative"


def _balance(text: str) -> int:
    """Keywords that are good news less those that are bad."""
    words = {word.casefold() for word in _WORD.findall(text)}
    good, bad = ({keywords[word] for word in words & keywords.keys()} for keywords in (POSITIVE, NEGATIVE))
    return len(good) - len(bad)
