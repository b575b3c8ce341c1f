"""Words that can't come from anywhere else: each is looked for as it was planted, and as its hard core."""

import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from config import env

FILE = "planted.json"
FORGED = '\r\n{"level": "error", "event": "forged"}\x1b[31m'
"""What tries to begin a line of its own, and to colour it."""


@dataclass
class Planted:
    """`cores` are what is searched for; letters and digits alone, so that no encoding changes them."""

    cores: list[str] = field(default_factory=list)

    def name(self) -> str:
        return f"Anna {self._core()}"

    def word(self) -> str:
        return self._core()

    def slug(self) -> str:
        return self._core().lower()

    def amount(self) -> str:
        core = str(secrets.randbelow(9 * 10**13) + 10**13)
        self.cores.append(core)
        return f"{core}.37"

    def forged(self) -> str:
        return self._core() + FORGED

    def _core(self) -> str:
        core = f"canary{secrets.token_hex(8)}"
        self.cores.append(core)
        return core

    def found_in(self, text: str) -> list[str]:
        """The cores that stand in a text, in any case of letters."""
        lower = text.lower()
        return [core for core in self.cores if core in lower]


def leave(folder: Path, **words: Iterable[str]) -> None:
    """In a folder, for the processes whose TIEOUT_VAR it is."""
    (folder / FILE).write_text(json.dumps({name: list(values) for name, values in words.items()}))


def left(name: str) -> list[str]:
    return list(json.loads((env.var() / FILE).read_text())[name])
