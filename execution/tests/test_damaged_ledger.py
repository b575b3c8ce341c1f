"""A damaged or missing object of the ledger is told by night and doctor, with its mend, and blocks whose folder it is in."""

import shutil
from pathlib import Path

import pytest
from django.conf import settings
from dulwich.objects import Blob

from execution.models import BlockedPortfolio
from portfolio.books import catching_up
from portfolio.ledger.repository import LedgerRepository
from tests import small
from tests.small import WEEK

pytestmark = [pytest.mark.role("job"), pytest.mark.usefixtures("read_once")]


def objects_of(slug):
    """The files of the two objects that a portfolio's folder is made of."""
    with LedgerRepository(settings.LEDGER_PATH) as repository:
        head = repository.head()
        folder = repository.tree_hash(head, slug)
        file = Blob.from_string(repository.files(head, slug)["main.beancount"]).id.decode()
    return [Path(settings.LEDGER_PATH) / "objects" / name[:2] / name[2:] for name in (folder, file)]


def flip(file):
    content = bytearray(file.read_bytes())
    content[-8] ^= 0xFF
    file.chmod(0o600)
    file.write_bytes(content)


def exchange(file):
    """For an object that is whole in itself, and another."""
    with LedgerRepository(settings.LEDGER_PATH) as repository:
        name = repository.head()
    file.chmod(0o600)
    shutil.copyfile(Path(settings.LEDGER_PATH) / "objects" / name[:2] / name[2:], file)


def blocked():
    return set(BlockedPortfolio.objects.values_list("portfolio__slug", "kind", "reason"))


MEND = "restore it from a backup: docs/runbook/backup.md"


@pytest.mark.parametrize(
    ("harm", "which"),
    [(flip, 0), (exchange, 1), (Path.unlink, 1)],
    ids=["folder flipped", "file exchanged", "file missing"],
)
def test_it_is_told_with_its_mend_and_the_others_go_on(empty, tmp_path, harm, which):
    policy = small.begin(tmp_path, slugs=("small", "other"))
    small.take_in(tmp_path, small.LEDGER + small.SECOND_PURCHASE, "other")
    small.night(policy, last=WEEK[3])
    file = objects_of("small")[which]
    whole = file.read_bytes()
    harm(file)

    damaged = small.night(policy, first=WEEK[4])
    ((slug, kind, reason), *_) = set(
        BlockedPortfolio.objects.filter(job="reconcile_ledger").values_list("portfolio__slug", "kind", "reason")
    )
    advice = [str(each) for each in catching_up.find_advice()]
    file.write_bytes(whole)
    mended = small.night(policy, first=WEEK[4], from_step="reconcile_ledger")

    assert damaged.state == mended.state == "done"
    assert (slug, kind) == ("small", "ledger-unreadable")
    assert MEND in reason
    assert len(advice) == 1
    assert advice[0].startswith("ledger: ")
    assert MEND in advice[0]
    assert not blocked()
    assert catching_up.find_advice() == []
