"""Executions as files: what rights let out, in which form, for how long, and on record who took it.

`order` decides and puts it on record; `make` writes the file, at once or in a worker; `open_file` hands it to who ordered it.
"""

from execution.exports.formats import FORMATS, Format
from execution.exports.keeping import ExportGone, ExportNotFound, ExportNotReady, find, open_file, remove
from execution.exports.making import ExportFailed, NoSuchPanel, NotOfPanels, make, order, remove_expired
from execution.exports.refusal import Refusal, RightDenied

__all__ = [
    "FORMATS",
    "ExportFailed",
    "ExportGone",
    "ExportNotFound",
    "ExportNotReady",
    "Format",
    "NoSuchPanel",
    "NotOfPanels",
    "Refusal",
    "RightDenied",
    "find",
    "make",
    "open_file",
    "order",
    "remove",
    "remove_expired",
]
