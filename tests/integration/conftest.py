"""Simulated cases on disk and a runner of the command line."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from alkfish.cli import app


class Alkfish:
    """Runs the command line in this process; ``code`` is checked at once."""

    def __call__(self, *arguments, code=0):
        done = CliRunner().invoke(app, [str(item) for item in arguments])
        assert done.exit_code == code, (done.stdout, done.stderr, done.exception)
        assert "Traceback" not in done.stderr
        return done

    def json(self, *arguments, code=0):
        return json.loads(self(*arguments, "--json", code=code).stdout)


@pytest.fixture(scope="session")
def alkfish() -> Alkfish:
    return Alkfish()


@pytest.fixture(scope="session")
def simulated(tmp_path_factory, alkfish) -> Path:
    """Folder with the case ``small`` (two fields) and its truth."""
    folder = tmp_path_factory.mktemp("simulated")
    arguments = ("--seed", 5, "--fields", 2, "--size", 512, "--positive-fraction", 0.5)
    alkfish("simulate", folder, *arguments, "--level", "easy", "--name", "small")
    return folder


@pytest.fixture(scope="session")
def case(simulated) -> Path:
    return simulated / "small"


@pytest.fixture(scope="session")
def scored(tmp_path_factory, alkfish, case) -> Path:
    """Folder of results that holds the bundle ``small``."""
    out = tmp_path_factory.mktemp("scored")
    alkfish("score", case, "-o", out)
    return out


@pytest.fixture(scope="session")
def hostile() -> str:
    """A name that would run as code on a page that does not escape it."""
    return '"><script>document.title="run"</script><img src=x onerror="document.title=1">'


@pytest.fixture(scope="module")
def browser():
    """Chromium; tests that need it are skipped where it is not installed."""
    names = ("chromium", "chromium-browser", "google-chrome")
    chromium = next(filter(None, map(shutil.which, names)), "")
    if not chromium:
        pytest.skip("no Chromium on this computer")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium)
        yield running
        running.close()


@pytest.fixture
def open_quietly(browser):
    """Open a file in the browser: gives the page and what it asks for; it must not complain."""
    pages, complaints = [], []

    def open_file(file, *, width, height=900):
        page = browser.new_page(viewport={"width": width, "height": height})
        pages.append(page)
        requests = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(file.as_uri())
        return page, requests

    yield open_file
    assert complaints == []
    for page in pages:
        page.close()
