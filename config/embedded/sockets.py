"""The private folder of both servers' sockets, and whether somebody listens on one."""

import hashlib
import os
import socket
import stat
import tempfile
from pathlib import Path

from config.embedded.programs import Account, ServiceUnavailable, let_through

LONGEST_NAME = ".s.PGSQL.5432"
PATH_LIMIT = 107  # bytes; sun_path of Linux without its closing NUL


def make_folder(var: Path, account: Account) -> Path:
    """A short private folder: the path of a socket holds 107 bytes, that of a checkout any number."""
    folder = Path(tempfile.gettempdir()) / f"tieout-{account.uid}-{hashlib.sha256(os.fsencode(var)).hexdigest()[:8]}"
    if len(os.fsencode(folder / LONGEST_NAME)) > PATH_LIMIT:
        raise ServiceUnavailable("socket folder", f"{folder} is too long a path", "set TMPDIR to a shorter one")
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid not in {os.geteuid(), account.uid} or status.st_mode & 0o077:
        raise ServiceUnavailable("socket folder", f"{folder} is not private to this user", "remove it")
    if status.st_uid != account.uid:
        os.chown(folder, account.uid, account.gid)
    let_through(folder, account)
    return folder


def answers(path: Path) -> bool:
    """Whether a server accepts connections on the socket. Opens no session."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(2)
        try:
            client.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
    return True
