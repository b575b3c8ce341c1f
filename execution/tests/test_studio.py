"""Staff begin, write, check, publish and retire patterns in the admin, by forms alone."""

import hashlib
import json

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from compliance.models import AuditEntry
from config.env import PROJECT
from execution.models import PatternDraft, PatternVersion
from execution.operations import pattern_use
from execution.patterns import catalogue, document_text, inspection, positions, publishing, step_graph, versions
from execution.tests import staging

BRIDGE = publishing.read_library()["money_bridge.json"]
EDITOR = PROJECT / "templates" / "static" / "codemirror"


def page(name, *args, model="patterndraft"):
    return reverse(f"admin:execution_{model}_{name}", args=args)


def editor(world, name):
    user = get_user_model().objects.create_user(name, password=None, is_staff=True)
    user.groups.add(Group.objects.get(name="pattern editor"))
    return world.client(name)


@pytest.fixture
def anna(private_demo):
    return editor(private_demo, "anna")


def own(**changes):
    return {**BRIDGE, "id": "own_bridge", "version": "1.0.0", "title": "Own bridge", **changes}


def begin(client, document):
    file = SimpleUploadedFile("a.json", json.dumps(document).encode())
    answer = client.post(page("add"), {"file": file})
    assert answer.status_code == 302, answer.content.decode()
    return document["id"]


def test_a_pattern_from_nothing_is_an_api_call_a_page_and_an_export_at_once(anna, private_demo):
    assert private_demo.ask(pattern_id="own_bridge").status_code == 404
    begun = anna.post(page("add"), {"id": "own_bridge"})
    text = json.dumps(own(), indent=1)

    saved = anna.post(page("change", "own_bridge"), {"text": text, "revision": 1, "review": "Save and review"})
    published = anna.post(page("publish", "own_bridge"), {"revision": 2, "message": "a bridge of our own"})

    assert (begun["Location"], saved["Location"]) == (page("change", "own_bridge"), page("publish", "own_bridge"))
    assert published.status_code == 302, published.content.decode()
    answer = private_demo.ask(pattern_id="own_bridge").json()
    assert answer["metadata"]["pattern_version"] == "1.0.0"
    owner = private_demo.client("owner")
    assert "Own bridge" in owner.get("/portfolios/public/own_bridge/").content.decode()
    export = owner.post(
        "/v1/exports", {"execution_id": answer["execution_id"], "format": "json"}, content_type="application/json"
    )
    assert export.status_code in (201, 202), export.content
    with private_demo.role("job"):
        entry = AuditEntry.objects.get(
            table_name="execution_patternversion", action="insert", reason="a bridge of our own"
        )
    assert (entry.user_id, entry.door) == (private_demo.user("anna").pk, "admin")


def test_the_editor_without_script_is_a_form_with_findings_at_their_lines(anna):
    begin(anna, own())
    text = '{\n"id": "own_bridge",\n"steps": [{"capability": "ledger.positons", "as": "x"}]\n}'

    shown = anna.post(page("change", "own_bridge"), {"text": text, "revision": 1, "check": "Check"}).content.decode()

    assert "line 1: &#x27;version&#x27; is a required property" in shown
    assert PatternDraft.objects.get().revision == 1
    assert "&quot;ledger.positons&quot;" in shown


def test_findings_stand_at_the_line_of_what_they_find():
    lines = json.dumps(own(outputs=["bridge", "brigde"]), indent=1).splitlines()
    text = "\n".join(lines)

    (finding,) = inspection.inspect(text, "own_bridge").findings

    assert (finding.pointer, lines[finding.line - 1].strip()) == ("/outputs/1", '"brigde"')
    assert finding.message == "no step is named brigde; near: bridge"


@pytest.mark.parametrize(
    ("text", "line", "rule"),
    [
        ('{"a": 1,\n"a": 2}', 2, "no-json"),
        ('{\n"a": }', 2, "no-json"),
        ('{\n\n"a": 1e400}', 3, "no-json"),
        ("[" * 200, 1, "no-json"),
        ("[]", 1, "wrong-shape"),
        ("", 1, "no-json"),
        ('{"id": "\\ud800"}', 1, "no-json"),
    ],
)
def test_what_is_no_document_is_found_where_it_breaks(text, line, rule):
    finding = inspection.inspect(text, "own_bridge").findings[0]

    assert (finding.line, finding.rule) == (line, rule)


def test_a_pointer_leads_to_its_place_whatever_its_name():
    text = '{ "a/b": [1, {"~": "x\\"}"}], "": {}, "c": [] }'

    places = positions.find(text)

    assert {pointer: text[at] for pointer, at in places.items()} == {
        "": "{", "/a~1b": '"', "/a~1b/0": "1", "/a~1b/1": "{", "/a~1b/1/~0": '"', "/": '"', "/c": '"',
    }  # fmt: skip
    assert positions.nearest(places, "/c/7/x") == places["/c"]


def test_the_graph_has_each_step_right_of_what_it_needs():
    graph = step_graph.draw(publishing.read_library()["portfolio_overview.json"])

    at = {node.name: node.x for node in graph.nodes}
    assert len(graph.edges) > len(graph.nodes) / 2
    assert all(at[edge.start] < at[edge.end] for edge in graph.edges)
    assert max(at.values()) < graph.width


def test_steps_that_wait_for_each_other_are_drawn_all_the_same():
    steps = [
        {"capability": "a", "as": "x", "args": {"v": "{{state.y}}"}},
        {"capability": "a", "as": "y", "args": {"v": "{{state.x}}"}},
        {"capability": 5, "as": "z"},
    ]

    assert len(step_graph.draw({"steps": steps}).edges) == 2
    assert step_graph.draw({"steps": "none"}).nodes == ()


def test_what_is_completed_comes_from_the_registry(anna):
    told = anna.get(page("catalogue")).json()

    assert told == json.loads(json.dumps(catalogue.catalogue()))
    assert told["capabilities"]["ledger.positions"]["arguments"]["portfolio_id"] == {"type": "UUID", "required": True}
    assert told["capabilities"]["pricing.apply_pack"]["paths"]["total_value"] == "Decimal"


def test_the_check_of_a_text_that_is_typed_gives_findings_and_graph(anna):
    begin(anna, own())

    told = anna.post(page("check", "own_bridge"), {"text": json.dumps(own(title=""))}).json()

    assert [each["pointer"] for each in told["findings"]] == ["/title"]
    assert told["graph"].startswith("<svg")
    assert anna.post(page("check", "own_bridge"), {"text": "{"}).json()["graph"] is None


def test_a_draft_that_loses_a_race_is_told_and_both_are_shown(anna, private_demo):
    begin(anna, own())
    ben = editor(private_demo, "ben")
    ben.post(page("change", "own_bridge"), {"text": "ben wrote this", "revision": 1})

    lost = anna.post(page("change", "own_bridge"), {"text": "anna wrote that", "revision": 1})

    text = lost.content.decode()
    assert lost.status_code == 409
    assert "saved by ben meanwhile" in text
    assert "-ben wrote this" in text
    assert "+anna wrote that" in text
    assert PatternDraft.objects.get().text == "ben wrote this"
    again = anna.post(page("change", "own_bridge"), {"text": "anna wrote that", "revision": 2})
    assert (again.status_code, PatternDraft.objects.get().text) == (302, "anna wrote that")


def test_what_is_written_for_a_draft_that_was_published_or_discarded_meanwhile_is_not_lost(anna, private_demo):
    begin(anna, own())
    ben = editor(private_demo, "ben")
    ben.post(page("publish", "own_bridge"), {"revision": 1, "message": "ours"})
    text = json.dumps(own(title="Anna's"), indent=1)

    lost = anna.post(page("change", "own_bridge"), {"text": text, "revision": 1})
    tried = anna.post(page("dry_run", "own_bridge"), {"text": text, "revision": 1})
    begun = anna.post(page("change", "own_bridge"), {"text": text, "again": "Begin another draft with it"})

    shown = lost.content.decode()
    assert (lost.status_code, tried.status_code, begun.status_code) == (409, 200, 302)
    assert "published or discarded meanwhile" in shown
    assert "Anna&#x27;s" in shown
    assert "Anna&#x27;s" in tried.content.decode()
    draft = PatternDraft.objects.get()
    assert (draft.text, draft.based_on.version) == (text, "1.0.0")
    late = anna.post(page("change", "own_bridge"), {"text": "{}", "again": "Begin another draft with it"})
    assert (late.status_code, PatternDraft.objects.get().text) == (409, text)
    assert anna.get(page("change", "another")).status_code == 404


def test_a_version_that_was_altered_begins_no_draft_and_says_so(anna, private_demo):
    version = versions.current_version("money_bridge")
    staging.by_force(
        private_demo,
        "UPDATE execution_patternversion SET document = jsonb_set(document, '{title}', '\"Other\"') WHERE id = %s",
        [version.pk],
    )

    answers = [
        anna.post(page("edit", "money_bridge", model="pattern"), follow=True),
        anna.post(page("begin", version.pk, model="patternversion"), follow=True),
        anna.post(page("add"), {"id": "a_copy", "copied": "served money_bridge"}),
    ]

    for each in answers:
        assert (each.status_code, "was changed after it was published" in each.content.decode()) == (200, True)
    assert not PatternDraft.objects.exists()


def test_before_it_is_published_it_is_said_who_asked_it_lately(anna, private_demo):
    for username in ("owner", "owner"):
        private_demo.ask(username, pattern_id="money_bridge")
    private_demo.ask("other", pattern_id="money_bridge", portfolio_id=str(private_demo.second_id))
    anna.post(page("edit", "money_bridge", model="pattern"))

    shown = anna.get(page("publish", "money_bridge")).content.decode()

    assert "2 users asked this pattern in the last 30 days, 2 executions in all." in shown
    assert f"-  &quot;version&quot;: &quot;{BRIDGE['version']}&quot;," in shown
    assert f"+  &quot;version&quot;: &quot;{document_text.next_version(BRIDGE['version'])}&quot;," in shown


def test_the_counts_are_staffs_alone(private_demo):
    private_demo.ask(pattern_id="money_bridge")
    from django.db import transaction

    from config import scope

    told = {}
    for name in ("owner", "staff"):
        with scope.acting_as(private_demo.user(name)), transaction.atomic():
            told[name] = pattern_use.count("money_bridge", days=30).executions

    assert told == {"owner": 0, "staff": 1}


def test_what_the_linter_finds_is_not_published(anna):
    begin(anna, own(outputs=["nothing"]))

    refused = anna.post(page("publish", "own_bridge"), {"revision": 1, "message": "it is wrong"})

    assert refused.status_code == 409
    assert "no step is named nothing" in refused.content.decode()
    assert not PatternVersion.objects.filter(pattern="own_bridge").exists()


def test_where_a_second_person_is_asked_for_the_first_only_proposes(anna, private_demo, settings):
    settings.PATTERNS_SECOND_PERSON = True
    begin(anna, own())
    publish, form = page("publish", "own_bridge"), {"revision": 1, "message": "ours"}

    proposed, refused = anna.post(publish, form), anna.post(publish, form)
    published = editor(private_demo, "ben").post(publish, form)

    assert [each.status_code for each in (proposed, refused, published)] == [302, 409, 302]
    version = versions.current_version("own_bridge")
    assert (version.author.username, version.published_by.username) == ("anna", "ben")


def test_a_pattern_is_retired_with_a_reason_and_brought_back(anna, private_demo):
    retire, back = (page(name, "money_bridge", model="pattern") for name in ("retire", "bring_back"))

    silent = anna.post(retire, {"reason": " "})
    anna.post(retire, {"reason": "the figures move"})
    gone = private_demo.ask(pattern_id="money_bridge")
    shown = anna.get(page("change", "money_bridge", model="pattern")).content.decode()
    anna.post(back, {"reason": "they do not"})

    assert (silent.status_code, gone.status_code, gone.json()["reason"]) == (409, 410, "the figures move")
    assert "bring back" in shown
    assert private_demo.ask(pattern_id="money_bridge").status_code == 200


def test_a_copy_begins_another_pattern_and_an_export_can_be_imported(anna):
    anna.post(page("add"), {"id": "a_copy", "copied": "served money_bridge"})
    version = versions.current_version("money_bridge")

    copy = json.loads(PatternDraft.objects.get(pk="a_copy").text)
    exported = anna.get(page("export", version.pk, model="patternversion"))
    draft = anna.get(page("export", "a_copy"))

    assert copy == {**BRIDGE, "id": "a_copy"}
    assert exported["Content-Disposition"] == f'attachment; filename="money_bridge-{BRIDGE["version"]}.json"'
    assert json.loads(exported.content) == BRIDGE
    assert json.loads(draft.content) == copy
    begin(anna, json.loads(exported.content))
    assert json.loads(PatternDraft.objects.get(pk="money_bridge").text)["version"] == document_text.next_version(
        BRIDGE["version"]
    )


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"id": "Not A Name"},
        {"id": "x" * 65},
        {"file": b"{"},
        {"file": b"[]"},
        {"file": b'{"id": 5}'},
        {"id": "a_copy", "copied": "served nothing"},
    ],
)
def test_what_can_not_be_begun_is_told(anna, form):
    sent = {
        name: SimpleUploadedFile("a.json", each) if isinstance(each, bytes) else each for name, each in form.items()
    }

    answer = anna.post(page("add"), sent)

    assert answer.status_code == 200
    assert "errorlist" in answer.content.decode()
    assert not PatternDraft.objects.exists()


def test_an_older_version_is_begun_from_again(anna):
    begin(anna, own())
    anna.post(page("publish", "own_bridge"), {"revision": 1, "message": "ours"})
    first = versions.current_version("own_bridge")
    anna.post(page("edit", "own_bridge", model="pattern"))
    text = PatternDraft.objects.get().text.replace("Own bridge", "Another")
    anna.post(page("change", "own_bridge"), {"text": text, "revision": 1})
    anna.post(page("publish", "own_bridge"), {"revision": 2, "message": "another title"})

    anna.post(page("begin", first.pk, model="patternversion"))
    second = versions.current_version("own_bridge")
    shown = anna.get(page("change", second.pk, model="patternversion")).content.decode()

    assert second.document["title"] == "Another"
    assert json.loads(PatternDraft.objects.get().text) == own(version="1.0.2")
    assert "+  &quot;title&quot;: &quot;Another&quot;," in shown


def test_a_draft_is_discarded_at_the_revision_that_was_shown(anna):
    begin(anna, own())
    anna.post(page("change", "own_bridge"), {"text": "{}", "revision": 1})

    stale = anna.post(page("delete", "own_bridge"), {"revision": 1})
    gone = anna.post(page("delete", "own_bridge"), {"revision": 2})

    assert (stale.status_code, gone.status_code) == (200, 302)
    assert not PatternDraft.objects.exists()


def test_who_may_only_look_changes_nothing(private_demo, anna):
    begin(anna, own())
    viewer = get_user_model().objects.create_user("auditor", is_staff=True)
    viewer.groups.add(Group.objects.get(name="compliance"))
    client = private_demo.client("auditor")

    looked = client.get(page("change", "own_bridge"))
    answers = [
        client.post(page("change", "own_bridge"), {"text": "{}", "revision": 1}),
        client.post(page("check", "own_bridge"), {"text": "{}"}),
        client.post(page("publish", "own_bridge"), {"revision": 1, "message": "x"}),
        client.post(page("delete", "own_bridge"), {"revision": 1}),
        client.post(page("add"), {"id": "other"}),
        client.post(page("retire", "money_bridge", model="pattern"), {"reason": "x"}),
        client.post(page("edit", "money_bridge", model="pattern")),
    ]

    assert looked.status_code == 200
    assert {answer.status_code for answer in answers} == {403}


def test_the_editor_is_the_file_that_its_note_names():
    digest = hashlib.sha256((EDITOR / "codemirror.js").read_bytes()).hexdigest()

    assert f"`{digest}`" in (EDITOR / "README.md").read_text()
    assert "MIT License" in (EDITOR / "LICENSE.txt").read_text()
