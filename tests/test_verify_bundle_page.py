"""The page that verifies bundles, in a real browser without a network: what it shows, and that it names every changed byte."""

import base64
import json

import pytest

from execution import exports
from execution.exports.tests.bundles import bundle, changed, changes, keys_document, unnamed

pytestmark = pytest.mark.slow

FIND_FAULTS = """async ([text, made, keys]) => {
  const whole = Uint8Array.from(atob(text), each => each.charCodeAt(0));
  const found = [];
  for (const [at, other] of made) {
    const copy = whole.slice();
    copy[at] ^= other;
    found.push((await verifyBundle(copy, keys)).faults);
  }
  return found;
}"""


@pytest.fixture
def page(chromium):
    context = chromium.new_context(offline=True)
    page = context.new_page()
    page.goto(exports.VERIFIER.as_uri())
    yield page
    context.close()


def findings(page, folder, data):
    """What the page shows of a bundle that a reader chose, beside the keys."""
    (folder / "bundle.zip").write_bytes(data)
    (folder / "keys.json").write_text(json.dumps(keys_document()))
    page.set_input_files("#keys", folder / "keys.json")
    page.set_input_files("#bundle", folder / "bundle.zip")
    page.wait_for_selector("#findings h2")
    return page.inner_text("#findings")


def test_it_shows_what_was_signed(page, tmp_path):
    shown = findings(page, tmp_path, bundle())

    assert shown.startswith("Verified")
    assert "26, and 14 that may not travel" in shown


def test_it_names_the_file_of_a_changed_byte(page, tmp_path):
    whole = bundle()

    shown = findings(page, tmp_path, changed(whole, whole.index(b"7.00"), 1))

    assert shown.split("\n")[0] == "Not what was signed"
    assert "result.json is not what was signed" in shown


def test_it_names_each_of_a_thousand_changed_bytes(page, request):
    whole = bundle()
    made = changes(whole, request.config.getoption("--hypothesis-seed"))

    found = page.evaluate(FIND_FAULTS, [base64.b64encode(whole).decode(), made, keys_document()["keys"]])

    wrong = [unnamed(whole, at, faults) for (at, _), faults in zip(made, found, strict=True)]
    assert [each for each in wrong if each] == []
