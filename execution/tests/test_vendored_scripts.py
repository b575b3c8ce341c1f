"""Scripts of others that we serve: each is the file that its note names, with its licence."""

import gzip
import hashlib
import json
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
    assert (
        "ermission to use" in (folder / "LICENSE.txt").read_text()
        or "Permission is" in (folder / "LICENSE.txt").read_text()
    )
    assert f"templates/static/{name}/" in (settings.BASE_DIR / "NOTICE").read_text()


def test_the_scripts_of_the_overview_are_small_and_our_own(demo):
    page = demo.client("owner").get("/portfolios/public/portfolio_overview/").content.decode()

    sources = re.findall(r'<script src="/static/([^"]+)"', page)
    assert len(re.findall("<script", page)) == len(sources) >= 3
    assert sum(len(gzip.compress((STATIC / each).read_bytes())) for each in sources) < MOST_BYTES


def test_no_template_has_a_handler_or_a_value_that_htmx_would_evaluate():
    for path in (settings.BASE_DIR / "templates").rglob("*.html"):
        text = path.read_text()
        assert not re.search(r"\bhx-(on|vars|vals|headers|trigger)\b|\bjs:|javascript:", text), path


def test_htmx_evaluates_nothing_and_keeps_no_page(demo):
    page = demo.client("owner").get("/portfolios/public/portfolio_overview/").content.decode()

    config = json.loads(re.search(r"<meta name=\"htmx-config\" content='([^']+)'", page)[1])
    off = ("allowEval", "allowScriptTags", "includeIndicatorStyles", "historyCacheSize")
    assert [config[name] for name in off] == [False, False, False, 0]
    assert config["selfRequestsOnly"]
