"""The overview in Chromium, as an owner sees it: when it is there, whether it moves, how large it is, what it costs the server."""

import gzip
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any, Final
from urllib.parse import urljoin

from playwright.sync_api import BrowserContext, Page, sync_playwright

from benchmarks import worlds
from benchmarks.measuring import Goal, Line, line_without_floor
from benchmarks.serving import Site, serving
from benchmarks.worlds import World

WEB, OWNER = "config.wsgi:application", "public-owner"
OVERVIEW: Final = "/portfolios/public/portfolio_overview/"
OVER_TLS: Final = {"X-Forwarded-Proto": "https"}
WINDOW: Final[Any] = {"width": 1440, "height": 900}
LOADS, SWAPS, REQUESTS = 5, 12, 40
PAINTS: Final = """() => new Promise(done => {
    const found = {lcp: 0, cls: 0};
    new PerformanceObserver(list => list.getEntries().forEach(each => found.lcp = each.startTime))
        .observe({type: "largest-contentful-paint", buffered: true});
    new PerformanceObserver(list => list.getEntries().forEach(each => found.cls += each.value))
        .observe({type: "layout-shift", buffered: true});
    setTimeout(() => done(found), 500);
})"""
SWAP: Final = """name => new Promise(done => {
    const start = performance.now();
    document.addEventListener(
        "htmx:afterSettle",
        () => requestAnimationFrame(() => setTimeout(() => done(performance.now() - start))),
        {once: true},
    );
    document.getElementById(`range_${name}`).click();
})"""


def overview() -> list[Line]:
    """Largest contentful paint and layout shift of first and later loads, sizes, a range in place, processor time of a page."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        sys.exit("there is no chromium on the path")
    world = worlds.demo()
    worlds.collect_static(world)
    with ExitStack() as stack:
        site = stack.enter_context(serving(world, WEB))
        playwright = stack.enter_context(sync_playwright())
        as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=path, args=["--disable-quic", *as_root])
        address = f"http://127.0.0.1:{site.port}"

        def new_context() -> BrowserContext:
            context = browser.new_context(base_url=address, viewport=WINDOW, extra_http_headers=OVER_TLS)
            _log_in(context, world, site)
            return context

        first = [_load(new_context().new_page()) for _ in range(LOADS)]
        page = new_context().new_page()
        later = [_load(page) for _ in range(LOADS + 1)][1:]
        swaps = [page.evaluate(SWAP, name) for name in ["3Y", "1Y"] * (SWAPS // 2)][2:]
        html = page.request.get(OVERVIEW).text()
        scripts = re.findall(r'<script src="([^"]+)"', html)
        compressed = [len(gzip.compress(page.request.get(urljoin(OVERVIEW, each)).body())) for each in scripts]
        before = site.processor_s()
        for _ in range(REQUESTS):
            page.request.get(OVERVIEW)
        took = site.processor_s() - before
        browser.close()
    shifts = [each["cls"] for each in [*first, *later]]
    return [
        line_without_floor(
            "overview, largest paint, nothing cached", "ms", [each["lcp"] for each in first], Goal(2000)
        ),
        line_without_floor("overview, largest paint, loaded before", "ms", [each["lcp"] for each in later], Goal(1000)),
        line_without_floor("overview, layout shift", "", [max(shifts)], Goal(0.01)),
        line_without_floor("overview, another range in place", "ms", swaps, Goal(300)),
        line_without_floor("overview, processor of the server", "ms", [1000 * took / REQUESTS], Goal(60)),
        line_without_floor("overview, page compressed", "kB", [len(gzip.compress(html.encode())) / 1000], Goal(40)),
        line_without_floor("overview, scripts compressed", "kB", [sum(compressed) / 1000], Goal(80)),
    ]


def _log_in(context: BrowserContext, world: World, site: Site) -> None:
    password = json.loads((world.folder / "demo-users.json").read_text())[OWNER]
    form = context.request.get("/login/").text()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)
    assert token is not None
    context.request.post(
        "/login/",
        form={"csrfmiddlewaretoken": token[1], "username": OWNER, "password": password},
        headers={"Referer": f"https://127.0.0.1:{site.port}/login/"},
    )


def _load(page: Page) -> Mapping[str, float]:
    page.goto(OVERVIEW)
    page.wait_for_selector("canvas")
    measured: Mapping[str, float] = page.evaluate(PAINTS)
    return measured


CASES: Mapping[str, Callable[[], list[Line]]] = {"overview": overview}
