"""A real browser, Debian's Chromium driven by playwright: every page that it opens is watched.

Whatever a test does, a page that asks for anything but itself, or says an error, fails it.
"""

import os
import shutil
from pathlib import Path

import pytest

BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
]
HELPERS = (Path(__file__).parent / "measure.js").read_text(encoding="utf-8")


def missing(reason):
    """Skip where there is no browser, except in CI: there it is a failure."""
    if os.environ.get("REQUIRE_BROWSER") or os.environ.get("CI"):
        pytest.fail(f"{reason}, and CI runs these tests")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def browser():
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright is not installed; pip install 'symdiff[test]'")
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        missing(f"no browser: none of {', '.join(BROWSERS)}; apt-get install chromium-headless-shell")
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=found, args=QUIET)
        yield started
        started.close()


@pytest.fixture
def open_page(browser, tmp_path):
    """A function that opens a text as a page of some width and colour scheme; `page.measure(name)` runs a helper."""
    contexts, wrong = [], []

    def opened(text, width=1280, scheme="light", script=True, ending=".html"):
        file = tmp_path / f"page{len(contexts)}{ending}"
        file.write_text(text, encoding="utf-8")
        context = browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme=scheme,
            java_script_enabled=script,
            reduced_motion="reduce",
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("request", lambda request: wrong.append(request.url) if request.url != file.as_uri() else None)
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(file.as_uri())
        page.measure = lambda name: page.evaluate(f"() => {{ {HELPERS}\nreturn {name}(); }}")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []
