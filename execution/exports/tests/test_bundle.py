"""A bundle proves itself to who trusts its key, by our command's check and by the offline page, and no byte of it can differ."""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import timedelta

import pytest

from config import env
from execution.exports import bundle_check, merkle, zipped
from execution.exports.signing import PublicKey, Signer
from execution.exports.tests.bundles import AT, KEY, ROWS, SIGNER, bundle, changed, changes, keys_document, unnamed

PAGE = env.PROJECT / "execution/exports/verify_bundle.html"
NODE = shutil.which("node")


def test_it_is_what_was_signed_and_says_what_it_ties_out_to():
    findings = bundle_check.check(bundle(), [KEY])

    assert findings.faults == ()
    assert (findings.keyid, findings.manifest["pricing_pack_id"]) == (KEY.keyid, "P")
    assert (findings.rows, findings.rows_withheld) == (26, 14)


def test_equal_inputs_are_equal_bytes():
    assert bundle() == bundle()


@pytest.mark.slow
def test_each_of_a_thousand_changed_bytes_is_named(request):
    whole = bundle()

    wrong = [
        unnamed(whole, at, bundle_check.check(changed(whole, at, other), [KEY]).faults)
        for at, other in changes(whole, request.config.getoption("--hypothesis-seed"))
    ]

    assert [each for each in wrong if each] == []


@pytest.mark.slow
@pytest.mark.skipif(NODE is None, reason="no JavaScript here but the browser's")
def test_the_offline_page_names_them_too(request, tmp_path):
    whole = bundle()
    made = changes(whole, request.config.getoption("--hypothesis-seed"))

    first, *found = in_page(tmp_path, [whole, *(changed(whole, *each) for each in made)], keys_document())

    assert first["faults"] == []
    assert (first["rows"], first["withheld"]) == (26, 14)
    wrong = [unnamed(whole, at, each["faults"]) for (at, _), each in zip(made, found, strict=True)]
    assert [each for each in wrong if each] == []


def in_page(folder, bundles, keys):
    """What the script of the page finds of each, run without a page."""
    (script,) = re.findall(r"<script>(.*)</script>", PAGE.read_text(), re.DOTALL)
    (folder / "keys.json").write_text(json.dumps(keys))
    for number, each in enumerate(bundles):
        (folder / f"{number}.zip").write_bytes(each)
    run = f"""
        {script}
        const fs = require("fs");
        (async () => {{
          const keys = JSON.parse(fs.readFileSync("keys.json")).keys;
          const found = [];
          for (let n = 0; n < {len(bundles)}; n++)
            found.push(await verifyBundle(new Uint8Array(fs.readFileSync(n + ".zip")), keys));
          console.log(JSON.stringify(found));
        }})();
    """
    (folder / "run.js").write_text(run)
    done = subprocess.run(
        [NODE, "--no-warnings", "run.js"], cwd=folder, capture_output=True, text=True, check=True, timeout=300
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    "name", ["manifest.json", "result.json", "trace.json", "pattern.json", "ledger.json", "pack.json"]
)
def test_the_file_that_differs_is_named(name):
    entries = dict(zipped.read_stored(bundle()))
    entries[name] = entries[name][:-1] + b" "

    findings = bundle_check.check(zipped.unpacked_zip(entries.items()), [KEY])

    assert findings.faults == (f"{name} is not what was signed",)


def other_key():
    return PublicKey(Signer("another secret, of somebody who would like to be us").public, KEY.valid_from)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ([], "none of those that are trusted"),
        ([other_key()], "none of those that are trusted"),
        ([replace(KEY, valid_from=AT + timedelta(seconds=1))], "not in use"),
        ([replace(KEY, valid_to=AT)], "not in use"),
    ],
)
@pytest.mark.parametrize("verifier", ["command", "page"])
def test_only_a_key_that_the_reader_trusts_and_that_was_in_use_proves_anything(keys, words, verifier, tmp_path):
    if verifier == "page":
        if NODE is None:
            pytest.skip("no JavaScript here but the browser's")
        (found,) = in_page(tmp_path, [bundle()], {"keys": [key.as_dict() for key in keys]})
        faults = found["faults"]
    else:
        faults = bundle_check.check(bundle(), keys).faults

    assert len(faults) == 1
    assert words in faults[0]


def test_a_bundle_signed_anew_by_somebody_else_is_not_ours():
    forged = bundle(signer=Signer("another secret, of somebody who would like to be us"))

    assert bundle_check.check(forged, [other_key()]).faults == ()
    assert bundle_check.check(forged, [KEY]).faults != ()


def test_a_row_that_may_not_travel_is_committed_to_and_can_not_be_guessed():
    held = dict(zipped.read_stored(bundle()))
    (hidden, _) = ROWS[0]
    leaf = merkle.row_leaf(hidden, SIGNER.nonce(f"e-1\x00{'2026-03-01T12:00:00Z'}\x00{_user_hash()}\x00{hidden}")).hex()

    tree = json.loads(held["tree.json"])

    assert {"withheld": True, "hash": leaf} in tree["leaves"]
    assert not [content for content in held.values() if hidden.encode() in content]
    assert merkle.row_leaf(hidden, b"").hex() not in held["tree.json"].decode()


def _user_hash():
    return json.loads(dict(zipped.read_stored(bundle()))["manifest.json"])["exported_by"]


def test_the_tree_is_that_of_rfc_6962():
    """Its hashes of up to eight leaves, as the reference implementation's tests have them."""
    inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    leaves = [merkle.hashlib.sha256(b"\x00" + bytes.fromhex(each)).digest() for each in inputs]

    assert [merkle.root(leaves[:size]).hex() for size in (1, 2, 3, 8)] == [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\x03\x04", b"PK\x03\x04" + b"\xff" * 40, bundle()[:100]])
def test_what_is_no_bundle_is_said_to_be_none(data):
    assert bundle_check.check(data, [KEY]).faults != ()
