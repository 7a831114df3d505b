"""Validation and cut-off through the command line, and their pages in a real browser."""

import csv
import json
import re
import shutil
from pathlib import Path

import pytest

pytest.importorskip("jinja2")

HOSTILE_READER = """<img src=x onerror="document.title='run'">"""


@pytest.fixture(scope="module")
def cohort(tmp_path_factory, alkfish):
    """Results of five cases of one small field each, scored with few nuclei asked for."""
    folder = tmp_path_factory.mktemp("cohort")
    probe = alkfish("probe", "show", "vysis-alk").stdout
    kit = folder / "kit.toml"
    kit.write_text(probe.replace("min_nuclei = 50", "min_nuclei = 5"), "utf-8")
    for number, fraction in enumerate((0, 0, 0.3, 0.7, 0.9)):
        alkfish("simulate", folder / "in", "--seed", 70 + number, "--fields", 1, "--size", 512,
                "--pixel-size-um", 0.2, "--level", "easy", "--positive-fraction", fraction,
                "--name", f"case_{number}")  # fmt: skip
    cases = sorted((folder / "in").glob("case_*"))
    alkfish("score", *cases, "-o", folder / "results", "--probe", kit)
    alkfish("report", folder / "results" / "case_4", "--images", folder / "in" / "case_4")
    return folder


@pytest.fixture(scope="module")
def manual(cohort):
    """Reads that agree but for the last case, by two readers; the last nucleus is judged, too."""
    rows = []
    for number in range(5):
        result = json.loads((cohort / "results" / f"case_{number}" / "result.json").read_text())
        call = "NEGATIVE" if number == 4 else result["call"]
        rate = f"{100 * result['rate'] + number:.1f}".replace(".", ",")
        rows.append((f"case_{number}", call, rate, HOSTILE_READER))
    file = cohort / "manual.csv"
    text = "Case ID;Call;Rate percent;Reader\r\n" + "".join(";".join(row) + "\r\n" for row in rows)
    file.write_bytes(b"\xef\xbb\xbf" + text.encode())
    return file


@pytest.fixture(scope="module")
def nuclei(cohort):
    """A sheet with the first positive nuclei that the report of the last case shows."""
    page = (cohort / "results" / "case_4" / "report.html").read_text("utf-8")
    shown = re.findall(r'id="nucleus-(field_01)-(\d+)" class="card (?:split|iso3)', page)[:3]
    assert len(shown) == 3
    file = cohort / "nuclei.csv"
    rows = "".join(f"case_4,{fov},{number},FUSED,R1\n" for fov, number in shown)
    file.write_text("case_id,fov,nucleus_id,pattern,reader\n" + rows, "utf-8")
    return file


@pytest.fixture(scope="module")
def page_file(cohort, manual, nuclei, alkfish):
    file = cohort / "pages" / "validation.html"
    arguments = ("-o", file, "--lab-name", "City <b>Lab</b>")
    done = alkfish("validate", cohort / "results", manual, nuclei, *arguments)
    assert "case_4" in done.stdout
    return file


@pytest.fixture
def page(open_quietly, page_file):
    """The validation in a browser; it must ask for nothing and complain of nothing."""
    opened, requests = open_quietly(page_file, width=1200)
    yield opened
    assert [url for url in requests if not url.startswith("file:")] == []


def test_the_page_shows_the_disagreement_and_runs_nothing(page):
    assert page.title().startswith("Validation against manual reads")
    assert page.locator(".lab").inner_text() == "City <b>Lab</b>"
    assert HOSTILE_READER in page.locator("main").inner_text()
    (case,) = page.locator(".difference").all()
    assert case.locator("h3").inner_text() == "case_4"
    assert case.locator(".kind").inner_text() == "OPPOSITE CALLS"
    assert case.bounding_box()["y"] < 900


def test_a_nucleus_link_leads_into_the_report(page):
    link = page.locator(".nuclei-list a").first
    target = link.get_attribute("href")
    link.click()
    page.wait_for_load_state()
    assert page.title().startswith("ALK break-apart FISH report")
    card = page.locator(f'[id="{target.split("#")[1]}"]')
    assert re.search("split|iso3", card.get_attribute("class"))
    assert card.evaluate("c => c.matches(':target')")


def test_a_mark_of_a_plot_leads_to_its_case(page):
    marks = page.locator(".scatter a")
    assert marks.count() == 10
    assert all(mark.get_attribute("aria-label").startswith("case_") for mark in marks.all())
    marks.last.click()
    assert "#case-" in page.url
    assert page.locator(":target").count() == 1


def test_dark_screens_small_screens_and_paper(page):
    page.emulate_media(color_scheme="dark")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert max(int(n) for n in re.findall(r"\d+", ground)[:3]) < 60
    ink = page.locator(".scatter text.ink").first.evaluate("t => getComputedStyle(t).fill")
    assert min(int(n) for n in re.findall(r"\d+", ink)[:3]) > 150
    page.set_viewport_size({"width": 400, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_validate_as_json_and_its_files(cohort, manual, alkfish, tmp_path):
    arguments = ("validate", cohort / "results", manual, "-o", tmp_path / "v.html")
    document = alkfish.json(*arguments)
    assert [Path(name).name for name in document["files"]] == [
        "v.html", "v.json", "v_cases.csv", "v_nuclei.csv",
    ]  # fmt: skip
    assert document["calls"]["n_opposite"] == 1
    assert document["rates_percent"]["bias"]["value"] == pytest.approx(-2.0, abs=0.06)
    rows = list(csv.DictReader((tmp_path / "v_cases.csv").read_text("utf-8").splitlines()))
    assert rows[0]["case_id"] == "case_4"
    assert "there is a file already" in alkfish(*arguments, code=2).stderr
    alkfish(*arguments, "--overwrite")


def test_one_bundle_and_the_default_place(cohort, manual, alkfish, tmp_path):
    bundle = Path(shutil.copytree(cohort / "results" / "case_0", tmp_path / "case_0"))
    document = alkfish.json("validate", bundle, manual)
    assert Path(document["files"][0]) == bundle / "validation.html"
    assert {item["reason"] for item in document["left_out"]} == {"no result"}


def test_wrong_input_is_told_before_anything_is_written(cohort, manual, alkfish, tmp_path):
    out = tmp_path / "v.html"
    assert "no manual reads" in alkfish("validate", cohort / "results", "-o", out, code=2).stderr
    bad = tmp_path / "bad.csv"
    bad.write_text("case_id,call,rate\ncase_0,perhaps,7\n", "utf-8")
    told = alkfish("validate", cohort / "results", bad, "-o", out, code=2).stderr
    assert "row 2, column call" in told
    assert "row 2, column rate" in told
    arguments = ("--reader", "nobody", "-o", out)
    told = alkfish("validate", cohort / "results", manual, *arguments, code=2).stderr
    assert "no rows of this reader" in told
    assert "--reviewed" in alkfish("validate", "--help").stdout
    told = alkfish("validate", cohort / "results", "--reviewed", "-o", out, code=2).stderr
    assert "review" in told
    assert list(tmp_path.iterdir()) == [bad]


def test_signed_reviews_as_manual_reads(cohort, alkfish, tmp_path):
    from alkfish import Pattern, open_bundle
    from alkfish.review import CaseReview, ReadMode, open_store

    results = Path(shutil.copytree(cohort / "results", tmp_path / "results"))
    with open_store(results) as store:
        for name in ("case_0", "case_4"):
            review = CaseReview(store, open_bundle(results / name), reader="A. Reader")
            review.start_read(ReadMode.FULL)
            if name == "case_4":
                review.set_pattern(review.queue()[0], Pattern.FUSED, why="looks fused")
            review.finish_read()
            if name == "case_4":
                review.sign()
    document = alkfish.json("validate", results, "--reviewed")
    assert document["calls"]["n_cases"] == 1
    assert document["cases"][0]["readers"] == ["signed review"]
    assert document["n_nuclei_judged"] == 1
    assert "saw the machine's proposals" in document["remarks"][0]


def test_cutoff_writes_a_profile_only_when_asked(cohort, alkfish, tmp_path):
    normals = (cohort / "results" / "case_0", cohort / "results" / "case_1")
    document = alkfish.json("cutoff", *normals, "-o", tmp_path / "c.html")
    assert document["profile_written"] == ""
    assert sorted(item.name for item in tmp_path.iterdir()) == [
        "c.html", "c.json", "c_specimens.csv",
    ]  # fmt: skip
    profile = tmp_path / "kit-lab.toml"
    told = alkfish("cutoff", *normals, "--into", profile, "-o", tmp_path / "d.html", code=2).stderr
    assert "--method" in told
    assert not profile.exists()
    arguments = ("--into", profile, "--method", "beta-inverse", "-o", tmp_path / "d.html")
    done = alkfish("cutoff", *normals, *arguments)
    assert "probe profile written: kit-lab, version 2" in done.stdout
    before = profile.read_bytes()
    told = alkfish("cutoff", *normals, *arguments[:-1], tmp_path / "e.html", code=2).stderr
    assert "there is a probe profile already" in told
    assert profile.read_bytes() == before
    assert not (tmp_path / "e.html").exists()
    alkfish("cutoff", *normals, *arguments, "--overwrite")
    assert "version = 3" in profile.read_text("utf-8")


def test_the_written_profile_scores(cohort, alkfish, tmp_path):
    normals = (cohort / "results" / "case_0", cohort / "results" / "case_1")
    profile = tmp_path / "kit-lab.toml"
    told = alkfish(
        "cutoff", *normals, "--into", profile, "--method", "mean-3sd", "-o", tmp_path / "c.html"
    ).stdout
    assert "It is not confirmed (2 of at least 5 specimens" in " ".join(told.split())
    score = ("score", cohort / "in" / "case_4", "-o", tmp_path / "out", "--probe", profile)
    assert "is not confirmed" in alkfish(*score, code=2).stderr
    text = profile.read_text("utf-8")
    profile.write_text(text.replace("confirmed = false", "confirmed = true"), "utf-8")
    alkfish(*score)
    probe = json.loads((tmp_path / "out" / "case_4" / "result.json").read_text())["probe"]
    result = json.loads((tmp_path / "out" / "case_4" / "result.json").read_text())
    assert result["cautions"][0]["code"] == "own_cutoff"
    assert (probe["name"], probe["version"]) == ("kit-lab", 2)
    assert probe["background"]["n_specimens"] == 2
    shown = alkfish("probe", "show", profile).stdout
    assert "[background]" in shown


def test_the_cutoff_page_in_a_browser(cohort, alkfish, browser, tmp_path):
    normals = [cohort / "results" / f"case_{number}" for number in (0, 1, 2)]
    done = alkfish("cutoff", *normals, "-o", tmp_path / "c.html")
    assert "warning: 3 normal specimens are fewer" in done.stdout
    page = browser.new_page(viewport={"width": 420, "height": 800})
    complaints = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto((tmp_path / "c.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 420
    assert "3 normal specimens" in page.locator(".verdict").inner_text()
    assert page.locator(".scatter .glyph").count() == 3
    assert complaints == []
    page.close()


def test_the_validation_as_pdf(cohort, manual, alkfish, tmp_path):
    pypdf = pytest.importorskip("pypdf")
    pytest.importorskip("weasyprint", exc_type=(ImportError, OSError))
    alkfish("validate", cohort / "results", manual, "-o", tmp_path / "v.html", "--pdf")
    texts = " ".join(s.extract_text() for s in pypdf.PdfReader(tmp_path / "v.pdf").pages)
    for part in ("OPPOSITE", "Bland-Altman", "Wilson", "Research use only", "case_3"):
        assert part in re.sub(r"\s+", " ", texts), part
