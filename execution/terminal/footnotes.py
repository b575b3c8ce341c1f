"""Footnotes under a report: why a figure is missing or degraded."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

SUPERSCRIPT: Final = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(slots=True)
class Footnotes:
    """In the order of their marks; a text that comes again keeps its mark."""

    texts: list[str] = field(default_factory=list)

    def mark(self, text: str) -> str:
        """The mark of a footnote, which is added where it is new."""
        if text not in self.texts:
            self.texts.append(text)
        return _mark(self.texts.index(text))

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Mark and text of each."""
        return ((_mark(position), text) for position, text in enumerate(self.texts))


def _mark(position: int) -> str:
    return str(position + 1).translate(SUPERSCRIPT)
