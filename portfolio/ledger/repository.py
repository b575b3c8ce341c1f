"""The bare git repository that holds the ledgers, one folder per portfolio.

Objects and the branch are read and written directly: hooks, configuration, alternates, submodules and HEAD of the
repository have no effect, and no git program is run.
"""

import hashlib
import logging
import re
import zlib
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from tempfile import TemporaryDirectory
from typing import Final, Self

from dulwich.errors import ChecksumMismatch, FileFormatException, NotCommitError, ObjectFormatException
from dulwich.file import FileLocked
from dulwich.object_store import DiskObjectStore
from dulwich.objects import S_ISGITLINK, Blob, Commit, ObjectID, ShaFile, Tree
from dulwich.refs import DiskRefsContainer, Ref, SymrefLoop
from dulwich.repo import Repo

from config.errors import TieoutError

from .screening import MAX_FILES, MAX_FOLDER_BYTES, Finding, LedgerUnsafe, refuse_path

logger = logging.getLogger(__name__)
MEND: Final = "restore it from a backup: docs/runbook/backup.md"
BRANCH: Final = Ref(b"refs/heads/main")
MAX_DEPTH: Final = 8
_FOLDER, _FILE = 0o040000, 0o100644
_DAMAGE = (ChecksumMismatch, FileFormatException, NotCommitError, ObjectFormatException, SymrefLoop, zlib.error)
_HASH = re.compile(r"[0-9a-f]{40}")
_SLUG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")


class LedgerUnavailable(TieoutError):
    """The repository cannot be read or written: absent, locked for too long, or damaged."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"ledger repository: {reason}")
        self.reason = reason


class LedgerRewritten(LedgerUnavailable):
    """The branch no longer has a commit that was read from it: a forced push or an amended commit. Nothing is read on it."""

    def __init__(self, read: str, head: str | None) -> None:
        super().__init__(
            f"history was rewritten: commit {read} was read, and {head or 'an empty branch'} does not follow it;"
            " put the branch back on it, and enter what is new on top"
        )
        self.read, self.head = read, head


class LedgerMoved(TieoutError):
    """Somebody else's commit came first; nothing was written to the branch."""

    def __init__(self, expected: str | None, actual: str | None) -> None:
        super().__init__(f"ledger head is {actual or 'empty'}, not {expected or 'empty'}")
        self.expected, self.actual = expected, actual


class CommitNotFound(TieoutError):
    """The ledger repository has no such commit."""

    def __init__(self, commit: str) -> None:
        super().__init__(f"no ledger commit {commit}")
        self.commit = commit


@dataclass(frozen=True, slots=True)
class CommitOrigin:
    """Why a commit was made, by whom and when."""

    message: str
    author: str
    at: datetime


class _Objects(DiskObjectStore):
    @property
    def alternates(self) -> list:  # type: ignore[type-arg]  # objects/info/alternates would read another repository
        return []


class LedgerRepository:
    """One branch of commits; every hash is 40 lower-case hex digits. All errors are TieoutErrors."""

    def __init__(self, path: Path | str) -> None:
        """Raises LedgerUnavailable when there is no bare repository at `path`."""
        self.path = Path(path)
        if not (self.path / "objects").is_dir() or not (self.path / "refs").is_dir():
            raise LedgerUnavailable("there is none at the configured path")
        self._objects = _Objects(
            self.path / "objects", fsync_object_files=True, loose_object_size_limit=MAX_FOLDER_BYTES
        )
        self._refs = DiskRefsContainer(self.path)

    @classmethod
    def open_or_create(cls, path: Path | str) -> Self:
        """The repository at `path`, made empty when nothing is there."""
        path = Path(path)
        if not (path / "objects").exists():
            with _naming_faults():
                _make(path)
        return cls(path)

    def close(self) -> None:
        self._objects.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def find_lock_files(self) -> list[Path]:
        """The lock files of the branch and of objects. While nobody writes, they are what a killed writer has left."""
        branch = self.path / BRANCH.decode()
        lock_files = [branch.with_name(f"{branch.name}.lock"), self.path / "HEAD.lock", self.path / "packed-refs.lock"]
        with _naming_faults():
            return [each for each in lock_files if each.exists()] + sorted((self.path / "objects").glob("*/*.lock"))

    def remove_lock_files(self) -> None:
        """Remove them: a file stays locked for ever otherwise. To be called only by who holds the lock of all writers."""
        for file in self.find_lock_files():
            with _naming_faults():
                file.unlink(missing_ok=True)
            logger.warning("a lock file that a killed writer left is removed", extra={"file": file.name})

    def head(self) -> str | None:
        """The newest commit, None before the first."""
        with _naming_faults():
            try:
                return self._refs[BRANCH].decode()
            except KeyError:
                return None

    def commit_exists(self, commit: str) -> bool:
        try:
            self._commit(commit)
        except CommitNotFound:
            return False
        return True

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether `older` is `newer` or came before it. Raises CommitNotFound."""
        self._commit(older)
        visited, waiting = {newer}, deque([newer])
        while waiting:
            commit = waiting.popleft()
            if commit == older:
                return True
            parents = [parent.decode() for parent in self._commit(commit).parents]
            waiting.extend(parent for parent in parents if parent not in visited)
            visited.update(parents)
        return False

    def require_forward(self, read: str, head: str | None) -> None:
        """Raises LedgerRewritten unless `head` is the commit that was read, or follows it."""
        if head is None or not self.commit_exists(read) or not self.is_ancestor(read, head):
            raise LedgerRewritten(read, head)

    def require_whole(self, commit: str, slug: str | None = None) -> None:
        """Read all objects of a portfolio's folder, or of all folders, and prove each by its name: what nobody reads for long may
        be damaged for long.

        raises  LedgerUnavailable, CommitNotFound
        """
        root = self._root(commit).id if slug is None else self._folder(commit, slug)
        waiting: list[bytes] = [root] if root else []
        visited: set[bytes] = set()
        while waiting:
            name = waiting.pop()
            if name in visited:
                continue
            visited.add(name)
            git_object = self._object(name)
            text = git_object.as_raw_string()
            digest = hashlib.sha1(b"%s %d\0" % (git_object.type_name, len(text)) + text, usedforsecurity=False)
            if digest.hexdigest().encode() != name:
                raise LedgerUnavailable(f"an object is damaged; {MEND}")
            if isinstance(git_object, Tree):
                waiting += [entry.sha for entry in git_object.iteritems() if not S_ISGITLINK(entry.mode)]

    def slugs(self, commit: str) -> tuple[str, ...]:
        """The folders of a commit, sorted. Raises CommitNotFound."""
        return tuple(sorted(name.decode() for name, mode, _ in self._root(commit).iteritems() if S_ISDIR(mode)))

    def history(self) -> tuple[str, ...]:
        """The commits of the branch, the oldest first; of a merge, those of its first parent."""
        commits: list[str] = []
        commit = self.head()
        while commit is not None:
            commits.append(commit)
            parents = self._commit(commit).parents
            commit = parents[0].decode() if parents else None
        return tuple(reversed(commits))

    def origin(self, commit: str, slug: str) -> CommitOrigin:
        """The commit that made the folder what it is at `commit`: that one itself may be another portfolio's."""
        tree, origin_commit = self.tree_hash(commit, slug), self._commit(commit)
        while origin_commit.parents:
            before = origin_commit.parents[0].decode()
            if self.tree_hash(before, slug) != tree:
                break
            origin_commit = self._commit(before)
        author = origin_commit.author.decode(errors="replace")
        at = datetime.fromtimestamp(origin_commit.commit_time, UTC)
        return CommitOrigin(origin_commit.message.decode(errors="replace"), author, at)

    def tree_hash(self, commit: str, slug: str) -> str | None:
        """The hash of a folder: equal hashes, equal content. None when the commit has no such folder."""
        folder = self._folder(commit, slug)
        return folder.decode() if folder else None

    def files(self, commit: str, slug: str) -> dict[str, bytes]:
        """Path within the folder -> content; {} when there is no such folder.

        raises  LedgerUnsafe for symbolic links, submodules, paths that leave the folder, too many files or bytes
        """
        folder = self._folder(commit, slug)
        files: dict[str, bytes] = {}
        if folder is not None:
            self._collect(folder, "", 0, files)
        return files

    def commit(
        self,
        slug: str,
        files: Mapping[str, bytes],
        *,
        message: str,
        author: str,
        at: datetime,
        expected_head: str | None,
    ) -> str:
        """Replace one portfolio's folder (no files: remove it) and return the new head.

        author  "Name" or "Name <address>"; author and time make the hash, so the same call gives the same commit
        raises  LedgerMoved when the head is not, or no longer, `expected_head`; then the branch is as it was
        Content that is there already makes no commit: the head is returned.
        """
        if not _SLUG.fullmatch(slug):
            raise ValueError(f"not a portfolio slug: {slug!r}")
        if at.tzinfo is None:
            raise ValueError("the time of a commit needs a time zone")
        if re.search(r"[\r\n\0]", author):
            raise ValueError("an author is one line")
        findings = tuple(Finding(name, 0, reason) for name in files if (reason := refuse_path(name)))
        if findings:
            raise LedgerUnsafe(findings)
        head = self.head()
        if head != expected_head:
            raise LedgerMoved(expected_head, head)
        root = self._root(head) if head else Tree()
        before = root.id
        with _naming_faults():
            if slug.encode() in root:
                del root[slug.encode()]
            if files:
                root.add(slug.encode(), _FOLDER, self._store_folder(files))
            if head and root.id == before:
                return head
            self._objects.add_object(root)
            new = _build_commit(root, [head.encode()] if head else [], message=message, author=author, at=at)
            self._objects.add_object(new)
            if head:
                is_head_moved = self._refs.set_if_equals(BRANCH, ObjectID(head.encode()), new.id)
            else:
                is_head_moved = self._refs.add_if_new(BRANCH, new.id)
        if not is_head_moved:
            raise LedgerMoved(expected_head, self.head())
        return new.id.decode()

    def _object(self, name: bytes) -> ShaFile:
        with _naming_faults():
            return self._objects[ObjectID(name)]

    def _commit(self, commit: str) -> Commit:
        if not _HASH.fullmatch(commit) or not self._has(commit):
            raise CommitNotFound(commit)
        git_object = self._object(commit.encode())
        if not isinstance(git_object, Commit):
            raise CommitNotFound(commit)
        return git_object

    def _has(self, name: str) -> bool:
        with _naming_faults():
            return ObjectID(name.encode()) in self._objects

    def _tree(self, name: bytes) -> Tree:
        git_object = self._object(name)
        if not isinstance(git_object, Tree):
            raise LedgerUnavailable(f"{name.decode()} is not a folder")
        return git_object

    def _root(self, commit: str) -> Tree:
        return self._tree(self._commit(commit).tree)

    def _folder(self, commit: str, slug: str) -> bytes | None:
        root = self._root(commit)
        if slug.encode() not in root:
            return None
        mode, name = root[slug.encode()]
        if not S_ISDIR(mode):
            raise LedgerUnsafe((Finding(slug, 0, _describe(mode)),))
        return name

    def _collect(self, folder: bytes, prefix: str, depth: int, files: dict[str, bytes]) -> None:
        if depth > MAX_DEPTH:
            raise LedgerUnsafe((Finding(prefix, 0, f"folders nested deeper than {MAX_DEPTH}"),))
        for entry in self._tree(folder).iteritems():
            name = prefix + entry.path.decode(errors="backslashreplace")
            if reason := refuse_path(name):
                raise LedgerUnsafe((Finding(name, 0, reason),))
            if S_ISDIR(entry.mode):
                self._collect(entry.sha, name + "/", depth + 1, files)
            elif S_ISREG(entry.mode):
                files[name] = self._object(entry.sha).as_raw_string()
            else:
                raise LedgerUnsafe((Finding(name, 0, _describe(entry.mode)),))
            if len(files) > MAX_FILES:
                raise LedgerUnsafe((Finding(name, 0, f"more than {MAX_FILES} files"),))
            if sum(map(len, files.values())) > MAX_FOLDER_BYTES:
                raise LedgerUnsafe((Finding(name, 0, f"folder of more than {MAX_FOLDER_BYTES} bytes"),))

    def _store_folder(self, files: Mapping[str, bytes]) -> ObjectID:
        tree, below = Tree(), {}  # type: tuple[Tree, dict[str, dict[str, bytes]]]
        for name, content in files.items():
            first, slash, rest = name.partition("/")
            if slash:
                below.setdefault(first, {})[rest] = content
            else:
                blob = Blob.from_string(content)
                self._objects.add_object(blob)
                tree.add(name.encode(), _FILE, blob.id)
        for first, inner in below.items():
            tree.add(first.encode(), _FOLDER, self._store_folder(inner))
        self._objects.add_object(tree)
        return tree.id


def _build_commit(root: Tree, parents: list[bytes], *, message: str, author: str, at: datetime) -> Commit:
    commit = Commit()
    commit.tree, commit.parents = root.id, [ObjectID(parent) for parent in parents]
    commit.author = commit.committer = (author if "<" in author else f"{author} <>").encode()
    commit.author_time = commit.commit_time = int(at.timestamp())
    commit.author_timezone = commit.commit_timezone = 0
    commit.encoding = b"UTF-8"
    commit.message = message.encode()
    return commit


def _describe(mode: int) -> str:
    return {0o120000: "symbolic link", 0o160000: "submodule"}.get(mode, "not a plain file") + " is not accepted"


def _make(path: Path) -> None:
    """Make an empty repository beside its place and move it there whole, so that no killed process leaves one half made."""
    with TemporaryDirectory(
        prefix=f".{path.name}-", dir=path.parent
    ) as folder:  # for nobody but ours to read, as a ledger is
        folder_path = Path(folder)
        Repo.init_bare(folder_path, default_branch=b"main").close()
        _remove_hooks(folder_path)
        try:
            folder_path.rename(path)
        except OSError:
            if not (path / "objects").exists():  # else another process has made it in the meantime
                raise


def _remove_hooks(path: Path) -> None:
    for hook in (path / "hooks").glob("*"):
        hook.unlink()


@contextmanager
def _naming_faults() -> Iterator[None]:
    """Name what dulwich and the disk raise. A missing object of a commit that exists is damage."""
    try:
        yield
    except FileLocked as fault:
        raise LedgerUnavailable("the branch is locked by another writer") from fault
    except OSError as fault:
        raise LedgerUnavailable(fault.strerror or "input or output error") from fault
    except KeyError as fault:
        raise LedgerUnavailable(f"an object is missing; {MEND}") from fault
    except _DAMAGE as fault:
        raise LedgerUnavailable(f"an object or reference is damaged; {MEND}") from fault
