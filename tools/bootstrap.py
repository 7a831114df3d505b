#!/usr/bin/env python3
r"""Set up alkfish in a fresh copy of the repository and run it, with one command.

    python3 tools/bootstrap.py demo     install, then score a simulated sample case
    python3 tools/bootstrap.py test     install with what the tests need, then run all tests

On Windows write ``py tools\bootstrap.py demo``. Needs only Python 3.11 or later with pip.
Everything is installed into the folder ``.venv`` of the repository; further arguments go to
``alkfish demo`` or to ``pytest``. Standard library only.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")

APT_FOR_TESTS: tuple[str, ...] = (
    "postgresql",
    "libpango-1.0-0",
    "libpangoft2-1.0-0",
    "libharfbuzz-subset0",
    "fonts-dejavu-core",
    "libgl1",
    "libegl1",
    "libglib2.0-0",
    "libfontconfig1",
    "libdbus-1-3",
    "libxkbcommon0",
    "xvfb",
    "xauth",
    "libxcb-cursor0",
    "libxcb-icccm4",
    "libxcb-keysyms1",
    "libxcb-shape0",
    "libxkbcommon-x11-0",
)
"""Debian and Ubuntu packages that the tests need: a PostgreSQL server that they
start, what PDF reports are set with, and what draws the review window without a screen."""

APT_BROWSER = "chromium"
"""Opens reports in the tests. Ubuntu has it as a snap only; without it these tests are skipped."""


def run(*command: str | Path) -> None:
    """Run a command from the repository's folder; its failure ends this script."""
    done = subprocess.run([str(part) for part in command], cwd=ROOT, check=False)
    if done.returncode:
        sys.exit(done.returncode)


def make_environment() -> None:
    """Create ``.venv``; where Python comes without ensurepip (Debian), pip is lent to it."""
    if PYTHON.exists():
        return
    plain = [sys.executable, "-m", "venv", str(VENV)]
    if subprocess.run(plain, cwd=ROOT, check=False, capture_output=True).returncode:
        shutil.rmtree(VENV, ignore_errors=True)
        run(sys.executable, "-m", "venv", "--without-pip", VENV)


def install(*what: str) -> None:
    """Install into ``.venv`` with pip, its own or that of the running Python."""
    own = subprocess.run([str(PYTHON), "-m", "pip", "--version"], check=False, capture_output=True)
    lent = [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    pip = lent if own.returncode else [str(PYTHON), "-m", "pip"]
    run(*pip, "install", "--quiet", "--disable-pip-version-check", *what)


def install_system_packages() -> None:
    """Install the system packages of the tests where apt is at hand."""
    if APT_FOR_TESTS and shutil.which("apt-get"):
        sudo = [] if os.geteuid() == 0 else ["sudo"]
        run(*sudo, "apt-get", "update", "-qq")
        run(*sudo, "apt-get", "install", "-y", "-qq", "--no-install-recommends", *APT_FOR_TESTS)
        if not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
            browser = [*sudo, "apt-get", "install", "-y", "-qq", "--no-install-recommends"]
            subprocess.run([*browser, APT_BROWSER], cwd=ROOT, check=False)


def demo(arguments: list[str]) -> None:
    """Install alkfish and score the sample case."""
    make_environment()
    install(".")
    run(PYTHON, "-m", "alkfish", "demo", *arguments)


def test(arguments: list[str]) -> None:
    """Install alkfish with what the tests need and run all of them."""
    install_system_packages()
    make_environment()
    install("--editable", ".[test]")
    run(PYTHON, "-m", "pytest", *arguments)


def main() -> None:
    """Read the command line."""
    if sys.version_info < (3, 11):  # noqa: UP036 - this file also meets older Pythons
        sys.exit(f"alkfish needs Python 3.11 or later; this is {sys.version.split()[0]}")
    tasks = {"demo": demo, "test": test}
    if len(sys.argv) < 2 or sys.argv[1] not in tasks:
        sys.exit(__doc__)
    print(f"setting up in {VENV} (a minute or two the first time) ...", flush=True)
    tasks[sys.argv[1]](sys.argv[2:])


if __name__ == "__main__":
    main()
