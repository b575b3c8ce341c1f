"""POST /v1/exports and what follows: who gets a file, what stands in it, and what is refused. As the web: role app."""

import csv
import io
import json
import zipfile
from datetime import timedelta
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client, override_settings
from django.utils import timezone

from config import scope
from execution import exports
from execution.exports import files
from execution.models import ExecutionExport
from execution.tests import staging

PRICES = "bokeh-wiki"


@pytest.fixture
def site(asked_demo, tmp_path):
    with override_settings(EXPORT_PATH=tmp_path / "exports"):
        yield asked_demo


def send(demo, method, path, body=None, username="owner"):
    headers = {"Authorization": f"Bearer {demo.token(username)}"} if username else {}
    answer = Client().generic(method, path, json.dumps(body or {}), content_type="application/json", headers=headers)
    if answer.streaming:
        answer.whole = b"".join(answer.streaming_content)
        answer.close()
    return answer


def order(demo, code, username="owner", execution=None, **fields):
    execution = execution or demo.ask(username).json()["execution_id"]
    return send(demo, "POST", "/v1/exports", {"execution_id": execution, "format": code, **fields}, username)


def download(demo, answer, username="owner"):
    return send(demo, "GET", answer.json()["file"], username=username)


def unzipped(response):
    with zipfile.ZipFile(io.BytesIO(response.whole)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_json_is_the_result_of_the_answer_byte_for_byte_and_the_manifest_says_what_it_ties_out_to(site):
    answered = site.ask()
    metadata = answered.json()["metadata"]

    ordered = order(site, "json")
    held = unzipped(download(site, ordered))

    assert (ordered.status_code, ordered.json()["state"]) == (201, "done")
    assert answered.content.find(b'"result":' + held["result.json"] + b",") > 0
    manifest = json.loads(held["manifest.json"])
    assert {
        name: manifest[name] for name in ("pricing_pack_id", "pack_chain_hash", "ledger_commit_hash", "result_hash")
    } == {name: metadata[name] for name in ("pricing_pack_id", "pack_chain_hash", "ledger_commit_hash", "result_hash")}
    assert [each["text"] for each in manifest["attributions"]] == metadata["attributions"]
    assert manifest["pattern_version"] == metadata["pattern_version"]
    assert manifest["sources"].keys() == answered.json()["result"].keys()
    assert sorted({code for codes in manifest["sources"].values() for code in codes}) == metadata["sources"]


def test_csv_is_a_file_for_each_panel_and_the_holdings_are_those_of_the_answer(site):
    positions = site.ask().json()["result"]["valued_positions"]["positions"]

    held = unzipped(download(site, order(site, "csv")))

    (name,) = [name for name in held if name.endswith("-holdings.csv")]
    lines = held[name].decode().split("\r\n")
    comments = [line for line in lines if line.startswith("# ")]
    rows = list(csv.reader(line for line in lines if line and not line.startswith("# ")))
    assert rows[0][:4] == ["Symbol", "Name", "Value CAD", "Weight"]
    assert "Over the span" not in rows[0]  # a picture
    assert [(row[0], row[2], float(row[3])) for row in rows[1:]] == [
        (each["symbol"], each["market_value"], each["weight"])
        for each in sorted(positions, key=lambda each: -float(each["market_value"]))
    ]
    assert [line for line in comments if "Quandl WIKI" in line]
    assert [line for line in comments if "Pricing pack: " in line]


def test_one_panel_is_one_csv_file(site):
    ordered = order(site, "csv", panel="holdings")

    file = download(site, ordered)

    assert file["Content-Type"] == "text/csv; charset=utf-8"
    assert file["Content-Disposition"].endswith('portfolio_overview-2013-03-01.holdings.csv"')
    assert file.whole.startswith(b"# Largest holdings\r\n# Portfolio: public\r\n")


@pytest.mark.parametrize(
    ("code", "begins"),
    [("csv", b"PK"), ("json", b"PK"), ("bundle", b"PK"), ("xlsx", b"PK"), ("pdf", b"%PDF"), ("pdf-us", b"%PDF")],
)
def test_every_form_is_made_and_downloaded(site, code, begins):
    ordered = order(site, code)

    file = download(site, ordered)

    assert (ordered.status_code, file.status_code) == (201, 200)
    assert file["Content-Type"] == exports.FORMATS[code].media_type
    assert file.whole.startswith(begins)
    assert len(file.whole) == ordered.json()["size"]


def test_who_did_not_make_it_finds_nothing(site):
    staging.grant(site, "other", site.public_id)
    ordered = order(site, "json")

    found = [
        send(site, method, path, username=username).status_code
        for username in ("other", "staff")
        for method, path in (
            ("GET", ordered["Location"]), ("GET", ordered.json()["file"]), ("DELETE", ordered["Location"]),
        )
    ]  # fmt: skip

    assert found == [404] * 6
    assert order(site, "json", "staff", execution=ordered.json()["execution_id"]).status_code == 404
    assert send(site, "GET", ordered["Location"], username=None).status_code == 401
    assert download(site, ordered).status_code == 200


def test_who_may_no_longer_see_the_portfolio_finds_his_own_export_no_more(site):
    staging.grant(site, "other", site.public_id)
    ordered = order(
        site, "json", "other",
        site.post("other", {"pattern_id": "portfolio_overview", "portfolio_id": str(site.public_id)}).json()["execution_id"],
    )  # fmt: skip
    assert download(site, ordered, "other").status_code == 200

    staging.by_force(site, "DELETE FROM portfolio_portfolioaccess")

    assert send(site, "GET", ordered.json()["file"], username="other").status_code == 404


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"format": "exe"}, "/format"),
        ({"panel": "nowhere"}, "/panel"),
        ({"format": "json", "panel": "holdings"}, "/panel"),
        ({"execution_id": "7"}, "/execution_id"),
        ({"reduced": "perhaps"}, "/reduced"),
        ({"more": 1}, "/more"),
    ],
)
def test_a_wrong_order_says_which_field_is_wrong(site, fields, pointer):
    body = {"execution_id": site.ask().json()["execution_id"], "format": "csv", **fields}

    answer = send(site, "POST", "/v1/exports", body)

    assert (answer.status_code, answer.json()["type"]) == (400, "invalid-request")
    assert pointer in [each["pointer"] for each in answer.json()["errors"]]


def test_a_refusal_names_provider_use_and_the_licence_that_would_allow_it_and_is_on_record(site):
    staging.decide_rights(site, PRICES, "licence-required", use="csv")

    answer = order(site, "csv")

    problem = answer.json()
    assert (answer.status_code, problem["type"], problem["use"]) == (403, "right-denied", "csv")
    assert [(each["provider"], each["use"], each["licence"]) for each in problem["refusals"]] == [
        (PRICES, "csv", f"a licence of {PRICES} for csv")
    ]
    assert problem["reduced"] is None
    assert order(site, "json").status_code == 201
    with scope.acting_as(site.user("owner")), transaction.atomic():
        refused = ExecutionExport.objects.get(state="refused")
    assert refused.decision["refusals"] == problem["refusals"]


def test_what_may_not_be_shown_may_not_leave_in_a_file_either(site):
    staging.decide_rights(site, PRICES, "deny")

    answer = order(site, "json")

    assert answer.status_code == 403
    assert [(each["use"], each["licence"]) for each in answer.json()["refusals"]] == [("display", None)]


def test_a_reduced_export_leaves_out_whole_outputs_and_names_a_hash_of_what_is_in_it(site):
    staging.decide_rights(site, "ust-par-curve", "deny", use="json")
    whole = site.ask().json()

    refused = order(site, "json").json()
    ordered = order(site, "json", reduced=True)
    held = unzipped(download(site, ordered))

    result, manifest = json.loads(held["result.json"]), json.loads(held["manifest.json"])
    assert set(ordered.json()["left_out"]) == {"metrics", "windows"}
    assert set(refused["reduced"]["outputs"]) == set(result) - {"metrics", "windows"}
    assert "performance_strip" not in refused["reduced"]["panels"]
    assert "holdings" in refused["reduced"]["panels"]
    assert result["metrics"] == {"value": None, "status": "unavailable", "reason": "right-denied"}
    assert result["valued_positions"] == whole["result"]["valued_positions"]
    assert not manifest["sources"].keys() & {"metrics", "windows"}
    assert manifest["result_hash"] != whole["metadata"]["result_hash"]
    assert whole["metadata"]["result_hash"].encode() not in held["manifest.json"]


def test_the_report_is_a_pattern_and_its_pdf_has_the_result_in_it_while_json_is_allowed_too(site):
    asked = {"pattern_id": "export_portfolio_report", "portfolio_id": str(site.public_id)}
    execution = site.post("owner", asked).json()["execution_id"]
    ordered = order(site, "pdf", execution=execution)
    whole = download(site, ordered).whole
    staging.decide_rights(site, PRICES, "deny", use="json")

    alone = order(site, "pdf", execution=execution)

    assert b"result.json" in whole
    assert (alone.status_code, b"result.json" in download(site, alone).whole) == (201, False)
    assert download(site, ordered).json()["use"] == "json"


def test_a_reduced_csv_has_no_panel_that_reads_what_is_left_out(site):
    staging.decide_rights(site, "ust-par-curve", "deny", use="csv")

    held = unzipped(download(site, order(site, "csv", reduced=True)))

    names = {name.partition("-")[2] for name in held}
    assert {"holdings.csv", "bridge.csv"} <= names
    assert not names & {"performance_strip.csv", "against_benchmark.csv", "windows.csv"}


def test_a_right_taken_away_closes_files_that_were_made_before(site):
    ordered = order(site, "csv")
    staging.decide_rights(site, PRICES, "deny", use="csv")

    answer = send(site, "GET", ordered.json()["file"])

    assert (answer.status_code, answer.json()["type"]) == (403, "right-denied")


def test_a_watermark_says_text_time_user_and_request(site):
    with site.role("job"):
        from compliance import versions
        from compliance.models import DataSource

        DataSource.objects.filter(code=PRICES).update(csv="watermark", watermark="Not for =resale")
        versions.propose(reason="staged", by=None)

    text = download(site, order(site, "csv", panel="holdings")).whole.decode()

    (mark,) = [line for line in text.split("\r\n") if "Not for" in line]
    assert mark.startswith("# Not for =resale | Exported: 20")
    assert " | User: " in mark
    assert " | Request: " in mark


def test_a_disk_that_is_full_leaves_no_file_and_says_so(site, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    failed = order(site, "csv")
    monkeypatch.undo()

    assert files.names() == set()
    assert (failed.status_code, failed.json()["type"]) == (503, "export-failed")
    assert "No space left on device" in failed.json()["detail"]
    with scope.acting_as(site.user("owner")), transaction.atomic():
        row = ExecutionExport.objects.get()
    assert (row.state, row.reason) == ("failed", "No space left on device")
    assert send(site, "GET", f"/v1/exports/{row.pk}/file").status_code == 410
    assert order(site, "csv").status_code == 201


def test_an_export_that_a_killed_process_left_is_finished_by_the_next(site):
    execution = site.ask().json()["execution_id"]
    row = exports.order(UUID(execution), code="csv", user=site.user("owner"))
    with scope.acting_as(site.user("owner")), transaction.atomic():
        ExecutionExport.objects.filter(pk=row.pk).update(state="running", progress=40)
    files.path_of(row.pk).parent.mkdir()
    files.path_of(row.pk).with_suffix(".part").write_bytes(b"half")
    assert send(site, "GET", f"/v1/exports/{row.pk}/file").status_code == 409

    with site.role("job"):
        exports.make(row.pk)

    assert send(site, "GET", f"/v1/exports/{row.pk}/file").status_code == 200


def test_a_file_that_was_altered_is_served_to_nobody(site):
    ordered = order(site, "csv")
    file = files.path_of(UUID(ordered.json()["export_id"]))
    content = bytearray(file.read_bytes())
    content[100] ^= 1
    file.write_bytes(content)

    assert send(site, "GET", ordered.json()["file"]).status_code == 410


def test_a_removed_export_and_an_expired_one_have_no_file_any_more(site):
    removed, expired = order(site, "csv"), order(site, "json")

    gone = send(site, "DELETE", removed["Location"])
    with site.role("job"):
        before = exports.remove_expired(timezone.now())
        count = exports.remove_expired(timezone.now() + timedelta(days=8))

    assert (gone.status_code, before, count) == (204, 0, 1)
    assert [send(site, "GET", each.json()["file"]).status_code for each in (removed, expired)] == [410, 410]
    assert send(site, "GET", expired["Location"]).json()["state"] == "removed"
    assert files.names() == set()


def test_a_bundle_is_verified_by_the_command_and_by_the_published_keys_alone(site, tmp_path, capsys):
    file, keys = tmp_path / "bundle.zip", tmp_path / "keys.json"
    file.write_bytes(download(site, order(site, "bundle")).whole)
    keys.write_bytes(Client().get("/.well-known/tieout-keys.json").content)

    with site.role("job"):
        call_command("verify_bundle", str(file))
        call_command("verify_bundle", str(file), keys=str(keys))
        told = capsys.readouterr().out
        file.write_bytes(
            file.read_bytes().replace(b'"pattern_id":"portfolio_overview"', b'"pattern_id":"portfolio_overviev"')
        )
        with pytest.raises(CommandError, match=r"manifest\.json is not what was signed"):
            call_command("verify_bundle", str(file))
        keys.write_text("[]")
        with pytest.raises(CommandError, match="is not what"):
            call_command("verify_bundle", str(file), keys=str(keys))

    assert told.count("rows of the pack, and 0 that may not travel") == 2


def test_a_bundle_has_the_rows_that_may_travel_and_commits_to_those_that_may_not(site, tmp_path):
    whole = unzipped(download(site, order(site, "bundle")))
    staging.decide_rights(site, PRICES, "deny", use="redistribute")

    held = unzipped(download(site, order(site, "bundle")))

    pack, told = json.loads(whole["pack.json"]), json.loads(held["manifest.json"])
    rows = {
        name: [row["line"] for row in json.loads(files["rows.json"])]
        for name, files in (("all", whole), ("some", held))
    }
    prices = [line for line in rows["all"] if line.startswith("price|AAPL|")]
    withheld = [leaf for leaf in json.loads(held["tree.json"])["leaves"] if "withheld" in leaf]
    assert len(prices) == 1
    assert [line for line in rows["some"] if line.startswith("price|")] == []
    assert len(withheld) == len(rows["all"]) - len(rows["some"])
    assert pack["content_hash"] == site.ask().json()["metadata"]["pack_content_hash"]
    assert (told["pack_content_hash"], told["pack_chain_hash"]) == (None, None)
    assert pack["content_hash"].encode() not in b"".join(held.values())
    assert json.loads(held["ledger.json"])["commit"] == told["ledger_commit_hash"]


@pytest.mark.parametrize(
    ("pattern", "with_portfolio", "kinds"),
    [("money_weighted_returns", True, {"price", "rate"}), ("macro_cycles_overview", False, {"observation"})],
)
def test_a_bundle_has_rows_that_the_result_read_though_it_names_no_security(site, pattern, with_portfolio, kinds):
    asked = {"pattern_id": pattern} | ({"portfolio_id": str(site.public_id)} if with_portfolio else {})
    answered = site.post("owner", asked).json()

    held = unzipped(download(site, order(site, "bundle", execution=answered["execution_id"])))

    lines = [row["line"].split("|") for row in json.loads(held["rows.json"])]
    assert {line[0] for line in lines} <= kinds
    assert {line[1] for line in lines if line[0] == "price"} == (
        {"AAPL", "GOOG", "IBM", "MSFT"} if with_portfolio else set()
    )
    assert {line[5] for line in lines} <= {each.partition("/")[0] for each in answered["metadata"]["sources"]}


def test_without_a_key_there_are_no_bundles(site):
    with override_settings(EXPORT_SIGNING_KEY=""):
        answer = order(site, "bundle")

    assert (answer.status_code, answer.json()["type"]) == (503, "export-failed")
    assert "EXPORT_SIGNING_KEY" in answer.json()["detail"]


def test_a_new_key_ends_the_one_before_and_what_that_signed_stays_proved(site, tmp_path):
    file = tmp_path / "bundle.zip"
    file.write_bytes(download(site, order(site, "bundle")).whole)
    with override_settings(EXPORT_SIGNING_KEY="another secret text of this installation, and a long one"):
        staging.by_force(site, "UPDATE execution_signingkey SET valid_from = valid_from - interval '1 day'")
        assert order(site, "bundle").status_code == 201

    document = Client().get("/.well-known/tieout-keys.json").json()["keys"]

    assert [each["valid_to"] for each in document] == [document[1]["valid_from"], None]


def test_equal_inputs_are_equal_bytes(site):
    execution = UUID(site.ask().json()["execution_id"])
    rows = [
        exports.order(execution, code=code, user=site.user("owner"), request_id="r" * 8)
        for code in ("csv", "json", "bundle", "xlsx", "pdf") * 2
    ]
    staging.by_force(site, "UPDATE execution_executionexport SET made_at = '2026-01-01T00:00:00Z'")

    with site.role("job"):
        for row in rows:
            exports.make(row.pk)

    made = [files.path_of(row.pk).read_bytes() for row in rows]
    assert made[:5] == made[5:]
