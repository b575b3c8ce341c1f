"""Which code computed a result: the engine is one of the five that a result is a function of."""

import hashlib
import platform
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy
from django.conf import settings

RESULT_BEARING = (
    "agents/**/*.py",
    "portfolio/*.py",
    "portfolio/analytics/*.py",
    "pricing/market.py",
    "pricing/fx.py",
    "execution/canonical.py",
    "execution/conditions.py",
    "execution/orchestrator.py",
    "execution/patterns.py",
    "execution/templating.py",
)
"""The sources that a figure passes through on its way out."""


@cache
def engine_version() -> str:
    """Release, 12 hex of SHA-256 over the result-bearing sources, and the versions of Python, NumPy and CEL."""
    root = Path(settings.BASE_DIR)
    digest = hashlib.sha256()
    for path in sorted(
        {path for pattern in RESULT_BEARING for path in root.glob(pattern) if "tests" not in path.parts}
    ):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return "+".join(
        [
            settings.RELEASE,
            digest.hexdigest()[:12],
            f"py{platform.python_version()}",
            f"np{numpy.__version__}",
            f"cel{version('common-expression-language')}",
        ]
    )
