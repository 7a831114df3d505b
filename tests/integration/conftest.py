"""Simulated cases on disk and a runner of the command line."""

import json
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
