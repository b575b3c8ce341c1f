"""Scripts of others that we serve: each is the file that its note names, with its licence."""

import gzip
import hashlib
import re

import pytest
from django.conf import settings

STATIC = settings.BASE_DIR / "templates" / "static"
FOLDERS = sorted(path.parent.name for path in STATIC.glob("*/README.md"))
MOST_BYTES = 80_000
"""Of all scripts of a page, compressed."""


@pytest.mark.parametrize("name", FOLDERS)
def test_each_file_of_others_is_the_one_that_its_note_names(name):
    folder = STATIC / name
    note = (folder / "README.md").read_text()

    files = [path for path in folder.iterdir() if path.suffix in (".js", ".css")]
    assert files
    for path in files:
        assert f"`{hashlib.sha256(path.read_bytes()).hexdigest()}`" in note, path.name
        assert "sourceMappingURL" not in path.read_text()
    assert "Permission" in (folder / "LICENSE.txt").read_text()
    assert f"templates/static/{name}/" in (settings.BASE_DIR / "NOTICE").read_text()


def test_the_scripts_of_the_overview_are_small_and_our_own(demo):
    page = demo.client("owner").get("/portfolios/public/portfolio_overview/").content.decode()

    sources = re.findall(r'<script src="/static/([^"]+)"', page)
    assert len(re.findall("<script", page)) == len(sources) >= 3
    assert sum(len(gzip.compress((STATIC / each).read_bytes())) for each in sources) < MOST_BYTES
