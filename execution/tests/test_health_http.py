"""GET /health/pack, /health/live, /health/ready."""

import json
import time
from datetime import date
from uuid import uuid4

import pytest
import redis
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from config import doctor, embedded, pulse
from execution.night.jobs import JOBS
from execution.tests import staging
from pricing.models import PricingPack, PricingPolicy

KEYS = {
    "status",
    "pack_id",
    "policy",
    "asof_date",
    "updated_at",
    "prewarm_done",
    "is_fresh",
    "reconciliation",
    "blocked",
    "estimated_ready",
    "jobs",
    "error",
}


def ask(query=""):
    return Client().get(f"/health/pack{query}")


def test_a_fresh_pack_is_told_with_its_night(demo):
    answer = ask("?policy=ECB_EUR")

    body = answer.json()
    assert answer.status_code == 200
    assert body.keys() == KEYS
    assert (body["status"], body["is_fresh"], body["prewarm_done"], body["error"]) == ("fresh", True, True, None)
    assert (body["policy"], body["asof_date"], body["estimated_ready"]) == ("ECB_EUR", "2013-03-01", None)
    assert body["reconciliation"] == {"portfolios": 2, "failed": 0, "max_error_bp": "0"}
    assert body["blocked"] == {"portfolios": 0, "missing": []}
    assert [job["notes"] for job in body["jobs"]] == [[]] * len(JOBS)
    assert [(job["name"], job["state"]) for job in body["jobs"]] == [(name, "done") for name in JOBS]


def test_it_names_the_pack_that_the_executor_answers_from(demo):
    assert ask().json()["pack_id"] == demo.ask().json()["metadata"]["pricing_pack_id"]


def test_the_policy_may_be_left_out_while_there_is_one(private_demo):
    one = ask()
    with private_demo.role("job"):
        first = PricingPolicy.objects.get()
        first.pk = "BOC_CAD"
        first.fixing, first.pivot = "BOC", "CAD"
        first.save(force_insert=True)

    two = ask()

    assert (one.status_code, one.json()["policy"]) == (200, "ECB_EUR")
    assert (two.status_code, two.json()["policy"]) == (503, None)


def test_a_warming_pack_is_healthy_and_says_when_it_will_be_ready(private_demo):
    staging.set_packs(private_demo, "warming")

    answer = ask()

    body = answer.json()
    assert answer.status_code == 200
    assert (body["status"], body["is_fresh"]) == ("warming", False)
    assert body["estimated_ready"] is not None


def test_a_pack_being_built_counts_as_warming(private_demo):
    with private_demo.role("job"):
        PricingPack.objects.create(
            pk="PP_2013-03-04_ECB_EUR_r1", policy_id="ECB_EUR", asof_date=date(2013, 3, 4), release=1, run=uuid4()
        )

    answer = ask()

    body = answer.json()
    assert (answer.status_code, body["status"], body["asof_date"]) == (200, "warming", "2013-03-04")
    assert (body["jobs"], body["prewarm_done"], body["estimated_ready"]) == ([], False, None)


@pytest.mark.parametrize("status", ["building", "error"])
def test_a_restatement_on_its_way_or_failed_leaves_the_fresh_release_in_charge(private_demo, status):
    with private_demo.role("job"):
        PricingPack.objects.create(
            pk="PP_2013-03-01_ECB_EUR_r2", policy_id="ECB_EUR", asof_date=date(2013, 3, 1), release=2, run=uuid4(),
            status=status, reason="a close is missing" if status == "error" else "",
        )  # fmt: skip

    answer = ask()

    assert (answer.status_code, answer.json()["status"], answer.json()["error"]) == (200, "fresh", None)
    assert answer.json()["pack_id"] == private_demo.ask().json()["metadata"]["pricing_pack_id"]
    assert answer.json()["pack_id"] == "PP_2013-03-01_ECB_EUR_r1"


def test_a_pack_in_error_is_ill_with_its_job_and_reason(private_demo):
    staging.set_packs(private_demo, "error", job="reconcile_ledger", reason="2 portfolios do not tie out")

    answer = ask()

    assert answer.status_code == 503
    assert answer.json()["error"] == {"job": "reconcile_ledger", "reason": "2 portfolios do not tie out"}


def test_without_a_pack_it_is_ill(empty):
    answer = ask("?policy=ECB_EUR")

    assert answer.status_code == 503
    assert answer.json().keys() == KEYS
    assert (answer.json()["status"], answer.json()["pack_id"]) == ("error", None)


@pytest.mark.parametrize("policy", ["WM4PM_USD", "ecb_eur", "ECB_EUR%27--"])
def test_an_unknown_policy_is_said_to_be_none(demo, policy):
    answer = ask(f"?policy={policy}")

    assert answer.status_code == 503
    assert answer.json()["error"]["reason"] == "name one of the pricing policies"


@pytest.mark.parametrize("query", ["policy=", "policy=%00", "policy=" + "x" * 500, "policy=a&policy=a", "nonsense=1"])
def test_a_parameter_that_is_none_is_refused(demo, query):
    answer = ask(f"?{query}")

    assert (answer.status_code, answer.json()["type"]) == (400, "invalid-request")


def test_the_openapi_document_has_the_whole_body():
    document = SchemaGenerator().get_schema(public=True)

    assert document["components"]["schemas"]["PackHealth"]["properties"].keys() == KEYS
    told = document["paths"]["/health/pack"]["get"]
    assert told["responses"].keys() == {"200", "400", "401", "406", "500", "503"}
    assert [each["name"] for each in told["parameters"]] == ["policy"]


def test_it_is_only_looked_at(demo):
    assert Client().post("/health/pack").status_code == 405


def test_it_names_no_portfolio(demo):
    text = ask().content.decode()

    assert "public" not in text
    assert str(demo.public_id) not in text


def test_a_live_process_says_so_without_asking_anybody(demo):
    answer = Client().get("/health/live")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def leave_sign_of_life(name, *, age_s, broken=()):
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.set(f"tieout:sign-of-life:{name}", json.dumps({"at": time.time() - age_s, "broken": list(broken)}))


@pytest.fixture
def alive():
    for name in (pulse.WORKER, pulse.BEAT):
        leave_sign_of_life(name, age_s=0)


def test_it_is_ready_when_nothing_is_at_fault(demo, alive, monkeypatch):
    monkeypatch.setattr(doctor, "find_faults", list)

    answer = Client().get("/health/ready")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "faults": []})


@pytest.mark.parametrize("name", [pulse.WORKER, pulse.BEAT])
def test_a_silent_worker_or_beat_is_not_ready(demo, alive, monkeypatch, name):
    monkeypatch.setattr(doctor, "find_faults", list)
    leave_sign_of_life(name, age_s=pulse.SILENT_AFTER_S + 1)

    answer = Client().get("/health/ready")

    assert (answer.status_code, answer.json()["faults"]) == (503, [name])


def test_a_fault_is_told_by_its_piece_and_its_place_is_for_the_log(demo, alive, monkeypatch, caplog):
    fault = doctor.Fault("Redis", "connection to /run/redis.sock refused", "start Redis or mend REDIS_URL")
    monkeypatch.setattr(doctor, "find_faults", lambda: [fault])

    answer = Client().get("/health/ready")

    assert (answer.status_code, answer.json()) == (503, {"status": "unavailable", "faults": ["Redis"]})
    assert [(record.piece, record.what) for record in caplog.records if record.getMessage() == "not ready"] == [
        ("Redis", "connection to /run/redis.sock refused")
    ]


def test_without_the_database_live_answers_and_ready_names_it(empty, alive, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "PORT", "1")
    monkeypatch.setattr(embedded, "database_url", lambda role: f"postgresql://{role}@localhost:1/tieout")
    connection.close()

    live, ready = Client().get("/health/live"), Client().get("/health/ready")

    assert (live.status_code, ready.status_code) == (200, 503)
    assert "database" in ready.json()["faults"]


def test_a_web_server_without_the_address_of_job_asks_the_worker(demo, monkeypatch):
    monkeypatch.setattr(embedded, "can_log_in_as", lambda role: role == "app")
    leave_sign_of_life(pulse.BEAT, age_s=0)
    leave_sign_of_life(pulse.WORKER, age_s=0, broken=["database role"])

    faults = Client().get("/health/ready").json()["faults"]

    assert "worker" in faults
    assert "database role" not in faults


def test_the_health_check_of_one_container_asks_for_that_one_alone(demo, capsys):
    leave_sign_of_life(pulse.BEAT, age_s=0)

    call_command("doctor", "--alive", "beat")
    with pytest.raises(SystemExit) as ended:
        call_command("doctor", "--alive", "worker")

    printed = capsys.readouterr()
    assert (printed.out, ended.value.code) == ("beat is well\n", 1)
    assert printed.err.startswith("worker: shows no sign of life")


@pytest.mark.parametrize("path", ["/metrics", "/health/pack?policy=ECB_EUR"])
@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (None, 401),
        ("Bearer of-somebody-else-0", 401),
        ("Bearer 0123456789abcdef", 200),
        ("bearer 0123456789abcdef", 200),
        ("Basic 0123456789abcdef", 401),
        ("0123456789abcdef", 401),
    ],
)
def test_a_token_closes_what_monitoring_reads(demo, settings, path, sent, status):
    settings.MONITORING_TOKEN = "0123456789abcdef"

    answer = Client(headers={"Authorization": sent} if sent else {}).get(path)

    assert answer.status_code == status
    assert "0123456789abcdef" not in answer.content.decode()
