from datetime import UTC, datetime

import pytest
from dulwich.object_store import DiskObjectStore
from dulwich.objects import Blob, ObjectID, Tree
from dulwich.refs import DiskRefsContainer
from dulwich.repo import Repo

from chaos import killing
from portfolio.ledger.repository import (
    BRANCH,
    CommitNotFound,
    LedgerMoved,
    LedgerRepository,
    LedgerUnavailable,
)
from portfolio.ledger.screening import LedgerUnsafe

AT = datetime(2013, 3, 1, 18, 0, tzinfo=UTC)
BOOK = {"main.beancount": b'include "2013/march.beancount"\n', "2013/march.beancount": b"; empty\n"}


@pytest.fixture
def repository(tmp_path):
    with LedgerRepository.open_or_create(tmp_path / "ledger.git") as opened:
        yield opened


def commit(repository, slug="public", files=BOOK, *, expected_head=None, message="import", at=AT):
    return repository.commit(slug, files, message=message, author="importer", at=at, expected_head=expected_head)


def put_into_folder(repository, mode, content=b"/etc/hostname"):
    """A commit whose folder `public` holds one entry of this mode, made past our own writer."""
    first = commit(repository)
    blob, folder, root = Blob.from_string(content), Tree(), Tree()
    folder.add(b"main.beancount", mode, blob.id)
    root.add(b"public", 0o040000, folder.id)
    objects = DiskObjectStore(repository.path / "objects")
    made = objects[ObjectID(first.encode())].copy()
    made.tree = root.id
    for stored in (blob, folder, root, made):
        objects.add_object(stored)
    objects.close()
    return made.id.decode()


def test_a_new_repository_is_bare_and_has_no_head(tmp_path):
    repository = LedgerRepository.open_or_create(tmp_path / "ledger.git")

    head = repository.head()

    assert head is None
    assert not (tmp_path / "ledger.git" / ".git").exists()


@pytest.mark.slow
def test_whoever_is_killed_while_it_is_made_leaves_none_that_is_half_made(tmp_path):
    walk = killing.Walk(("portfolio/ledger/repository.py", "dulwich/repo.py"), ("repository.py", "open_or_create"))
    statements = walk.statements(lambda: LedgerRepository.open_or_create(tmp_path / "walked.git").close())

    for number, statement in enumerate(statements):
        path = tmp_path / f"{number}.git"
        assert walk.kill_at(statement, lambda path=path: LedgerRepository.open_or_create(path).close()), statement
        with LedgerRepository.open_or_create(path) as repository:
            assert commit(repository) == repository.head()

    assert len(statements) > 50


def test_who_comes_second_takes_what_the_first_has_made(tmp_path, monkeypatch):
    path, make = tmp_path / "ledger.git", Repo.init_bare

    def be_overtaken(where, **how):
        monkeypatch.setattr(Repo, "init_bare", make)
        with LedgerRepository.open_or_create(path) as first:
            commit(first)
        return make(where, **how)

    monkeypatch.setattr(Repo, "init_bare", be_overtaken)

    with LedgerRepository.open_or_create(path) as second:
        assert second.head() is not None
    assert [each.name for each in tmp_path.iterdir()] == ["ledger.git"]


def test_what_was_committed_is_read_back_byte_for_byte(repository):
    commit(repository)
    head = repository.head()

    files = repository.files(head, "public")

    assert files == BOOK
    assert repository.slugs(head) == ("public",)


def test_a_commit_replaces_one_folder_and_leaves_the_others(repository):
    first = commit(repository)
    second = commit(repository, "demo", {"main.beancount": b"; demo\n"}, expected_head=first)

    third = commit(repository, "public", {"main.beancount": b"; new\n"}, expected_head=second)

    assert repository.files(third, "public") == {"main.beancount": b"; new\n"}
    assert repository.tree_hash(third, "demo") == repository.tree_hash(second, "demo")
    assert repository.tree_hash(third, "public") != repository.tree_hash(second, "public")
    assert repository.tree_hash(third, "absent") is None


def test_the_same_content_makes_no_new_commit(repository):
    first = commit(repository)

    again = commit(repository, expected_head=first, message="again")

    assert again == first == repository.head()


def test_author_and_time_make_the_commit(tmp_path):
    one = LedgerRepository.open_or_create(tmp_path / "one.git")
    other = LedgerRepository.open_or_create(tmp_path / "other.git")

    hashes = {commit(one), commit(other)}

    assert len(hashes) == 1


def test_a_writer_that_expects_another_head_loses(repository):
    first = commit(repository)
    second = commit(repository, files={"main.beancount": b"; two\n"}, expected_head=first)

    with pytest.raises(LedgerMoved) as lost:
        commit(repository, files={"main.beancount": b"; three\n"}, expected_head=first)

    assert (lost.value.expected, lost.value.actual) == (first, second)
    assert repository.head() == second


def test_a_writer_that_is_overtaken_between_look_and_swap_loses(repository, monkeypatch):
    first = commit(repository)
    second = commit(repository, files={"main.beancount": b"; two\n"}, expected_head=first)
    heads = iter([first, second])
    monkeypatch.setattr(repository, "head", lambda: next(heads))

    with pytest.raises(LedgerMoved):
        commit(repository, files={"main.beancount": b"; three\n"}, expected_head=first)

    assert DiskRefsContainer(repository.path)[BRANCH].decode() == second


def test_history_knows_what_came_before(repository):
    first = commit(repository)
    second = commit(repository, files={"main.beancount": b"; two\n"}, expected_head=first)

    answers = repository.is_ancestor(first, second), repository.is_ancestor(second, first)

    assert answers == (True, False)
    assert repository.is_ancestor(first, first)


@pytest.mark.parametrize("unknown", ["0" * 40, "HEAD", "", "../../etc/passwd", "A" * 40])
def test_an_unknown_commit_is_refused(repository, unknown):
    commit(repository)

    with pytest.raises(CommitNotFound) as refused:
        repository.files(unknown, "public")

    assert refused.value.commit == unknown
    assert not repository.commit_exists(unknown)


@pytest.mark.parametrize(("mode", "word"), [(0o120000, "symbolic link"), (0o160000, "submodule")])
def test_links_and_submodules_are_refused_by_file(repository, mode, word):
    made = put_into_folder(repository, mode)

    with pytest.raises(LedgerUnsafe) as refused:
        repository.files(made, "public")

    (finding,) = refused.value.findings
    assert finding.file == "main.beancount"
    assert word in finding.reason


def test_a_folder_beyond_the_limit_is_refused(repository, monkeypatch):
    made = put_into_folder(repository, 0o100644, b"x" * 100)
    monkeypatch.setattr("portfolio.ledger.repository.MAX_FOLDER_BYTES", 99)

    with pytest.raises(LedgerUnsafe) as refused:
        repository.files(made, "public")

    assert "99 bytes" in refused.value.findings[0].reason


@pytest.mark.parametrize("name", ["../main.beancount", "/etc/main.beancount", "a//b", "a/./b", "", "a\\b", "a\nb"])
def test_a_path_that_leaves_the_folder_is_not_committed(repository, name):
    files = {name: b""}

    with pytest.raises(LedgerUnsafe):
        commit(repository, files=files)

    assert repository.head() is None


@pytest.mark.parametrize("slug", ["..", "", "a/b", ".git", "a b"])
def test_a_slug_that_is_no_folder_name_is_a_mistake_of_the_caller(repository, slug):
    with pytest.raises(ValueError, match="slug"):
        commit(repository, slug)


def test_hooks_configuration_and_alternates_have_no_effect(repository, tmp_path):
    first = commit(repository)
    marker = tmp_path / "ran"
    (repository.path / "hooks").mkdir(exist_ok=True)
    for hook in ("pre-commit", "post-commit", "update", "pre-receive", "post-receive", "reference-transaction"):
        (repository.path / "hooks" / hook).write_text(f"#!/bin/sh\ntouch {marker}\n")
        (repository.path / "hooks" / hook).chmod(0o755)
    (repository.path / "config").write_text(f"[core]\n\tbare = false\n\tfsmonitor = touch {marker}\n[broken\n")
    other = LedgerRepository.open_or_create(tmp_path / "other.git")
    elsewhere = commit(other, files={"main.beancount": b"; elsewhere\n"})
    (repository.path / "objects" / "info").mkdir(exist_ok=True)
    (repository.path / "objects" / "info" / "alternates").write_text(f"{other.path / 'objects'}\n")
    reopened = LedgerRepository(repository.path)

    second = commit(reopened, files={"main.beancount": b"; two\n"}, expected_head=first)

    assert reopened.head() == second
    assert not marker.exists()
    assert not reopened.commit_exists(elsewhere)


def test_a_missing_repository_is_reported_without_its_path(tmp_path):
    with pytest.raises(LedgerUnavailable) as refused:
        LedgerRepository(tmp_path / "absent")

    assert str(tmp_path) not in str(refused.value)


def test_a_damaged_object_is_refused(repository):
    head = commit(repository)
    tree = repository.tree_hash(head, "public")
    loose = repository.path / "objects" / tree[:2] / tree[2:]
    loose.chmod(0o644)
    loose.write_bytes(b"rubbish")

    with pytest.raises(LedgerUnavailable):
        LedgerRepository(repository.path).files(head, "public")


def test_a_lock_of_another_writer_is_reported(repository):
    head = commit(repository)
    (repository.path / "refs" / "heads" / "main.lock").touch()

    with pytest.raises(LedgerUnavailable) as refused:
        commit(repository, files={"main.beancount": b"; two\n"}, expected_head=head)

    assert "locked" in refused.value.reason
