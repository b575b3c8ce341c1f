"""Is a bundle what was signed? Pure: its bytes and the keys that its reader trusts; a key inside it proves nothing."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from execution.exports import merkle, signing, zipped
from execution.exports.bundle_files import FILES, ORDER, ROWS, STATEMENT, TREE
from execution.exports.signing import PublicKey

MALFORMED: Final = (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError)
"""What reading a value that is not in its form can raise."""


@dataclass(frozen=True, slots=True)
class BundleFindings:
    """faults name the file that is not what was signed; without any, the others say what was signed, when, and by which key."""

    faults: tuple[str, ...]
    keyid: str = ""
    manifest: Mapping[str, Any] | None = None
    rows: int = 0
    rows_withheld: int = 0


def check(data: bytes, keys: Sequence[PublicKey]) -> BundleFindings:
    """What is wrong with a bundle. Any byte that differs is a fault."""
    try:
        entries = zipped.read_stored(data)
    except zipped.Unreadable as unreadable:
        return BundleFindings((str(unreadable),))
    if [name for name, _ in entries] != list(ORDER):
        return BundleFindings((f"the bundle holds other files than {', '.join(ORDER)}",))
    files = dict(entries)
    try:
        keyid, statement = _open_envelope(files[STATEMENT], keys)
    except _FaultError as fault:
        return BundleFindings((str(fault),))
    faults = [
        f"{name} is not what was signed"
        for name, digest in _digests(statement).items()
        if hashlib.sha256(files[name]).hexdigest() != digest
    ]
    if not faults:
        faults = _find_faults_of_tree(files, statement)
    whole = zipped.unpacked_zip(entries)
    if not faults and whole != data:
        at = next((at for at, (one, other) in enumerate(zip(whole, data, strict=False)) if one != other), len(whole))
        faults = [f"the zip around the files is not as it was written, from byte {at}"]
    if faults:
        return BundleFindings(tuple(faults))
    return BundleFindings(
        (),
        keyid,
        json.loads(files["manifest.json"]),
        len(json.loads(files[ROWS])),
        statement["predicate"]["rows_withheld"],
    )


class _FaultError(Exception):
    """The statement can't be trusted, so that nothing can be compared with it."""


def _open_envelope(text: bytes, keys: Sequence[PublicKey]) -> tuple[str, dict[str, Any]]:
    try:
        envelope = json.loads(text)
        (signature,) = envelope["signatures"]
        payload = base64.b64decode(envelope["payload"], validate=True)
        signed = base64.b64decode(signature["sig"], validate=True)
        again = {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": signing.PAYLOAD_TYPE,
            "signatures": [{"keyid": signature["keyid"], "sig": base64.b64encode(signed).decode()}],
        }
        is_in_form = signing.text_of(again) == text
    except MALFORMED:
        is_in_form = False
    if not is_in_form:
        raise _FaultError(f"{STATEMENT} is no envelope in its one form")
    key = next((key for key in keys if key.keyid == signature["keyid"]), None)
    if key is None:
        raise _FaultError(
            f"{STATEMENT} is signed by the key {signature['keyid']}, which is none of those that are trusted"
        )
    if not signing.is_signed(payload, signed, key):
        raise _FaultError(f"{STATEMENT} has a signature that does not fit")
    statement = json.loads(payload)
    if not key.is_valid(datetime.fromisoformat(statement["predicate"]["exported_at"])):
        raise _FaultError(f"{STATEMENT} is of a time at which the key {key.keyid} was not in use")
    return key.keyid, statement


def _digests(statement: Mapping[str, Any]) -> dict[str, str]:
    return {each["name"]: each["digest"]["sha256"] for each in statement["subject"] if each["name"] != "root"}


def _find_faults_of_tree(files: Mapping[str, bytes], statement: Mapping[str, Any]) -> list[str]:
    """Whether the signed root is that of these files and rows."""
    tree, rows = json.loads(files[TREE]), json.loads(files[ROWS])
    hashes = []
    for leaf in tree["leaves"]:
        if "file" in leaf:
            own = merkle.file_leaf(leaf["file"], files[leaf["file"]]).hex()
        elif "row" in leaf:
            own = merkle.row_leaf(rows[leaf["row"]]["line"], bytes.fromhex(rows[leaf["row"]]["nonce"])).hex()
        else:
            own = leaf["hash"]
        if own != leaf["hash"]:
            return [f"{TREE} has another hash of {leaf.get('file') or ROWS}"]
        hashes.append(bytes.fromhex(own))
    file_names = [leaf["file"] for leaf in tree["leaves"] if "file" in leaf]
    numbers = [leaf["row"] for leaf in tree["leaves"] if "row" in leaf]
    root = next(each["digest"]["sha256"] for each in statement["subject"] if each["name"] == "root")
    if file_names != list(FILES) or numbers != list(range(len(rows))) or merkle.root(hashes).hex() not in (root,):
        return [f"{TREE} does not lead to the root that was signed"]
    manifest = json.loads(files["manifest.json"])
    if hashlib.sha256(files["result.json"]).hexdigest() != manifest["result_hash"]:
        return ["result.json has another hash than manifest.json says"]
    if manifest["result_hash"] != statement["predicate"]["result_hash"]:
        return [f"{STATEMENT} is of another result"]
    return []
