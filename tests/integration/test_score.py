"""``alkfish score``: results, exit codes, and that one bad case never stops the others."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tifffile

import alkfish as api
from alkfish.cli import ExitCode
from alkfish.model.signals import Pattern

SCORED_KEYS = {
    "case_id",
    "path",
    "status",
    "bundle",
    "call",
    "rate",
    "n_positive",
    "n_enumerated",
    "n_nuclei",
    "n_fields",
    "counts",
    "interval",
    "p_positive",
    "reasons",
    "cautions",
    "excluded",
    "config_fingerprint",
    "why",
    "report",
    "problems",
}
BESIDE = {"pictures.json", "batch.log", ".batch.lock"}
"""What lies beside the bundles: where the pictures are, what happened, and an empty file."""

BUNDLE = {"result.json", "nuclei.parquet", "spots.parquet", "labels.zarr", "batch.json"}


def checksums(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def test_score_writes_a_bundle_and_shows_the_call(alkfish, case, tmp_path):
    done = alkfish("score", case, "-o", tmp_path / "new" / "out")
    bundle = tmp_path / "new" / "out" / "small"
    assert {item.name for item in bundle.iterdir()} == BUNDLE
    told = json.loads((bundle / "result.json").read_text("utf-8"))
    assert told["call"] in done.stdout
    assert "Research use only" in done.stdout
    assert str(bundle) in done.stdout.replace("\n", "")
    assert {item.name for item in (tmp_path / "new" / "out").iterdir()} == {"small", *BESIDE}


def test_json_is_the_only_thing_on_standard_output(alkfish, case, tmp_path):
    document = alkfish.json("score", case, "-o", tmp_path)
    assert document["alkfish"] == api.__version__
    assert "Research use only" in document["notice"]
    (scored,) = document["cases"]
    assert set(scored) == SCORED_KEYS
    assert scored["status"] == "scored"
    assert scored["n_fields"] == 2
    assert set(scored["counts"]) == {pattern.value for pattern in Pattern}
    assert sum(scored["counts"].values()) == scored["n_enumerated"] <= scored["n_nuclei"]
    low, high = scored["interval"]
    assert 0 <= low <= scored["rate"] <= high <= 1


def test_a_picture_is_a_case_of_one_field(alkfish, case, tmp_path):
    document = alkfish.json("score", case / "field_01.ome.tif", "-o", tmp_path)
    assert document["cases"][0]["case_id"] == "field_01"
    assert document["cases"][0]["n_fields"] == 1


def test_same_input_gives_the_same_bytes(alkfish, case, scored, tmp_path):
    alkfish("score", case, "-o", tmp_path)
    first, second = checksums(scored / "small"), checksums(tmp_path / "small")
    told = [json.loads((out / "small/result.json").read_text()) for out in (scored, tmp_path)]
    times = [item.pop("created") for item in told]
    assert all(times)
    assert told[0] == told[1]
    for parts in (first, second):  # both hold the time, or the checksum of what holds it
        del parts["result.json"], parts["batch.json"]
    assert first == second


def test_command_line_and_python_agree(scored, case):
    by_api = api.score_case(api.open_case(case))
    by_cli = api.open_bundle(scored / "small")
    assert by_cli.call == by_api.call
    assert by_cli.nuclei.pattern.tolist() == by_api.nuclei.pattern.tolist()
    assert by_cli.provenance.config_fingerprint == api.Config().fingerprint()


def test_settings_travel_into_the_result(alkfish, case, tmp_path):
    settings = tmp_path / "settings.toml"
    settings.write_text("[scorable]\nmax_signals = 9\n", "utf-8")
    arguments = ("--config", settings, "--set", "scorable.min_solidity=0.8")
    alkfish("score", case / "field_01.ome.tif", "-o", tmp_path, *arguments)
    config = api.open_bundle(tmp_path / "field_01").provenance.config
    assert config["scorable"]["max_signals"] == 9
    assert config["scorable"]["min_solidity"] == 0.8


def test_what_is_done_and_intact_is_kept_and_what_changed_is_redone(alkfish, case, tmp_path):
    picture = case / "field_01.ome.tif"
    alkfish("score", picture, "-o", tmp_path)
    before = checksums(tmp_path / "field_01")
    again = alkfish("score", picture, "-o", tmp_path)
    assert "done before and intact" in again.stdout
    assert checksums(tmp_path / "field_01") == before
    document = alkfish.json("score", picture, "-o", tmp_path)
    assert document["cases"][0]["status"] == "kept"
    changed = ("score", picture, "-o", tmp_path, "--set", "detect.min_snr=6")
    document = alkfish.json(*changed)
    assert document["cases"][0]["status"] == "scored"
    assert document["cases"][0]["why"] == ["the settings changed"]
    document = alkfish.json(*changed, "--overwrite")
    assert document["cases"][0]["why"] == ["--overwrite was given"]


def test_a_result_that_was_made_elsewhere_is_not_replaced(alkfish, case, scored, tmp_path):
    api.write_bundle(api.open_bundle(scored / "small"), tmp_path)
    before = checksums(tmp_path / "small")
    done = alkfish("score", case, "-o", tmp_path, code=1)
    assert "--overwrite" in done.stderr
    assert checksums(tmp_path / "small") == before
    alkfish("score", case, "-o", tmp_path, "--overwrite")


def test_several_runs_may_share_a_folder_but_not_with_a_batch(alkfish, case, tmp_path):
    from alkfish.batch.lock import locked

    picture = case / "field_01.ome.tif"
    with locked(tmp_path, shared=True):
        alkfish("score", picture, "-o", tmp_path)
        done = alkfish("score", "--manifest", case, "-o", tmp_path, "--no-report", code=2)
    assert "another batch is working" in done.stderr
    with locked(tmp_path):
        alkfish("score", picture, "-o", tmp_path, code=2)
    assert not list(tmp_path.glob(".batch-work*"))


def test_a_copy_of_a_picture_under_another_name_has_its_own_exit_code(alkfish, case, tmp_path):
    picture = case / "field_01.ome.tif"
    twin = tmp_path / "twin.ome.tif"
    shutil.copy(picture, twin)
    out = tmp_path / "out"
    document = alkfish.json("score", picture, twin, "-o", out, code=ExitCode.SAME_PICTURE)
    for told, other in zip(document["cases"], ("twin", "field_01"), strict=True):
        assert told["status"] == "scored"
        assert told["cautions"][0]["code"] == "same_picture"
        assert f"case {other}: sample mix-up?" in told["cautions"][0]["text"]
    assert "2 SHARE A PICTURE" in alkfish(
        "score", picture, twin, "-o", out, code=ExitCode.SAME_PICTURE
    ).stderr  # fmt: skip


def test_reports_are_written_for_paths_too_if_wanted(alkfish, case, tmp_path):
    pytest.importorskip("jinja2")
    done = alkfish("score", case, "-o", tmp_path, "--lab-name", "Lab <Nord>")
    assert "report.html" in done.stdout.replace("\n", "")
    assert "Lab &lt;Nord&gt;" in (tmp_path / "small" / "report.html").read_text("utf-8")


def test_one_bad_case_does_not_stop_the_others(alkfish, case, tmp_path):
    bad = tmp_path / "bad.tif"
    bad.write_bytes((case / "field_01.ome.tif").read_bytes()[:5000])
    out = tmp_path / "out"
    document = alkfish.json("score", bad, case / "field_02.ome.tif", "-o", out, code=1)
    assert [item["status"] for item in document["cases"]] == ["failed", "scored"]
    assert "bad.tif" in document["cases"][0]["error"]["where"]
    assert {item.name for item in out.iterdir()} == {"field_02", *BESIDE}


def test_failed_cases_are_shown_to_people_too(alkfish, case, tmp_path):
    bad = tmp_path / "bad.tif"
    bad.write_text("not a picture")
    done = alkfish("score", bad, "-o", tmp_path / "out", code=1)
    assert "bad.tif" in done.stderr
    assert "what to do" in done.stderr
    assert "FAILED" in done.stdout


def test_debug_prints_the_traceback(case, tmp_path):
    from typer.testing import CliRunner

    from alkfish.cli import app

    bad = tmp_path / "bad.tif"
    bad.write_text("not a picture")
    arguments = ["score", str(bad), "-o", str(tmp_path / "out"), "--debug"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 1
    assert "Traceback" in done.stderr


def test_unexpected_error_of_one_case_is_reported(alkfish, case, tmp_path, monkeypatch):
    def explode(*_args, **_kwargs):
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr("alkfish.batch.work.score_case", explode)
    document = alkfish.json("score", case, "-o", tmp_path / "out", code=1)
    assert document["cases"][0]["error"] == {"type": "ZeroDivisionError", "problem": "a defect"}


def test_interruption_keeps_finished_cases_and_writes_nothing_half(
    alkfish, case, tmp_path, monkeypatch
):
    from alkfish.batch import work

    real = work.score_case

    def stop_at_second(case, **options):
        if case.case_id == "field_02":
            raise KeyboardInterrupt
        return real(case, **options)

    monkeypatch.setattr(work, "score_case", stop_at_second)
    paths = [case / "field_01.ome.tif", case / "field_02.ome.tif"]
    done = alkfish("score", *paths, "-o", tmp_path, code=130)
    assert "stopped" in done.stderr
    assert {item.name for item in tmp_path.iterdir()} == {"field_01", *BESIDE}


def test_paths_with_the_same_case_id_are_refused(alkfish, case, tmp_path):
    twin = tmp_path / "other" / "small"
    shutil.copytree(case, twin)
    done = alkfish("score", case, twin, "-o", tmp_path / "out", code=2)
    assert "same case id" in done.stderr
    assert not (tmp_path / "out").exists()


def test_colours_are_swapped_by_the_profile_alone(alkfish, tmp_path):
    """A kit with a green 3' end: same nuclei, ends exchanged by the profile."""
    shown = alkfish("probe", "show", "generic-break-apart").stdout
    text = shown.replace("confirmed = false", "confirmed = true")
    text = text.replace('three_prime = "red"', 'three_prime = "green"')
    text = text.replace('five_prime = "green"', 'five_prime = "red"')
    swapped = tmp_path / "swapped.toml"
    swapped.write_text(text, "utf-8")
    level = ("--level", "easy", "--seed", 5, "--fields", 1, "--size", 512)
    alkfish("simulate", tmp_path, *level, "--probe", swapped, "--name", "kit")
    alkfish("score", tmp_path / "kit", "-o", tmp_path / "right", "--probe", swapped)
    alkfish("score", tmp_path / "kit", "-o", tmp_path / "wrong")
    right, wrong = (api.open_bundle(tmp_path / out / "kit") for out in ("right", "wrong"))
    assert right.spots.end.tolist().count("3p") == wrong.spots.end.tolist().count("5p")
    ends = {out: _ends(result) for out, result in (("right", right), ("wrong", wrong))}
    assert ends["right"] == {(y, x, other(end)) for y, x, end in ends["wrong"]}


def _ends(result):
    spots = result.spots
    return {(y, x, end) for y, x, end in zip(spots.y_px, spots.x_px, spots.end, strict=True)}


def other(end):
    return {"3p": "5p", "5p": "3p"}[end]


def test_a_real_process_scores_and_keeps_its_streams_apart(case, tmp_path):
    picture = case / "field_01.ome.tif"
    command = [sys.executable, "-m", "alkfish", "score", str(picture), "-o", str(tmp_path)]
    done = subprocess.run(
        [*command, "--json"], capture_output=True, text=True, timeout=120, check=True
    )
    assert json.loads(done.stdout)["cases"][0]["status"] == "scored"
    again = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "done before and intact" in again.stdout
    assert "field_01: done before" in again.stderr


def test_output_survives_a_console_without_unicode(case, tmp_path):
    import os

    command = [sys.executable, "-m", "alkfish", "score", str(case), "-o", str(tmp_path)]
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}
    done = subprocess.run(command, capture_output=True, timeout=120, check=True, env=environment)
    assert "Research use only" in done.stdout.decode("cp1252")


@pytest.mark.skipif(
    not (Path(__file__).parents[3] / "shared/data/fish").is_dir(), reason="no real pictures here"
)
def test_real_picture_of_an_amplification_is_not_called_a_break_apart(alkfish, tmp_path):
    picture = Path(__file__).parents[3] / "shared/data/fish/mycn_neuroblastoma_rgb.tif"
    document = alkfish.json("score", picture, "-o", tmp_path, "--pixel-size-um", 0.1)
    (scored,) = document["cases"]
    assert scored["call"] != "POSITIVE"
    assert scored["n_nuclei"] > 10
    assert sum(scored["excluded"].values()) > 0


def test_another_scene_of_the_same_file_is_scored_again(alkfish, case, tmp_path):
    channels = {"Name": ["DAPI", "SpectrumOrange", "SpectrumGreen"]}
    size = {f"PhysicalSize{axis}": 0.1 for axis in "XY"}
    with tifffile.TiffWriter(tmp_path / "two.ome.tif", ome=True) as writer:
        for name in ("field_01", "field_02"):
            names = {"axes": "CYX", "Name": name, "Channel": channels, **size}
            pixels = tifffile.imread(case / f"{name}.ome.tif")
            writer.write(pixels, photometric="minisblack", metadata=names)
    told = {}
    for scene in ("0", "1", "field_02"):
        told[scene] = alkfish.json(
            "score", tmp_path / "two.ome.tif", "-o", tmp_path / "out", "--scene", scene
        )["cases"][0]
    assert [item["status"] for item in told.values()] == ["scored", "scored", "kept"]
    assert told["1"]["why"] == ["how the pictures are read changed"]
    (note,) = api.open_bundle(tmp_path / "out" / "two").notes["two"]
    assert note.startswith("scene 1 'field_02' of a file with 2 scenes")


def test_where_the_pictures_lie_is_noted_also_of_a_result_that_is_kept(
    alkfish, case, scored, tmp_path
):
    from alkfish.io.locations import recall_pictures

    shutil.copytree(scored, tmp_path / "out")
    shutil.copytree(case, tmp_path / "small")
    (kept,) = alkfish.json("score", tmp_path / "small", "-o", tmp_path / "out")["cases"]
    assert kept["status"] == "kept"
    assert recall_pictures(tmp_path / "out", "small").images == (tmp_path / "small",)
    (tmp_path / "out" / "pictures.json").unlink()
    alkfish("score", tmp_path / "small", "-o", tmp_path / "out")
    assert recall_pictures(tmp_path / "out", "small").images == (tmp_path / "small",)


def read(out):
    """Let a person read the case ``small``."""
    from alkfish.review import CaseReview, ReadMode, open_store

    with open_store(out) as store:
        review = CaseReview(store, api.open_bundle(out / "small"), reader="A. Reader")
        review.start_read(ReadMode.FULL)
        review.finish_read()


OTHER = ("--set", "detect.min_snr=6")


def test_a_read_result_that_python_wrote_is_kept_for_the_same_settings_only(
    alkfish, case, scored, tmp_path
):
    api.write_bundle(api.open_bundle(scored / "small"), tmp_path)
    read(tmp_path)
    (kept,) = alkfish.json("score", case, "-o", tmp_path)["cases"]
    assert (kept["status"], kept["why"]) == ("kept", ["kept as people have read it"])
    for option, reason in (
        (OTHER, "the settings changed"),
        (("--pixel-size-um", "0.11"), "how the pictures are read changed"),
    ):
        document = alkfish.json("score", case, "-o", tmp_path, *option, code=ExitCode.CASE_FAILED)
        (failed,) = document["cases"]
        assert "people have read" in failed["error"]["problem"]
        assert reason in failed["error"]["found"]
        assert failed["has_older_result"]


def test_a_result_that_a_reader_scored_again_is_kept_and_told_but_not_for_other_pictures(
    alkfish, case, scored, tmp_path
):
    from alkfish.review import CaseReview, open_store, replace_result

    shutil.copytree(case, tmp_path / "small")
    out = tmp_path / "out"
    shutil.copytree(scored, out)
    read(out)
    config = api.Config().with_settings([OTHER[1]])
    with open_store(out) as store:
        review = CaseReview(store, api.open_bundle(out / "small"), reader="A. Reader")
        rescored = api.score_case(api.open_case(case), config=config)
        replace_result(review, rescored, out, why="dim probe lot")
    done = alkfish("score", tmp_path / "small", "-o", out)
    words = "kept as a reader scored it again, though the settings changed"
    assert words in done.stdout.replace("\n", " ")
    assert words in (out / "batch.log").read_text("utf-8")
    shutil.copy(case / "field_01.ome.tif", tmp_path / "small" / "field_02.ome.tif")
    alkfish("score", tmp_path / "small", "-o", out, code=ExitCode.CASE_FAILED)
    alkfish("score", tmp_path / "small", "-o", out, *OTHER, code=ExitCode.CASE_FAILED)


def test_that_an_older_result_still_lies_there_is_told(alkfish, case, scored, tmp_path):
    shutil.copytree(scored, tmp_path, dirs_exist_ok=True)
    done = alkfish("score", case, "-o", tmp_path, "--scene", "none", code=ExitCode.CASE_FAILED)
    assert "an older result of the case" in done.stdout
