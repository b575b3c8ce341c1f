"""A pattern on its way: draft, version, retired; and what the library may do beside it."""

import copy
import io
import json

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import Client

from agents.result import Result
from compliance.models import AuditEntry
from config import origin, scope, strict_json
from execution.models import Pattern, PatternDraft, PatternVersion
from execution.patterns import PatternInvalid, document_text, drafts, publishing, versions
from execution.tests import staging
from execution.tests.fakes import document, step

LIBRARY = publishing.read_library()
BRIDGE = LIBRARY["money_bridge.json"]


@pytest.fixture
def staff(empty):
    """Ids of two members of the staff; the library is published."""
    with empty.role("job"):
        for each in LIBRARY.values():
            publishing.seed(each)
    people = [get_user_model().objects.create_user(name, is_staff=True) for name in ("anna", "ben")]
    with (
        scope.acting_as(people[0]),
        origin.of_request(origin.Door.ADMIN, "POST /admin/", "1" * 32, may_write=True),
    ):
        yield people[0].pk, people[1].pk


def text_of(version, **changes):
    return json.dumps({**BRIDGE, "version": version, **changes})


def publish(author, version, **changes):
    draft = drafts.begin("money_bridge", text_of(version, **changes), by=author)
    return drafts.propose("money_bridge", revision=draft.revision, message="a line more", by=author)


def test_a_document_is_written_in_the_order_of_the_schema_and_read_back_as_it_was():
    shuffled = {key: BRIDGE[key] for key in sorted(BRIDGE)}

    text = document_text.write(shuffled)

    assert strict_json.loads(text.encode(), max_bytes=10**6) == BRIDGE
    assert text.splitlines()[1] == '  "id": "money_bridge",'
    assert (
        '    {"capability": "ledger.positions", "args": {"portfolio_id": "{{inputs.portfolio_id}}"}, "as": "positions"},'
        in text
    )
    assert max(map(len, text.splitlines())) <= 200


def test_the_difference_of_two_versions_is_the_lines_that_changed():
    changed = copy.deepcopy(BRIDGE) | {"title": "Bridge"}

    lines = [line for line in document_text.diff(BRIDGE, changed) if line[0] in "+-"]

    assert lines == ['-  "title": "Money bridge",', '+  "title": "Bridge",']


def test_a_draft_that_is_published_is_a_version_with_its_author_and_the_draft_is_gone(staff, empty):
    anna, _ = staff
    before = versions.current_version("money_bridge")

    version = publish(anna, "1.1.1", title="Bridge")

    assert versions.current_version("money_bridge") == version
    assert (version.author_id, version.published_by_id, version.message) == (anna, anna, "a line more")
    assert (version.based_on, Pattern.objects.get(pk="money_bridge").title) == (before, "Bridge")
    assert not PatternDraft.objects.exists()
    with empty.role("job"):
        entry = AuditEntry.objects.get(table_name="execution_patternversion", row_key=str(version.pk))
    assert (entry.user_id, entry.reason, entry.after["message"]) == (anna, "a line more", "a line more")


def test_the_versions_before_stay_addressable(staff):
    publish(staff[0], "1.1.1")

    assert versions.published_version("money_bridge", "1.1.0").document == BRIDGE


def test_a_draft_of_the_next_version_begins_with_the_one_that_is_served(staff):
    draft = drafts.begin_from(versions.current_version("money_bridge"), by=staff[0])

    assert json.loads(draft.text) == {**BRIDGE, "version": "1.1.1"}
    with pytest.raises(drafts.DraftExists):
        drafts.begin("money_bridge", "{}", by=staff[1])


def test_of_two_editors_the_later_is_told_what_the_other_saved(staff):
    anna, ben = staff
    draft = drafts.begin("money_bridge", "{}", by=anna)
    drafts.save("money_bridge", "anna's", revision=draft.revision, by=anna)

    with pytest.raises(drafts.DraftOvertaken, match="saved by anna meanwhile") as overtaken:
        drafts.save("money_bridge", "ben's", revision=draft.revision, by=ben)

    assert (overtaken.value.other.text, overtaken.value.other.revision) == ("anna's", 2)
    with pytest.raises(drafts.DraftOvertaken):
        drafts.discard("money_bridge", revision=draft.revision)
    with pytest.raises(drafts.DraftOvertaken):
        drafts.propose("money_bridge", revision=draft.revision, message="x", by=ben)


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("{", strict_json.JsonRefused),
        ("[]", PatternInvalid),
        (text_of("1.1.1", id="other"), PatternInvalid),
        (text_of("1.1.1", outputs=["nothing"]), publishing.PatternRefused),
        (text_of("1.1.0", title="Other"), drafts.VersionNotRaised),
        (text_of("0.9.9"), drafts.VersionNotRaised),
    ],
)
def test_what_can_not_be_the_next_version_stays_a_draft(staff, text, refusal):
    drafts.begin("money_bridge", text, by=staff[0])

    with pytest.raises(refusal):
        drafts.propose("money_bridge", revision=1, message="a line more", by=staff[0])

    assert PatternDraft.objects.get().text == text
    assert PatternVersion.objects.filter(pattern="money_bridge").count() == 1


def test_nothing_is_published_without_a_reason(staff):
    drafts.begin("money_bridge", text_of("1.1.1"), by=staff[0])

    with pytest.raises(publishing.ReasonMissing):
        drafts.propose("money_bridge", revision=1, message="  ", by=staff[0])


def test_a_draft_that_began_with_another_version_is_told(staff):
    anna, _ = staff
    drafts.begin("money_bridge", text_of("1.1.2"), by=anna)
    publishing.publish({**BRIDGE, "version": "1.1.1"})

    with pytest.raises(drafts.VersionOvertaken, match=r"serves 1\.1\.1 by now"):
        drafts.propose("money_bridge", revision=1, message="a line more", by=anna)


def test_where_a_second_person_is_asked_for_the_first_only_proposes(staff, settings):
    settings.PATTERNS_SECOND_PERSON = True
    anna, ben = staff

    assert publish(anna, "1.1.1") is None
    assert versions.current_version("money_bridge").version == "1.1.0"
    with pytest.raises(drafts.PublisherIsAuthor):
        drafts.publish("money_bridge", revision=1, by=anna)
    version = drafts.publish("money_bridge", revision=1, by=ben)

    assert (version.author_id, version.published_by_id) == (anna, ben)


def test_a_proposal_falls_with_another_edit(staff, settings):
    settings.PATTERNS_SECOND_PERSON = True
    anna, ben = staff
    publish(anna, "1.1.1")

    drafts.save("money_bridge", text_of("1.1.2"), revision=1, by=ben)

    with pytest.raises(drafts.DraftOvertaken):
        drafts.publish("money_bridge", revision=2, by=ben)


def test_the_library_leaves_alone_what_staff_published_and_retired_and_says_so(staff, empty, monkeypatch):
    anna, _ = staff
    publish(anna, "1.1.1", title="Bridge")
    publishing.retire("holding_deep_dive", because="wrong", by=anna)
    newer = {name: {**each, "version": "9.0.0"} for name, each in LIBRARY.items()}
    monkeypatch.setattr(publishing, "read_library", lambda: newer)
    out = io.StringIO()

    with empty.role("job"):
        call_command("load_patterns", stdout=out)

    outcomes = dict(line.split(": ", 1) for line in out.getvalue().splitlines())
    assert outcomes["money_bridge 9.0.0"].startswith("left alone: staff published 1.1.1 on ")
    assert outcomes["holding_deep_dive 9.0.0"].startswith("left alone: staff retired it on ")
    assert outcomes["portfolio_overview 9.0.0"] == "published"
    assert versions.current_version("money_bridge").document["title"] == "Bridge"
    assert not PatternVersion.objects.filter(pattern="holding_deep_dive", version="9.0.0").exists()


def test_an_older_version_answers_whoever_asks_for_it(private_demo):
    older = versions.current_version("money_bridge")
    newer = older.document | {"version": "9.0.0", "title": "Bridge"}
    with private_demo.role("job"):
        publishing.publish(newer)

    served, before, unknown = (
        private_demo.ask(pattern_id="money_bridge", **asked)
        for asked in ({}, {"pattern_version": older.version}, {"pattern_version": "0.0.7"})
    )
    headers = {"Authorization": f"Bearer {private_demo.token('owner')}"}
    shown = Client().get(f"/v1/patterns/money_bridge?version={older.version}", headers=headers).json()

    assert [each.json()["metadata"]["pattern_version"] for each in (served, before)] == ["9.0.0", older.version]
    assert served.json()["execution_id"] != before.json()["execution_id"]
    assert (shown["title"], shown["versions"]) == (older.document["title"], ["9.0.0", older.version])
    assert (unknown.status_code, unknown.json()["type"]) == (404, "pattern-version-not-found")
    assert unknown.json()["published"] == ["9.0.0", older.version]


def test_a_retired_pattern_answers_by_name_and_what_it_answered_stays(asked_demo):
    known = asked_demo.ask().json()["execution_id"]
    client = asked_demo.client("owner")
    publishing.retire("portfolio_overview", because="figures move", by=asked_demo.user("staff").pk)

    answer, page = asked_demo.ask(), client.get("/portfolios/public/portfolio_overview/")

    body = answer.json()
    assert (answer.status_code, body["type"], body["reason"]) == (410, "pattern-retired", "figures move")
    assert body["retired_at"]
    assert (page.status_code, "figures move" in page.content.decode()) == (410, True)
    assert "portfolio_overview" not in client.get("/portfolios/public/money_bridge/").content.decode()
    assert client.get(f"/v1/executions/{known}").status_code == 200
    publishing.bring_back("portfolio_overview", because="they do not", by=asked_demo.user("staff").pk)
    assert asked_demo.ask().json()["execution_id"] == known


def test_a_pattern_that_is_retired_while_asked_answers_what_began(private_demo, monkeypatch):
    def retire(ctx) -> Result[dict[str, int]]:
        staging.by_force(
            private_demo,
            "UPDATE execution_pattern SET retired_at = now(), retired_because = 'late' WHERE id = 'fake_late'",
        )
        return Result({"x": 1}, sources=(), asof=ctx.asof_date, ttl=0)

    with staging.offering(private_demo, monkeypatch, late=retire):
        first, second = (private_demo.ask(pattern_id="fake_late") for _ in range(2))

    assert (first.status_code, first.json()["result"]["made"]) == (200, {"x": 1})
    assert (second.status_code, second.json()["type"]) == (410, "pattern-retired")


def test_a_pattern_that_never_was_is_not_near_a_retired_one(asked_demo):
    publishing.retire("money_bridge", because="wrong", by=asked_demo.user("staff").pk)

    assert asked_demo.ask(pattern_id="money_bridges").json()["near"] == []


def test_a_pattern_of_a_person_needs_reason_and_publisher(staff):
    new = document(step("ledger.positions", "x"))
    with pytest.raises(Exception, match="pattern_version_of_a_person_says_why"):
        PatternVersion.objects.create(
            pattern_id="money_bridge",
            version="2.0.0",
            document=new,
            document_hash="0" * 64,
            digest="0" * 64,
            author_id=staff[0],
        )
