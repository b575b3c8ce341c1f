"""The file that a history is mapped from: the same numbers as the rows, or it is not used."""

from datetime import date
from uuid import UUID

import numpy as np
import pytest

from pricing import market
from pricing.market import history_file
from pricing.models import Security
from pricing.tests import folders, market_data

pytestmark = [pytest.mark.usefixtures("db"), pytest.mark.role("job")]

DAY = date(2020, 1, 7)
OTHER_RUN = UUID(int=2)


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    settings.VAR = tmp_path / "var"
    market._history.cache_clear()


@pytest.fixture
def policy(tmp_path):
    return market_data.loaded(tmp_path)


@pytest.fixture
def path():
    return market.history_path("ECB_EUR")


def read(pack):
    market._history.cache_clear()
    return market.history(pack)


def read_from_rows(pack, path):
    kept = path.read_bytes() if path.exists() else None
    path.unlink(missing_ok=True)
    seen = read(pack)
    if kept is not None:
        path.write_bytes(kept)
    return seen


def assert_same(one, other):
    for name in history_fields():
        left, right = getattr(one, name), getattr(other, name)
        if isinstance(left, np.ndarray):
            np.testing.assert_array_equal(left, right)
            assert not left.flags.writeable
        else:
            assert left == right


def history_fields():
    return market.History.__dataclass_fields__


def whole(path):
    kept = history_file.read(path, "ECB_EUR")
    return kept.whole, len(kept.segments), kept.last_sequence


def test_a_history_is_the_same_from_the_file_as_from_the_rows(policy, path):
    pack = market_data.build(policy)[-1]
    from_rows = read(pack)

    from_file = read(pack)

    assert whole(path) == (True, 1, 6)
    assert_same(from_file, from_rows)


def test_from_the_file_no_row_is_read(policy, path, django_assert_num_queries):
    pack = market_data.build(policy)[-1]
    read(pack)

    with django_assert_num_queries(2):  # what the securities are called here, and which are delisted
        read(pack)


def test_new_packs_are_added_behind_and_a_new_security_is_a_new_column(policy, path, tmp_path):
    early = market_data.build(policy, last=date(2020, 1, 3))[-1]
    read(early)
    kept = path.read_bytes()
    birch = "BIRCH,Birch Inc.,USD,equity,XNYS,wood,raw,2020-01-02,\n"
    changes: dict[str, str | None] = {
        "securities.csv": folders.SMALL["securities.csv"] + birch,
        "prices.csv": folders.SMALL["prices.csv"] + "2020-01-06,BIRCH,7.25,USD,other\n",
    }
    market_data.loaded(tmp_path, changes)
    late = market_data.build(policy, first=date(2020, 1, 6))[-1]

    seen = read(late)

    assert path.read_bytes().startswith(kept)
    assert whole(path) == (True, 2, 6)
    assert seen.symbols == ("ASH", "BIRCH", "ELM", "OAK")
    np.testing.assert_array_equal(seen.close[:3, 1], [np.nan, np.nan, 7.25])
    assert seen.close_sources[1] == ("other",)
    assert_same(read(late), seen)
    assert_same(read_from_rows(late, path), seen)
    assert_same(read(early), read_from_rows(early, path))


def test_a_file_of_many_segments_is_made_one(policy, path, monkeypatch):
    monkeypatch.setattr(history_file, "MOST_SEGMENTS", 3)
    for pack in market_data.build(policy):
        read(pack)

    assert whole(path) == (True, 3, 6)
    assert_same(read(pack), read_from_rows(pack, path))


def test_a_restatement_is_seen_by_later_packs_alone(policy, path, tmp_path):
    head = market_data.build(policy)[-1]
    before = read(head)
    market_data.loaded(tmp_path, {"prices.csv": folders.SMALL["prices.csv"].replace("OAK,51.5,", "OAK,51.75,")})
    revised = market_data.build(policy, DAY, DAY, run=OTHER_RUN, restate_reason="typo")[0]

    after, again = read(revised), read(head)

    assert after.close[-1, 2] == 51.75
    assert_same(again, before)
    assert_same(after, read_from_rows(revised, path))


@pytest.mark.parametrize("length", [0, 1, 23, 24, 100, 300, -1])
def test_a_truncated_file_is_read_again_from_the_rows_and_mended(policy, path, length):
    pack = market_data.build(policy)[-1]
    right = read(pack)
    path.write_bytes(path.read_bytes()[:length])

    seen = read(pack)

    assert_same(seen, right)
    assert whole(path) == (True, 1, 6)


def test_no_flipped_bit_makes_a_wrong_number(policy, path):
    pack = market_data.build(policy)[-1]
    right = read(pack)
    kept = path.read_bytes()

    for at in range(0, len(kept), 7):
        damaged = bytearray(kept)
        damaged[at] ^= 1 << at % 8
        path.write_bytes(damaged)
        assert_same(read(pack), right)
        assert path.read_bytes() == kept


@pytest.mark.parametrize("written", [1, 24, 200])
def test_what_a_killed_writer_left_is_not_used(policy, path, written):
    early, *_, late = market_data.build(policy)
    read(late)
    everything = path.read_bytes()
    path.unlink()
    read(early)
    with path.open("ab") as file:
        file.write(everything[:written])

    seen = read(late)

    assert_same(seen, read_from_rows(late, path))
    assert whole(path) == (True, 1, 6)


def test_the_file_of_another_database_is_not_used(policy, path, tmp_path, settings):
    pack = market_data.build(policy)[-1]
    right = read(pack)
    theirs = path.read_bytes()
    table = history_file.read(path, "ECB_EUR").segments[0]
    chain = table.chain.copy()
    chain[-1, 0] ^= 1
    other = history_file.Table(
        **{name: getattr(table, name) for name in history_file.Table.__dataclass_fields__}
        | {"chain": chain, "close": table.close * 2}
    )
    path.write_bytes(history_file._bytes(other))

    seen = read(pack)

    assert_same(seen, right)
    assert path.read_bytes() == theirs


def test_ids_are_those_of_the_database_that_asks(policy, path):
    pack = market_data.build(policy)[-1]
    read(pack)
    table = history_file.read(path, "ECB_EUR").segments[0]

    assert sorted(table.symbols) == ["ASH", "ELM", "OAK"]
    assert read(pack).security_ids == tuple(Security.objects.order_by("symbol").values_list("id", flat=True))


def test_while_another_worker_writes_the_rows_are_read_and_nothing_is_written(policy, path):
    pack = market_data.build(policy)[-1]
    path.parent.mkdir(parents=True)

    with history_file._alone(path) as alone:
        assert alone
        seen = read(pack)

    assert not path.exists()
    assert_same(seen, read(pack))
    assert whole(path) == (True, 1, 6)


def test_a_worker_that_lost_the_race_adds_nothing_twice(policy, path):
    early, *_, late = market_data.build(policy)
    read(early)
    seen_by_both = history_file.read(path, "ECB_EUR")
    read(late)
    grown = path.read_bytes()
    new = history_file.read(path, "ECB_EUR").segments[1]

    history_file.add(path, seen_by_both, new, new)

    assert path.read_bytes() == grown


def test_a_folder_that_can_not_be_written_costs_only_time(policy, path, settings, tmp_path):
    (tmp_path / "plain").write_text("no folder")
    settings.VAR = tmp_path / "plain"
    pack = market_data.build(policy)[-1]

    assert read(pack).symbols == ("ASH", "ELM", "OAK")


def test_what_was_kept_can_be_forgotten(policy, path):
    pack = market_data.build(policy)[-1]
    read(pack)

    market.forget(policy)

    assert not path.exists()
    assert market._history.cache_info().currsize == 0
