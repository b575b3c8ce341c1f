"""Programs that are installed as packages: where they are, whom they run as, what they may reach, how they are run."""

import os
import pwd
import shutil
import stat
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from config.errors import TieoutError

SYSTEM_USER = "tieout-demo"  # PostgreSQL refuses to run as root; started by root, both servers run as this account
TIMEOUT = 60


class ServiceUnavailable(TieoutError):
    """A service that was to be started can't be; one line: the piece, what is wrong, the mend."""

    def __init__(self, piece: str, what: str, mend: str) -> None:
        super().__init__(f"{piece}: {what}; {mend}")
        self.piece, self.what, self.mend = piece, what, mend


@dataclass(frozen=True, slots=True)
class Account:
    """Whom the servers run as."""

    uid: int
    gid: int

    @property
    def options(self) -> dict[str, Any]:
        """For subprocess."""
        return {} if self.uid == os.geteuid() else {"user": self.uid, "group": self.gid, "extra_groups": []}


def account_for(data: Path) -> Account:
    """Ourselves; for root the owner of the data, and of new data a system user made for it."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    if data.exists() and (owner := data.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    mend = f"make a system user {SYSTEM_USER}, run as an ordinary user, or set DATABASE_URL and REDIS_URL"
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
        if useradd is None:
            raise ServiceUnavailable("PostgreSQL", "can't run as root and there is no `useradd`", mend) from None
        account = ("--system", "--user-group", "--no-create-home", "--home-dir=/nonexistent", "--shell=/bin/false")
        run(Account(0, 0), useradd, *account, SYSTEM_USER, piece=f"system user {SYSTEM_USER}", mend=mend)
        entry = pwd.getpwnam(SYSTEM_USER)
    return Account(entry.pw_uid, entry.pw_gid)


def packaged(package: str, folder: str, *, piece: str, mend: str) -> Path:
    """A folder of an installed package, which is not imported: one warns when it is, the other is slow."""
    spec = find_spec(package)
    places = spec.submodule_search_locations if spec else None
    programs = Path(places[0], folder).resolve() if places else None
    if programs is None or not programs.is_dir():
        raise ServiceUnavailable(piece, "no program to start", mend)
    return programs


def run(account: Account, *command: object, piece: str, mend: str, log: Path | None = None) -> None:
    """Run to its end as `account`, in an environment of our own: the caller's PGPORT or PGDATA would lead it astray."""
    try:
        process = subprocess.run(  # noqa: S603 - no shell, and each word is ours
            [str(word) for word in command],
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=2 * TIMEOUT,
            check=False,
            **account.options,
        )
    except subprocess.TimeoutExpired as exc:
        raise ServiceUnavailable(piece, f"not done after {2 * TIMEOUT} s", mend) from exc
    except OSError as exc:
        raise ServiceUnavailable(piece, f"{command[0]}: {exc.strerror}", mend) from exc
    if process.returncode:
        raise ServiceUnavailable(
            piece, last_words((read_log(log) if log else "") or process.stderr or process.stdout), mend
        )


def read_log(log: Path) -> str:
    return log.read_text(errors="replace") if log.exists() else ""


def last_words(output: str) -> str:
    """Of what a program said, the line that tells what is wrong."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    loud = [line for line in lines if any(word in line for word in ("FATAL", "PANIC", "error:", "ERROR", " # "))]
    return (loud or lines or ["said nothing"])[-1]


def let_through(path: Path, account: Account) -> None:
    """Where root starts servers that are not root: let them pass through the parents of `path`, and say so."""
    if account.uid == os.geteuid():
        return
    widened_folders = []
    for folder in path.parents:
        status = folder.stat()
        own = status.st_uid == account.uid and status.st_mode & stat.S_IXUSR
        if not own and not status.st_mode & stat.S_IXOTH:
            folder.chmod(stat.S_IMODE(status.st_mode) | stat.S_IXOTH)
            widened_folders.append(str(folder))
    if widened_folders:
        print(
            f"opened to be passed through (o+x), as the servers don't run as root: {', '.join(widened_folders)}",
            file=sys.stderr,
        )


def let_read(folder: Path, account: Account) -> None:
    """The same for installed programs and their libraries, which a strict umask may have closed."""
    if account.uid == os.geteuid():
        return
    let_through(folder, account)
    if folder.stat().st_mode & 0o005 == 0o005:
        return
    for path in (folder, *folder.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        path.chmod(mode | (mode >> 6 & 0o5))
    print(f"opened to be read (o+rX), as the servers don't run as root: {folder}", file=sys.stderr)
