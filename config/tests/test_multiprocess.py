"""The counters of several processes: one sum that never goes down, in a folder that does not grow."""

import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.mmap_dict import MmapedDict, mmap_key

from config import env
from config.telemetry import multiprocess

KEY = mmap_key("calls", "calls_total", ["kind"], ["a"], "…")


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def ended() -> int:
    """The id of a process that is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def count(folder: Path, pid: int, value: float, *, kind: str = "counter", key: str = KEY) -> None:
    file = MmapedDict(str(folder / f"{kind}_{pid}.db"))
    file.write_value(key, value, 0.0)
    file.close()


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.glob("*.db")}


def total() -> float | None:
    return multiprocess.make_registry().get_sample_value("calls_total", {"kind": "a"})


@pytest.mark.slow
def test_a_day_of_workers_that_come_and_go_loses_no_call_and_fills_no_disk(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "config.tests.lives_of_workers"],
        cwd=env.PROJECT,
        env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
    )

    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert (seen["scrapes"], seen["wrong"]) == (24 * 3600 // 15, 0)
    # Counters and histograms of the first process, of two workers and of all that ended.
    assert seen["files"] <= 8
    assert seen["bytes"] <= 8 * 64 * 1024


def test_what_an_ended_process_counted_stays_and_its_file_goes(folder: Path, ended: int) -> None:
    count(folder, os.getpid(), 2)
    count(folder, ended, 3)
    before = total()

    multiprocess.fold_ended()

    assert (before, total()) == (5.0, 5.0)
    assert names(folder) == {f"counter_{os.getpid()}.db", "counter_ended.db"}


def test_a_state_ends_with_the_process_that_was_in_it(folder: Path, ended: int) -> None:
    count(folder, ended, 1, kind="gauge_all")

    multiprocess.fold_ended()

    assert names(folder) == set()


def test_a_process_that_was_killed_before_its_first_word_is_nothing(folder: Path, ended: int) -> None:
    (folder / f"counter_{ended}.db").touch()
    (folder / f"counter_{os.getpid()}.db").touch()
    count(folder, ended, 3, kind="histogram", key=mmap_key("s", "s_sum", [], [], "…"))

    found = {family.name for family in multiprocess.make_registry().collect()}

    assert found == {"s"}
    assert f"counter_{ended}.db" not in names(folder)


def test_a_new_start_forgets_all_but_what_this_process_has_begun_to_count(folder: Path, ended: int) -> None:
    count(folder, ended, 3)
    count(folder, 1, 4)  # a number that is alive, as any may be by now
    count(folder, os.getpid(), 2)

    multiprocess.remove_earlier_files()

    assert total() == 2.0


def _scrape_for_ever(folder: str, seen: "multiprocessing.Queue[float]") -> None:
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
    while True:
        seen.put(total() or 0.0)


def test_two_that_scrape_while_processes_end_never_see_a_sum_go_down(folder: Path) -> None:
    context = multiprocessing.get_context("spawn")
    seen = [context.Queue() for _ in range(2)]
    scrapers = [context.Process(target=_scrape_for_ever, args=(str(folder), queue), daemon=True) for queue in seen]
    count(folder, os.getpid(), 1)
    for scraper in scrapers:
        scraper.start()
    sums = [[queue.get(timeout=60)] for queue in seen]

    for _ in range(60):
        process = subprocess.Popen(["true"])
        count(folder, process.pid, 10)
        process.wait()
    while any(each[-1] < 601 for each in sums):
        for queue, values in zip(seen, sums, strict=True):
            values.append(queue.get(timeout=60))
    for scraper in scrapers:
        scraper.terminate()
        scraper.join()

    assert [values[-1] for values in sums] == [601.0, 601.0]
    assert all(values == sorted(values) for values in sums)


def test_without_a_folder_a_process_shows_what_it_counts_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)

    multiprocess.remove_earlier_files()
    multiprocess.fold_ended()

    assert multiprocess.make_registry().get_sample_value("python_info", dict(_python_info())) == 1.0


def _python_info() -> dict[str, str]:
    family = next(each for each in multiprocess.make_registry().collect() if each.name == "python_info")
    return family.samples[0].labels
