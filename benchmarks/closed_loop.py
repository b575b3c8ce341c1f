"""A client that asks, waits for the answer and asks again, on one kept connection each; a process of its own.

In: JSON on stdin, {port, path, headers, warm_up, bodies, clients}. Each client sends all of warm_up, untimed, then its share of
the bodies. Out: JSON on stdout, {ms: of each request, bytes: length of the last answer}.
"""

import http.client
import json
import sys
import threading
from time import perf_counter


def main() -> None:
    options = json.load(sys.stdin)
    took: list[float] = []
    lengths: list[int] = []
    wrong: list[str] = []
    begin = threading.Barrier(options["clients"])

    def ask(connection: http.client.HTTPConnection, body: str) -> int:
        connection.request("POST", options["path"], body.encode(), options["headers"])
        answer = connection.getresponse()
        read = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status} {read[:500].decode(errors='replace')}")
        return len(read)

    def client(bodies: list[str]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", options["port"], timeout=60)
        try:
            for body in options["warm_up"]:
                ask(connection, body)
            begin.wait(60)
            for body in bodies:
                started = perf_counter()
                lengths.append(ask(connection, body))
                took.append((perf_counter() - started) * 1000)
        except (OSError, RuntimeError, http.client.HTTPException, threading.BrokenBarrierError) as failure:
            wrong.append(f"{type(failure).__name__}: {failure}")
            begin.abort()
        finally:
            connection.close()

    count = options["clients"]
    clients = [threading.Thread(target=client, args=(options["bodies"][number::count],)) for number in range(count)]
    for each in clients:
        each.start()
    for each in clients:
        each.join()
    if wrong:
        sys.exit(wrong[0])
    json.dump({"ms": took, "bytes": lengths[-1]}, sys.stdout)


if __name__ == "__main__":
    main()
