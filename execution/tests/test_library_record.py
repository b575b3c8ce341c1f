"""A version of a pattern that is out never has another document, whoever changes it."""

import pytest

from execution.patterns import library_record, parse, publishing

LIBRARY = publishing.read_library().values()
PUBLISHED = library_record.read(library_record.RECORD.read_text(encoding="utf-8"))
BRIDGE = publishing.read_library()["money_bridge.json"]


def other(version):
    return parse({**BRIDGE, "title": "Another title", "version": version})


@pytest.mark.parametrize("document", LIBRARY, ids=lambda document: document["id"])
def test_each_document_of_the_library_is_the_one_that_was_published(document):
    assert library_record.find_fault(parse(document), PUBLISHED) is None


@pytest.mark.parametrize("document", LIBRARY, ids=lambda document: document["id"])
def test_a_changed_document_needs_another_version(document):
    changed = parse({**document, "description": document["description"] + " And more."})

    assert library_record.find_fault(changed, PUBLISHED) == (
        f"{document['version']} is published with another document: raise the version"
    )


def test_a_version_is_never_gone_back_to():
    fault = library_record.find_fault(other("0.9.9"), PUBLISHED)

    assert fault == f"{BRIDGE['version']} is published already: raise the version above it"


def test_a_new_version_is_put_on_record_by_the_line_that_is_named():
    raised = other("10.0.0")
    before = library_record.find_fault(raised, PUBLISHED)

    line = before.partition("add the line ")[2].partition(" to published.csv")[0]

    assert library_record.find_fault(raised, PUBLISHED | library_record.read(line)) is None


def test_two_changes_that_took_one_number_are_seen():
    with pytest.raises(library_record.RecordBroken, match=r"line 2: a 1\.0\.0 is there twice"):
        library_record.read("a,1.0.0,aa\na,1.0.0,bb\n")
