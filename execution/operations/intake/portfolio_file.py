"""A portfolio that another installation wrote as one file (execution/exports/portfolio_file.py), taken in with its history."""

import json
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any, Final
from uuid import UUID
from zipfile import BadZipFile, ZipFile

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction

from config.errors import TieoutError
from execution.operations.intake.portfolios import UnknownUser, open_portfolio
from portfolio.books import entry, writer
from portfolio.ledger.repository import LedgerRepository
from portfolio.ledger.screening import LedgerRefused
from portfolio.models import Benchmark, LedgerRevision, Portfolio

FORM: Final = 1
LEDGER, SETTINGS = "ledger.git/", "portfolio.json"
MOST_BYTES: Final = 1024 * 1024 * 1024
"""Of all files in it, unpacked."""
MOST_FILES: Final = 1_000_000


class PortfolioFileRefused(TieoutError):
    """The file is none that an export wrote, or the portfolio can't be taken in here. Nothing was."""


def import_portfolio(path: Path, *, owner: str) -> dict[str, Any]:
    """Make the portfolio for `owner`, with each revision of its ledger as a commit, and reconcile the newest.

    raises  PortfolioFileRefused, UnknownUser, UnknownPolicy, LedgerRefused
    """
    if not get_user_model().objects.filter(username=owner).exists():
        raise UnknownUser(owner)
    with TemporaryDirectory() as folder:
        try:
            with ZipFile(path) as archive:
                _unpack(archive, Path(folder))
        except (BadZipFile, FileNotFoundError, IsADirectoryError) as broken:
            raise PortfolioFileRefused(f"{path.name} is no zip: {broken}") from broken
        return _take_in(Path(folder) / LEDGER, _read_facts(Path(folder) / SETTINGS), owner)


def _unpack(archive: ZipFile, folder: Path) -> None:
    """What the file should hold, and nothing that leads out of the folder."""
    members = [each for each in archive.infolist() if each.filename == SETTINGS or each.filename.startswith(LEDGER)]
    if len(members) > MOST_FILES or sum(each.file_size for each in members) > MOST_BYTES:
        raise PortfolioFileRefused("it holds more than a portfolio can")
    for each in members:
        if ".." in PurePosixPath(each.filename).parts or "\\" in each.filename:
            raise PortfolioFileRefused(f"{each.filename} leads out of the file")
        archive.extract(each, folder)


def _read_facts(path: Path) -> dict[str, Any]:
    try:
        facts: dict[str, Any] = json.loads(path.read_bytes())
        if facts["form"] != FORM:
            raise PortfolioFileRefused(f"it is of the form {facts['form']}, and this release reads {FORM}")
        UUID(facts["id"])
        return facts
    except (FileNotFoundError, KeyError, TypeError, ValueError) as unread:
        raise PortfolioFileRefused(f"it holds no {SETTINGS} that can be read") from unread


def _take_in(ledger: Path, facts: dict[str, Any], owner: str) -> dict[str, Any]:
    slug = facts["slug"]
    if Portfolio.objects.filter(slug=slug).exists() or Portfolio.objects.filter(pk=facts["id"]).exists():
        raise PortfolioFileRefused(f"there is a portfolio {slug}, or one with its number, here already")
    with transaction.atomic():
        portfolio = open_portfolio(
            slug,
            facts["name"],
            facts["base_currency"],
            owner=owner,
            policy=facts["policy"],
            portfolio_id=UUID(facts["id"]),
            settings={**facts["settings"], "benchmark": _find_benchmark(facts["benchmark"])},
        )
        with LedgerRepository(ledger) as copy:
            for commit in copy.history():
                _enter(portfolio, copy, commit)
        revisions = list(LedgerRevision.objects.filter(portfolio=portfolio).order_by("number"))
        tree_hashes = [each["tree_hash"] for each in facts["revisions"]]
        if [each.tree_hash for each in revisions][-1:] != tree_hashes[-1:]:
            raise PortfolioFileRefused("its ledger is not the one that it tells of")
    return {
        "portfolio": slug,
        "revisions": len(revisions),
        "commit": revisions[-1].commit if revisions else None,
        "tree_hash": revisions[-1].tree_hash if revisions else None,
        "status": revisions[-1].status if revisions else None,
        "benchmark": facts["benchmark"],
    }


def _find_benchmark(name: str | None) -> Benchmark | None:
    """Benchmarks are the staff's: one of the name must be there."""
    if name is None:
        return None
    benchmark = Benchmark.objects.filter(name=name).first()
    if benchmark is None:
        raise PortfolioFileRefused(f"it is compared with the benchmark {name}, which is not here: define it first")
    return benchmark


def _enter(portfolio: Portfolio, copy: LedgerRepository, commit: str) -> None:
    """One commit of the history. A folder that could not be read there is a broken revision here, too."""
    origin, files = copy.origin(commit, portfolio.slug), copy.files(commit, portfolio.slug)
    about = {"message": origin.message, "author": origin.author, "at": origin.at}
    try:
        entry.enter(portfolio=portfolio, files=files, **about)  # type: ignore[arg-type]
    except LedgerRefused:
        with LedgerRepository.open_or_create(settings.LEDGER_PATH) as ours, writer.writing(ours):
            ours.commit(portfolio.slug, files, expected_head=ours.head(), **about)  # type: ignore[arg-type]
        writer.sync(portfolio=portfolio)
