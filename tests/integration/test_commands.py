"""The other commands: info, config, probe, simulate, evaluate, export, demo, help."""

import csv
import json
import signal
import subprocess
import sys
import tomllib

import pytest

import alkfish as api
from alkfish.cli import ExitCode
from alkfish.config import Config, list_settings

COMMANDS = [
    (),
    ("score",),
    ("info",),
    ("config",),
    ("config", "show"),
    ("config", "check"),
    ("probe",),
    ("probe", "list"),
    ("probe", "show"),
    ("simulate",),
    ("evaluate",),
    ("export",),
    ("audit",),
    ("demo",),
    ("watch",),
]


def test_exit_codes_are_frozen():
    codes = {code.name: code.value for code in ExitCode}
    assert codes == {
        "OK": 0,
        "CASE_FAILED": 1,
        "USAGE": 2,
        "CONTROL_FAILED": 3,
        "SAME_PICTURE": 4,
        "INTERRUPTED": 130,
    }


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(alkfish, command):
    assert "Usage" in alkfish(*command, "--help").stdout


def test_version(alkfish):
    assert alkfish("--version").stdout.strip() == f"alkfish {api.__version__}"


def test_info_says_what_would_be_read(alkfish, case):
    shown = alkfish("info", case).stdout
    assert "ready to score: 2 fields" in shown
    assert "SpectrumOrange: red 3p" in shown
    assert "0.1 um" in shown


def test_info_says_what_is_missing(alkfish, tmp_path):
    import numpy as np
    import tifffile

    path = tmp_path / "plain.tif"
    tifffile.imwrite(path, np.zeros((3, 32, 32), np.uint16), photometric="minisblack")
    done = alkfish("info", path, code=1)
    assert "--channels" in done.stdout
    document = alkfish.json("info", path, code=1)
    assert document["paths"][0]["ready"] is False
    assert document["paths"][0]["problems"]
    alkfish("info", path, "--channels", "dapi=0,red=1,green=2", "--pixel-size-um", "0.1")


def test_info_of_nothing_is_an_input_error(alkfish, tmp_path):
    assert "none.tif" in alkfish("info", tmp_path / "none.tif", code=2).stderr


def test_config_show_is_a_complete_settings_file(alkfish):
    data = tomllib.loads(alkfish("config", "show").stdout)
    assert Config.from_mapping(data) == Config()
    shown = {f"{stage}.{name}" for stage, group in data.items() for name in group}
    assert shown == {f"{info.stage}.{info.name}" for info in list_settings()}


def test_config_show_applies_settings(alkfish):
    shown = alkfish("config", "show", "--set", "scorable.max_signals=9").stdout
    assert tomllib.loads(shown)["scorable"]["max_signals"] == 9


def test_config_check(alkfish, tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text(alkfish("config", "show").stdout, "utf-8")
    assert Config().fingerprint() in alkfish("config", "check", path).stdout
    path.write_text("[detect]\nnonsense = 1\n", "utf-8")
    done = alkfish("config", "check", path, code=2)
    assert "unknown setting 'detect.nonsense'" in done.stderr
    assert "settings.toml" in done.stderr


def test_probe_list_and_show(alkfish):
    listed = alkfish("probe", "list").stdout
    assert "vysis-alk" in listed
    assert "generic-break-apart" in listed
    shown = tomllib.loads(alkfish("probe", "show", "vysis-alk").stdout)
    assert shown["name"] == "vysis-alk"
    assert "no such probe" in alkfish("probe", "show", "nobody", code=2).stderr


def test_simulate_is_reproducible_and_never_overwrites(alkfish, tmp_path):
    arguments = ("--seed", 3, "--fields", 1, "--size", 128)
    first = alkfish.json("simulate", tmp_path / "a", *arguments)
    second = alkfish.json("simulate", tmp_path / "b", *arguments)
    assert first["truth"] == second["truth"]
    pictures = [tmp_path / part / "typical_003/field_01.ome.tif" for part in "ab"]
    assert pictures[0].read_bytes() == pictures[1].read_bytes()
    alkfish("simulate", tmp_path / "a", *arguments, code=2)


def test_simulate_refuses_an_unknown_level_and_lists_them(alkfish, tmp_path):
    done = alkfish("simulate", tmp_path, "--level", "impossible", code=2)
    assert "typical" in done.stderr


def test_evaluate_prints_the_agreed_figures(alkfish, scored, simulated):
    shown = alkfish("evaluate", scored, simulated / "truth").stdout
    for words in ("nuclei, IoU 0.5", "precision", "recall", "sensitivity", "specificity", "SPLIT"):
        assert words in shown
    document = alkfish.json("evaluate", scored / "small", simulated / "truth" / "small")
    assert document["n_cases"] == 1
    assert document["nuclei"]["f1"] > 0.8
    assert document["spots"]["both"]["precision"] > 0.8


def test_evaluate_needs_a_truth(alkfish, scored, tmp_path):
    assert "truth" in alkfish("evaluate", scored, tmp_path, code=2).stderr


def test_export_writes_every_row(alkfish, scored, tmp_path):
    alkfish("export", scored / "small", "--csv", "-o", tmp_path)
    result = api.open_bundle(scored / "small")
    for kind, table in (("nuclei", result.nuclei), ("spots", result.spots)):
        with (tmp_path / f"small_{kind}.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == len(table)
        assert list(rows[0]) == [info.name for info in table.columns()]


def test_export_needs_a_format_and_a_bundle(alkfish, scored, tmp_path):
    assert "--csv" in alkfish("export", scored / "small", code=2).stderr
    alkfish("export", tmp_path, "--csv", code=2)


def test_demo_scores_shows_and_says_that_it_is_simulated(alkfish, tmp_path):
    done = alkfish("demo", "-o", tmp_path)
    told = json.loads((tmp_path / "simulated_demo" / "result.json").read_text("utf-8"))
    assert told["call"] == "POSITIVE"
    assert "POSITIVE" in done.stdout
    assert "simulated" in done.stdout
    assert str(tmp_path / "simulated_demo") in done.stdout.replace("\n", "")
    alkfish("demo", "-o", tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to a child process")
def test_a_real_interruption_ends_with_130_and_leaves_no_result(tmp_path):
    command = [sys.executable, "-m", "alkfish", "demo", "-o", str(tmp_path)]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as run:
        assert "simulating" in run.stderr.readline()
        run.send_signal(signal.SIGINT)
        _, told = run.communicate(timeout=60)
    assert run.returncode == ExitCode.INTERRUPTED
    assert "stopped" in told
    assert not list(tmp_path.rglob("result.json"))
