"""Executions as files: what rights let out, in which form, for how long, and on record who took it.

`order` decides and puts it on record; `make` writes the file, at once or in a worker; `open_file` hands it to who ordered it.
"""

from pathlib import Path
from typing import Final

from execution.exports import keys
from execution.exports.bundle_check import BundleFindings, check
from execution.exports.formats import FORMATS, Format
from execution.exports.keeping import (
    ExportGone,
    ExportNotFound,
    ExportNotReady,
    find,
    find_execution,
    length_of,
    open_file,
    remove,
)
from execution.exports.making import (
    ExportFailed,
    NoSuchPanel,
    NotOfPanels,
    TakesNothingOut,
    make,
    order,
    remove_expired,
    waiting,
)
from execution.exports.manifest import Reader
from execution.exports.signing import PublicKey, SigningOff

VERIFIER: Final = Path(__file__).with_name("verify_bundle.html")
"""The page that verifies bundles in a browser, without a server."""

__all__ = [
    "FORMATS",
    "VERIFIER",
    "BundleFindings",
    "ExportFailed",
    "ExportGone",
    "ExportNotFound",
    "ExportNotReady",
    "Format",
    "NoSuchPanel",
    "NotOfPanels",
    "PublicKey",
    "Reader",
    "SigningOff",
    "TakesNothingOut",
    "check",
    "find",
    "find_execution",
    "keys",
    "length_of",
    "make",
    "open_file",
    "order",
    "remove",
    "remove_expired",
    "waiting",
]
