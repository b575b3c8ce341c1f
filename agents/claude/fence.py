"""What of a text that a model wrote may be shown: words of a closed list, and references to the figures that it was given.

A text can't name a number, because nothing but a reference prints one. A list of what is forbidden would have to know every way to
write one (digits of any script, number words of any language, fractions, multiples); a list of what is allowed need not. The list
(vocabulary.py) holds no number word, no word of direction, rank, quantity or negation, and none that advises. Direction and
comparison are references, too, and their words follow from the values:

    [[3]]            figure 3 with its label, window, value, unit and basis
    [[3 sign]]       whether figure 3 is above, below or exactly zero
    [[3 against 5]]  whether figure 3 is above, below or equal to figure 5, which is written in the same format

A sentence that refers to figures may use the name of a measure or of a span of time only if it is in a label of theirs: a figure
can't be passed off as another.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from agents.claude.facts import Fact, words_of
from agents.claude.vocabulary import MEASURES, VOCABULARY
from config.errors import TieoutError

MOST_CHARACTERS: Final = 4_000
_REFERENCE: Final = re.compile(r"\[\[(\d{1,2})(?: (sign)| against (\d{1,2}))?\]\]", re.ASCII)
_PROSE: Final = re.compile(r"[A-Za-z ,;:()'.?-]*", re.ASCII)
_END: Final = re.compile(r"(?<=[.?])\s+")


class TextVoid(TieoutError):
    """A text that says something which no reference stands behind. `reason` is for whoever reads the answer."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a sentence: words, or a reference that is printed from the figures.

    kind   words; figure: `text` is empty; sign, comparison: `text` says what follows from the values
    fact   the number of the figure that is referred to
    other  the figure that it is compared with
    """

    kind: Literal["words", "figure", "sign", "comparison"]
    text: str = ""
    fact: int | None = None
    other: int | None = None


Sentence = tuple[Part, ...]


def read(text: str, facts: Sequence[Fact]) -> tuple[Sentence, ...]:
    """The sentences of a text. Raises TextVoid for whatever is neither a word of the list nor a reference that can be printed."""
    if len(text) > MOST_CHARACTERS:
        raise TextVoid(f"it is longer than {MOST_CHARACTERS:,} characters")
    sentences = tuple(_sentence(each, facts) for each in _END.split(text.strip()) if each)
    if not any(part.kind != "words" for sentence in sentences for part in sentence):
        raise TextVoid("it refers to no figure")
    return sentences


def sign_words(fact: Fact) -> str:
    """What the sign of a figure says. Raises TextVoid where it has none."""
    number = fact.number
    if number is None:
        raise TextVoid(f"{fact.label} is no number that is known")
    return "is exactly zero" if number == 0 else "is above zero" if number > 0 else "is below zero"


def comparison_words(fact: Fact, other: Fact) -> str:
    """How a figure stands to another that is written in the same format. Raises TextVoid where that says nothing."""
    one, two = fact.number, other.number
    if one is None or two is None or fact.format != other.format:
        raise TextVoid(f"{fact.label} and {other.label} can't be compared")
    return "equals" if one == two else "is above" if one > two else "is below"


def _sentence(text: str, facts: Sequence[Fact]) -> Sentence:
    parts = tuple(_parts(text, facts))
    figures = [facts[number] for part in parts for number in (part.fact, part.other) if number is not None]
    words = words_of(" ".join(part.text for part in parts if part.kind == "words"))
    strange = sorted(words - VOCABULARY)
    if strange:
        raise TextVoid(f"it uses words that no figure stands behind: {', '.join(strange[:5])}")
    if figures:
        foreign = sorted(words & MEASURES - frozenset().union(*(fact.words for fact in figures)))
        if foreign:
            raise TextVoid(f"it puts a figure under another name: {', '.join(foreign[:5])}")
    return parts


def _parts(text: str, facts: Sequence[Fact]) -> Iterator[Part]:
    position = 0
    for reference in _REFERENCE.finditer(text):
        yield from _words(text[position : reference.start()])
        yield _reference(reference, facts)
        position = reference.end()
    yield from _words(text[position:])


def _words(text: str) -> Iterator[Part]:
    if not _PROSE.fullmatch(text):
        raise TextVoid("it holds characters beside letters and punctuation")
    if text:
        yield Part("words", text)


def _reference(match: re.Match[str], facts: Sequence[Fact]) -> Part:
    number = int(match[1])
    other = None if match[3] is None else int(match[3])
    for each in (number, other):
        if each is not None and each >= len(facts):
            raise TextVoid("it refers to a figure that it was not given")
    if other is not None:
        return Part("comparison", comparison_words(facts[number], facts[other]), number, other)
    if match[2]:
        return Part("sign", sign_words(facts[number]), number)
    return Part("figure", "", number)
