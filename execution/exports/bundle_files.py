"""The bundle: a result with all that it ties out to, which can be verified without us.

A zip of files in one order, none of them packed. `tree.json` has the hash of every other file and of every row of the pack, also of
those that may not travel; `statement.dsse.json` signs the root of that tree, and each file.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO, Final

from execution import canonical
from execution.exports import merkle, zipped
from execution.exports.content import ExportContent, Report
from execution.exports.signing import text_of

FILES: Final = ("manifest.json", "result.json", "trace.json", "pattern.json", "ledger.json", "pack.json")
ROWS, TREE, STATEMENT = "rows.json", "tree.json", "statement.dsse.json"
ORDER: Final = (*FILES, ROWS, TREE, STATEMENT)
STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Final = "urn:tieout:bundle:v1"


def write(file: BinaryIO, content: ExportContent, report: Report) -> None:
    """Raises SigningOff."""
    evidence = content.evidence
    assert evidence is not None  # Format.is_signed
    signer = evidence.signer
    manifest = content.manifest.as_dict()
    files: dict[str, bytes] = {
        "manifest.json": _bytes(manifest),
        "result.json": content.result_text.encode(),
        "trace.json": _bytes(content.manifest.execution.trace),
        "pattern.json": _bytes(content.document),
        "ledger.json": _bytes(evidence.ledger),
        "pack.json": _bytes(evidence.pack),
    }
    leaves: list[tuple[dict[str, Any], bytes]] = [
        ({"file": name}, merkle.file_leaf(name, files[name])) for name in FILES
    ]
    rows: list[dict[str, str]] = []
    about = f"{manifest['execution_id']}\x00{manifest['exported_at']}\x00{manifest['exported_by']}\x00"
    for line, may_travel in evidence.rows:
        nonce = signer.nonce(about + line)
        leaf = merkle.row_leaf(line, nonce)
        leaves.append(({"row": len(rows)} if may_travel else {"withheld": True}, leaf))
        if may_travel:
            rows.append({"line": line, "nonce": nonce.hex()})
    report(1, 2)
    root = merkle.root([leaf for _, leaf in leaves]).hex()
    files[ROWS] = _bytes(rows)
    files[TREE] = _bytes({"leaves": [{**what, "hash": leaf.hex()} for what, leaf in leaves], "root": root})
    statement = {
        "_type": STATEMENT_TYPE,
        "predicateType": PREDICATE_TYPE,
        "subject": [
            {"name": "root", "digest": {"sha256": root}},
            *({"name": name, "digest": {"sha256": hashlib.sha256(files[name]).hexdigest()}} for name in files),
        ],
        "predicate": {
            "exported_at": manifest["exported_at"],
            "result_hash": manifest["result_hash"],
            "rows_withheld": sum(not may_travel for _, may_travel in evidence.rows),
        },
    }
    files[STATEMENT] = text_of(signer.envelope(_bytes(statement)))
    file.write(zipped.unpacked_zip((name, files[name]) for name in ORDER))
    report(2, 2)


def _bytes(value: Mapping[str, Any] | Iterable[Any]) -> bytes:
    return canonical.canonical_bytes(value)
