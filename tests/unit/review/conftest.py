"""A scored case made by hand, and stores in SQLite and on a real PostgreSQL server."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest

from alkfish.config import Config
from alkfish.model.nuclei import Nuclei, NucleusTable
from alkfish.model.result import CaseResult, ChannelQC, FieldQC, Provenance
from alkfish.model.signals import Pattern
from alkfish.model.spots import SpotTable
from alkfish.review import CaseReview, open_store
from alkfish.score.case import call_case, count_excluded
from alkfish.score.nuclei import EndSpots, score_nuclei
from alkfish.score.shift import ChromaticShift
from builders import PROBE, filled

PIXEL_UM, SIDE, PITCH = 0.1, 90, 110

# Places of the 3' and the 5' spots of a nucleus, in px from its centre.
SPOTS = {
    "FUSED": ([(0, 0)], [(0, 2)]),
    "SPLIT": ([(-20, 0)], [(20, 0)]),
    "ISOLATED_3P": ([(0, 0), (30, 30)], [(0, 2)]),
    "ISOLATED_5P": ([(0, 0)], [(0, 2), (-30, 30)]),
    "": ([], []),
}


def spot_table(places):
    y, x = np.array(places, float).reshape(-1, 2).T
    usual = {"snr": 30.0, "diameter_um": 0.5, "p_real": 0.99, "quality": 1.0, "amplitude": 500.0}
    return filled(SpotTable, len(y), y_px=y, x_px=x, **usual)


def end_spots(table, n_nuclei):
    return EndSpots(table, np.full(n_nuclei, 30.0), np.zeros(len(table)), np.zeros(n_nuclei))


def scored_field(patterns, pitch=PITCH):
    """Return label image, nuclei and spots of square nuclei with the given patterns."""
    columns = int(np.ceil(np.sqrt(len(patterns)))) or 1
    labels = np.zeros((pitch * (len(patterns) // columns + 1) + 10, pitch * columns + 10), np.int32)
    centres, places = [], ([], [])
    for number, pattern in enumerate(patterns):
        top, left = 10 + pitch * (number // columns), 10 + pitch * (number % columns)
        labels[top : top + SIDE, left : left + SIDE] = number + 1
        centre = top + (SIDE - 1) / 2, left + (SIDE - 1) / 2
        centres.append(centre)
        for end in (0, 1):
            places[end].extend((centre[0] + y, centre[1] + x) for y, x in SPOTS[pattern][end])
    y, x = np.array(centres, float).reshape(-1, 2).T
    n = len(patterns)
    table = filled(
        NucleusTable, n, nucleus_id=np.arange(1, n + 1), y_px=y, x_px=x,
        area_um2=(SIDE * PIXEL_UM) ** 2, solidity=1.0, focus=0.8, dapi_mean=900.0,
    )  # fmt: skip
    three, five = (end_spots(spot_table(end), n) for end in places)
    nuclei, spots = score_nuclei(
        "field", Nuclei(labels, table), three, five, pixel_size_um=PIXEL_UM,
        shift=ChromaticShift(), probe=PROBE, config=Config(),
    )  # fmt: skip
    return labels, nuclei, spots


def build_result(
    patterns, case_id="case", created="2026-01-01T00:00:00+00:00", pitch=PITCH
):  # fmt: skip
    labels, nuclei, spots = scored_field(patterns, pitch)
    channel = ChannelQC(len(spots), 30.0, 100.0, 5.0, 0.0, 1.0)
    fields = (FieldQC("field", len(nuclei), int(nuclei.scorable.sum()), 0.8, channel, channel),)
    config = Config()
    return CaseResult(
        case_id=case_id,
        call=call_case(nuclei, fields, PROBE),
        nuclei=nuclei,
        spots=spots,
        fields=fields,
        excluded=count_excluded(nuclei),
        probe=PROBE,
        provenance=Provenance(
            "0", config.model_dump(mode="json"), config.fingerprint(), {}, created
        ),
        labels={"field": labels},
        pixel_size_um={"field": PIXEL_UM},
    )


@pytest.fixture(scope="session")
def make_result():
    """Return ``make(patterns, **options)``: a scored case with nuclei 1, 2, ... of one field."""
    return build_result


MIXED = (
    ["SPLIT"] * 10 + ["ISOLATED_3P"] * 10 + ["ISOLATED_5P"] * 10 + [""] * 5 + ["FUSED"] * 125
)  # fmt: skip


@pytest.fixture(scope="session")
def mixed():
    """A case of 160 nuclei, 10 of each positive pattern, some not scorable."""
    return build_result(MIXED)


@pytest.fixture(scope="session")
def crowded():
    """The same case with outlines that touch: in rows of 13, without gaps."""
    return build_result(MIXED, pitch=SIDE)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """URL of a PostgreSQL server of our own on a socket in a temporary folder."""
    pwd = pytest.importorskip("pwd", reason="the server is started on POSIX systems only")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = shutil.which("initdb") or (str(found[-1]) if found else "")
    if not initdb:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    programs = Path(initdb).resolve().parent
    folder = Path(tempfile.mkdtemp(prefix="alkfish-pg-"))  # short: sockets allow few letters
    user = {}
    if os.geteuid() == 0:  # the server refuses to run as root
        entry = next(e for e in pwd.getpwall() if e.pw_name in ("postgres", "nobody"))
        os.chown(folder, entry.pw_uid, entry.pw_gid)
        user = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}

    def run(program, *arguments):
        with (folder / "output").open("ab") as out:  # pg_ctl leaves a pipe open to the server
            subprocess.run(
                [str(programs / program), "-D", str(folder / "data"), *arguments],
                check=True, stdout=out, stderr=out, cwd=folder, timeout=120, **user,
            )  # fmt: skip

    try:
        run("initdb", "-U", "alkfish", "-A", "trust", "-E", "UTF8", "--no-sync")
        run("pg_ctl", "-w", "-o", f"-F -k {folder} -c listen_addresses=", "start")
        try:
            yield f"postgresql://alkfish@/{{name}}?host={folder}"
        finally:
            run("pg_ctl", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


_NUMBER = iter(range(1_000_000))


@pytest.fixture
def postgres_url(server):
    """URL of an empty database."""
    psycopg = pytest.importorskip("psycopg")
    name = f"reviews_{next(_NUMBER)}"
    with psycopg.connect(server.format(name="postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server.format(name=name)


@pytest.fixture(params=["sqlite", "postgres"])
def place(request, tmp_path):
    """Where a new store goes: a folder, then a database of the server."""
    return tmp_path if request.param == "sqlite" else request.getfixturevalue("postgres_url")


@pytest.fixture
def store(place):
    with open_store(place) as opened:
        yield opened


@pytest.fixture
def local(tmp_path):
    """An embedded store."""
    with open_store(tmp_path) as opened:
        yield opened


@pytest.fixture
def read_all():
    """Return ``read_all(review, positive)``: decide all pending nuclei, some of them positive."""

    def decide(review: CaseReview, positive: int) -> None:
        for number, nucleus in enumerate(review.pending()):
            review.set_pattern(nucleus, Pattern.SPLIT if number < positive else Pattern.FUSED)

    return decide
