"""`make pictures`: the pictures of the pages for owners, and every page in every width and light to be looked at.

A web server of its own over the demo, Chromium in a fixed window, animations off: the same pages give the same pictures. Those
of the documents are written beside them in few colours; all others go to `var/pictures/`, which is not committed.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.error import URLError
from urllib.request import urlopen

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests import png

PROJECT: Final = Path(__file__).resolve().parents[1]
HERE: Final = PROJECT / "docs" / "owners" / "pictures"
PORTFOLIO, OWNER = "public", "public-owner"
WIDE, NARROW, MIDDLE = (1440, 900), (390, 844), (820, 1180)
BAD_FILE: Final = """date,type,symbol,quantity,unit_price,fee,currency
2013-02-27,buy,APPL,10,444.57,5,USD
2013-02-27,sell,MSFT,-20,27.81,5,USD
2013-02-28,sell,GOOG,9000,801.20,5,USD
2013-02-28,buy,AAPL,3,441.40,5,USD
2002-12-31,buy,IBM,1,77.36,5,USD
"""
GOOD_FILE: Final = """date,type,symbol,quantity,unit_price,amount,fee,currency
2013-02-27,deposit,,,,2500,,CAD
2013-02-28,buy,AAPL,3,441.40,,5,USD
2013-02-28,sell,IBM,10,200.83,,5,USD
"""


@dataclass(frozen=True, slots=True)
class Picture:
    """One of the documents': the page, the window, and the file to choose where it is of an import."""

    name: str
    path: str
    window: tuple[int, int] = WIDE
    file: str = ""
    to: str = ""
    """What is opened and scrolled to; empty: the page begins at its top."""


PICTURES: Final = (
    Picture("home", "/"),
    Picture("overview", f"/portfolios/{PORTFOLIO}/portfolio_overview/"),
    Picture("overview-phone", f"/portfolios/{PORTFOLIO}/portfolio_overview/", NARROW),
    Picture("import-check", f"/portfolios/{PORTFOLIO}/imports/", file=BAD_FILE),
    Picture("import-preview", f"/portfolios/{PORTFOLIO}/imports/", file=GOOD_FILE),
    Picture("import-preview-phone", f"/portfolios/{PORTFOLIO}/imports/", NARROW, file=GOOD_FILE),
    Picture("holdings", f"/portfolios/{PORTFOLIO}/portfolio_holdings/"),
    Picture("holding", f"/portfolios/{PORTFOLIO}/holdings/AAPL/"),
    Picture("performance", f"/portfolios/{PORTFOLIO}/performance/"),
    Picture("income", f"/portfolios/{PORTFOLIO}/income/"),
    Picture("explain", f"/portfolios/{PORTFOLIO}/money_bridge/"),
    Picture("trust", f"/portfolios/{PORTFOLIO}/reconciliation/"),
    Picture("ties", f"/portfolios/{PORTFOLIO}/portfolio_overview/", to=".ties"),
    Picture("sharing", f"/portfolios/{PORTFOLIO}/sharing/"),
)


def main() -> None:
    """Take all pictures; `python -m tests.pictures documents` takes those of the documents alone."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        raise SystemExit("there is no chromium on the path")
    with _web_server() as address, sync_playwright() as playwright:
        as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=path, args=["--disable-quic", *as_root])
        cookie = _log_in(address)
        _take_documents(browser, address, cookie)
        if sys.argv[1:] != ["documents"]:
            _take_all(browser, address, cookie)
        browser.close()


@contextmanager
def _web_server() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    server = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "gunicorn",
            "--config",
            "python:config.gunicorn",
            "--bind",
            address,
            "config.wsgi:application",
        ],
        cwd=PROJECT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"},
    )
    try:
        _wait_for(f"http://{address}/health/live", server)
        yield f"http://{address}"
    finally:
        server.terminate()
        server.wait()


def _wait_for(url: str, server: "subprocess.Popen[bytes]") -> None:
    for _ in range(240):
        try:
            urlopen(url).close()
            return
        except URLError:
            if server.poll() is not None:
                raise SystemExit("the web server ended; `make demo` comes first") from None
            time.sleep(0.5)
    raise SystemExit("the web server does not answer")


def _log_in(address: str) -> dict[str, Any]:
    """The cookie of a session of the demo's owner."""
    from django.conf import settings
    from django.contrib.auth import get_user_model
    from django.test import Client

    client = Client()
    client.force_login(get_user_model().objects.get(username=OWNER))
    return {"name": settings.SESSION_COOKIE_NAME, "value": client.session.session_key, "url": address}


@contextmanager
def _window(browser: Browser, size: tuple[int, int], cookie: Any, *, is_dark: bool = False) -> Iterator[Page]:
    context: BrowserContext = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if is_dark else "light",
        reduced_motion="reduce",
        locale="en-GB",
        timezone_id="UTC",
    )
    context.add_cookies([cookie])
    context.set_default_timeout(120_000)
    yield context.new_page()
    context.close()


def _take_documents(browser: Browser, address: str, cookie: Any) -> None:
    HERE.mkdir(exist_ok=True)
    for picture in PICTURES:
        with _window(browser, picture.window, cookie) as page:
            _open(page, address + picture.path)
            if picture.file:
                page.locator("#file").set_input_files(
                    {"name": "trades.csv", "mimeType": "text/csv", "buffer": picture.file.encode()}
                )
                page.get_by_role("button", name="Check and preview").click()
                page.wait_for_load_state("networkidle")
            if picture.to:
                page.locator(f"{picture.to} summary").first.click()
                page.locator(picture.to).first.evaluate("each => each.scrollIntoView({block: 'end'})")
            shot = page.screenshot(animations="disabled", caret="hide")
            small = png.reduce(shot, page)
            (HERE / f"{picture.name}.png").write_bytes(small)
            sys.stdout.write(f"docs/owners/pictures/{picture.name}.png {len(small)} bytes\n")


def _take_all(browser: Browser, address: str, cookie: Any) -> None:
    """Every page that the frame of the portfolio leads to, whole."""
    with _window(browser, WIDE, cookie) as page:
        _open(page, f"{address}/portfolios/{PORTFOLIO}/portfolio_overview/")
        links = page.locator("nav a[href^='/portfolios/']").evaluate_all("all => all.map(a => a.getAttribute('href'))")
    paths = dict.fromkeys(
        ["/", *links, f"/portfolios/{PORTFOLIO}/holdings/AAPL/", f"/portfolios/{PORTFOLIO}/sharing/", "/exports/"]
    )
    for size in (WIDE, MIDDLE, NARROW):
        for is_dark in (False, True):
            folder = PROJECT / "var" / "pictures" / f"{size[0]}-{'dark' if is_dark else 'light'}"
            folder.mkdir(parents=True, exist_ok=True)
            with _window(browser, size, cookie, is_dark=is_dark) as page:
                for path in paths:
                    name = path.partition("?")[0].strip("/").replace("/", "-") or "home"
                    _open(page, address + path)
                    page.screenshot(path=folder / f"{name}.png", full_page=True, animations="disabled", caret="hide")
            sys.stdout.write(f"{folder.relative_to(PROJECT)}: {len(paths)} pages\n")


def _open(page: Page, url: str) -> None:
    page.goto(url)
    page.wait_for_load_state("networkidle")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault(
        "DJANGO_ALLOW_ASYNC_UNSAFE", "1"
    )  # Playwright has a loop in this thread, which waits meanwhile
    import django

    from config import embedded

    embedded.provide("app")
    try:
        django.setup()
        main()
    finally:
        embedded.release()
