"""Ledgers of the tests are read in a fork of a process that has Beancount imported, where a service starts one each time.

The start is what a small ledger takes: 0.15 s of processor time, 250 times a run. It is the same file with the same limits
on the same channel; portfolio/ledger/tests/test_reader.py starts it as a service does, and so does each process of its own.
"""

import atexit
import gc
import importlib.util
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from functools import cache
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import Any

__all__ = ["DEVNULL", "PIPE", "Popen"]

LONGEST = 8192  # bytes of a request


class Popen:
    """Of subprocess.Popen what portfolio/ledger/reader.py uses."""

    def __init__(
        self, command: list[str], *, cwd: str, env: dict[str, str], stdin: int, stdout: int, stderr: int
    ) -> None:
        place = next(at for at, word in enumerate(command) if word.endswith("child.py"))
        reading, writing = os.pipe()
        self.told = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with _beginning:
            address = _address(tuple(command[:place]), command[place], tuple(env.items()))
        self.told.connect(address)
        socket.send_fds(self.told, [json.dumps([cwd, *command[place + 1 :]]).encode()], [writing])
        os.close(writing)
        self.stdout = open(reading, "rb")  # noqa: SIM115
        self.pid = int(self.told.recv(LONGEST))

    def kill(self) -> None:
        with suppress(ProcessLookupError):  # it has ended by itself
            os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        self.returncode = int(self.told.recv(LONGEST))
        return self.returncode

    def __enter__(self) -> "Popen":
        return self

    def __exit__(self, *_: object) -> None:
        self.stdout.close()
        if not hasattr(self, "returncode"):
            self.wait()
        self.told.close()


_beginning = threading.Lock()


@cache
def _address(python: tuple[str, ...], child: str, env: tuple[tuple[str, str], ...]) -> str:
    """Where the process with Beancount listens; it begins with the first ledger."""
    name = f"\0tieout-test-{os.getpid()}"  # no file: gone with who listens
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(name)
        listener.listen(64)
        server = subprocess.Popen(
            [*python, __file__, str(listener.fileno()), child],
            env=dict(env),
            pass_fds=[listener.fileno()],
            stdin=PIPE,  # at its end it goes
        )
    atexit.register(server.communicate)
    return name


def _serve(listener: socket.socket, child: Any) -> None:
    while True:
        ready, _, _ = select.select([sys.stdin, listener], [], [])
        if sys.stdin in ready:
            return
        asking, _ = listener.accept()
        if os.fork() == 0:
            _answer(asking, child)
        asking.close()
        while _ended():
            pass


def _ended() -> bool:
    try:
        return os.waitpid(-1, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return False


def _answer(asking: socket.socket, child: Any) -> None:
    """Tell the number of the reading process, and how it ended."""
    request, (writing,), _, _ = socket.recv_fds(asking, LONGEST, 1)
    pid = os.fork()
    if pid == 0:
        _read(child, writing, *json.loads(request))
    os.close(writing)
    asking.send(str(pid).encode())
    _, status = os.waitpid(pid, 0)
    asking.send(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _read(child: Any, writing: int, cwd: str, memory_bytes: str, cpu_seconds: str, main: str) -> None:
    code = 1  # of a process that ends by an exception
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        for ours, theirs in ((nothing, 0), (writing, 1), (nothing, 2)):
            os.dup2(ours, theirs)
        os.closerange(3, 64)
        os.chdir(cwd)
        child.ROOT = os.path.realpath(cwd)
        code = child.run(int(memory_bytes), int(cpu_seconds), main)
    finally:
        os._exit(code)


if __name__ == "__main__":
    spec = importlib.util.spec_from_file_location("child", Path(sys.argv[2]))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    gc.freeze()
    _serve(socket.socket(fileno=int(sys.argv[1])), module)
