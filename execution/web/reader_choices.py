"""What a reader can choose of how pages look, and what the browser of a request has chosen."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest


@dataclass(frozen=True, slots=True)
class Choice:
    """`values` with their words; the first is that of who has chosen nothing."""

    label: str
    values: Mapping[str, str]

    def read(self, text: str) -> str:
        return text if text in self.values else next(iter(self.values))


CHOICES: Final[Mapping[str, Choice]] = {
    "theme": Choice("Theme", {"system": "as the system", "light": "light", "dark": "dark"}),
    "colours": Choice(
        "Gain and loss", {"teal-red": "teal and red", "blue-orange": "blue and orange, for the colour-blind"}
    ),
    "privacy": Choice("Amounts", {"off": "shown", "on": "hidden"}),
}
"""Name of the cookie, and of the attribute of the page -> what can be chosen."""


def read(request: HttpRequest) -> dict[str, str]:
    """What the browser has chosen, by name; what is no choice of ours is as if nothing was chosen."""
    return {name: choice.read(request.COOKIES.get(name, "")) for name, choice in CHOICES.items()}
