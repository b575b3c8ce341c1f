"""Another place in the world for a process: what its environment says of time zone, locale and hash seed."""

import subprocess
from pathlib import Path

TURKISH = "tr_TR.UTF-8"
"""A comma for the decimal point, and a dotted capital I."""


def elsewhere(folder: Path) -> dict[str, str]:
    """The variables. The locale is built in `folder`, for no machine has it before someone asked for it."""
    return {"TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "4711", **_locale(folder)}


def _locale(folder: Path) -> dict[str, str]:
    """Turkish where the machine has the sources of locales (Debian's package `locales`), else C: bytes, and no UTF-8."""
    try:
        subprocess.run(["localedef", "-i", "tr_TR", "-f", "UTF-8", folder / TURKISH], capture_output=True, check=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        return {"LC_ALL": "C"}
    return {"LC_ALL": TURKISH, "LOCPATH": str(folder)}
