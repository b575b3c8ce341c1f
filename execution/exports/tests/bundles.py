"""Bundles made without a database."""

import io
import json
import random
from datetime import UTC, datetime

from compliance.decisions import Attribution
from compliance.rights import OutputDecisions
from compliance.terms import Placement, Use
from execution import canonical
from execution.executor.store import FinishedExecution
from execution.exports import bundle_files, zipped
from execution.exports.content import ExportContent
from execution.exports.evidence import Evidence
from execution.exports.manifest import Manifest, Reader
from execution.exports.signing import PublicKey, Signer

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
SIGNER = Signer("a secret of a test, which nobody else may ever take")
KEY = PublicKey(SIGNER.public, datetime(2026, 1, 1, tzinfo=UTC))
ROWS = tuple((f"price|S{number:03}|2026-02-27|{number}.5|USD|feed|raw|||", number % 3 > 0) for number in range(40))

REDISTRIBUTION = OutputDecisions(3, Use.REDISTRIBUTE, AT.date(), {})


def content(signer=SIGNER, rows=ROWS, result=None, document=None, **changes):
    text = canonical.canonical_bytes(result or {"value": {"total": "7.00"}}).decode()
    execution = FinishedExecution(
        **{
            **dict.fromkeys(FinishedExecution.__dataclass_fields__, ""),
            "id": "e-1", "pattern_id": "overview", "pattern_version": "1.0.0", "pack_id": "P", "asof_date": "2026-02-27",
            "result": text, "trace": {"steps": []},
            "sources": {"value": ("feed",)}, "provisional": False, "ledger_commit_hash": "c" * 40,
        }
    )  # fmt: skip
    told = Manifest(
        **{
            "format": "bundle",
            "reader": Reader(7, "request-1", AT),
            "execution": execution,
            "portfolio": "public",
            "title": "Overview",
            "panel": "",
            "rights_version": 3,
            "use": "json",
            "left_out": (),
            "attributions": (Attribution("A feed", Placement.FOOTER, ""),),
            "watermarks": (),
            "result_hash": canonical.digest(json.loads(text)),
            **changes,
        }
    )
    evidence = Evidence({"commit": "c" * 40}, {"pricing_pack_id": "P"}, rows, signer, REDISTRIBUTION)
    return ExportContent(told, text, document or {"id": "overview", "panels": []}, "p-1", "CAD", evidence)


def bundle(**how):
    file = io.BytesIO()
    bundle_files.write(file, content(**how), lambda done, total: None)
    return file.getvalue()


CHANGES = 1_000


def changes(whole, seed):
    """A place in a bundle and what its byte is XORed with, a thousand times; every file and every part of the zip is met."""
    chance = random.Random(seed)
    return [(chance.randrange(len(whole)), chance.randrange(1, 256)) for _ in range(CHANGES)]


def changed(whole, at, other):
    return whole[:at] + bytes([whole[at] ^ other]) + whole[at + 1 :]


def unnamed(whole, at, faults):
    """What is wrong with the faults that were found of a changed byte; empty where they name it.

    A byte of a file is named by the file, one of the zip around the files as the zip's.
    """
    begin = 0
    for name, content in zipped.read_stored(whole):
        begin += zipped.HEADER.size + len(name)
        if begin <= at < begin + len(content):
            return "" if any(fault.startswith(f"{name} ") for fault in faults) else f"{name} at {at}: {faults}"
        begin += len(content)
    words = ("the zip ", "the bundle holds other files ")
    return "" if faults and all(fault.startswith(words) for fault in faults) else f"zip at {at}: {faults}"


def keys_document(*keys):
    return {"keys": [key.as_dict() for key in keys or (KEY,)]}
