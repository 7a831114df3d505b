"""The report as people meet it: the command, a real browser, a PDF reader."""

import json
import re
import shutil
from pathlib import Path

import pytest

pytest.importorskip("jinja2")

DETAILS = """
[patient]
name = '{hostile}'
id = "4711-0815"
[assay]
probe_lot = "498512"
"""


@pytest.fixture(scope="module")
def details(tmp_path_factory, hostile):
    file = tmp_path_factory.mktemp("details") / "details.toml"
    file.write_text(DETAILS.format(hostile=hostile))
    return file


@pytest.fixture(scope="module")
def report(tmp_path_factory, alkfish, scored, case, details):
    file = tmp_path_factory.mktemp("report") / "report.html"
    arguments = (
        "--images",
        case,
        "--details",
        details,
        "--lab-name",
        "City <b>Lab</b>",
        "-o",
        file,
    )
    done = alkfish("report", scored / "small", *arguments)
    assert done.stdout.strip() == str(file)
    return file


@pytest.fixture
def page(open_quietly, report):
    """The report in a browser; it must ask for nothing and complain of nothing."""
    opened, requests = open_quietly(report, width=1280)
    yield opened
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    assert len([url for url in requests if url.startswith("file:")]) == 1


def shown(page):
    return page.locator(".card:not([hidden])")


def certainties(page):
    return [float(card.get_attribute("data-certainty")) for card in shown(page).all()]


def test_the_verdict_comes_first_and_hostile_names_do_not_run(page, hostile):
    assert page.title().startswith("ALK break-apart FISH report")
    assert page.locator("#state").inner_text().upper() == "MACHINE PROPOSAL, NOT REVIEWED"
    verdict = page.locator("#call")
    assert verdict.inner_text() in {"POSITIVE", "NEGATIVE", "NOT EVALUABLE"}
    assert verdict.bounding_box()["y"] < 400
    assert hostile in page.locator("main").inner_text()
    assert page.locator(".lab").inner_text() == "City <b>Lab</b>"


def test_pictures_load_and_have_words(page):
    widths = page.eval_on_selector_all("img", "all => all.map(i => [i.naturalWidth, i.alt])")
    assert len(widths) > 8
    assert all(width > 20 and alt for width, alt in widths)


def test_filter_by_button_key_and_field(page):
    everything = shown(page).count()
    keys = set(page.eval_on_selector_all(".card", "all => all.map(c => c.dataset.key)"))
    page.locator("[data-filter=split]").click()
    assert {c.get_attribute("data-key") for c in shown(page).all()} <= {"split"}
    assert 0 < shown(page).count() < everything
    assert page.locator("[data-filter=split]").get_attribute("aria-pressed") == "true"
    page.keyboard.press("0")
    assert shown(page).count() == everything
    page.keyboard.press("5")
    assert shown(page).count() == (0 if "out" not in keys else page.locator(".card.out").count())
    page.keyboard.press("0")
    page.locator("#field").select_option("field_02")
    assert {c.get_attribute("data-field") for c in shown(page).all()} == {"field_02"}
    assert f"of {everything} shown" in page.locator("#shown").inner_text()


def test_sort(page):
    page.locator("[data-filter=fused]").click()
    page.locator("#sort").select_option("sure")
    falling = certainties(page)
    assert falling == sorted(falling, reverse=True)
    page.locator("#sort").select_option("doubt")
    assert certainties(page) == sorted(falling)
    page.locator("#doubtful").check()
    assert {c.get_attribute("data-why") for c in shown(page).all()} <= {"doubtful"}


def test_enlarge_by_mouse_and_keyboard(page):
    viewer = page.locator("#viewer")
    assert not viewer.is_visible()
    shown(page).first.click()
    assert viewer.is_visible()
    assert page.locator("#viewer-place").inner_text().startswith("1 of")
    large = page.locator("#viewer-views .composite img").bounding_box()["width"]
    assert large > 1.5 * shown(page).first.locator(".composite img").bounding_box()["width"]
    page.keyboard.press("ArrowRight")
    assert page.locator("#viewer-place").inner_text().startswith("2 of")
    page.keyboard.press("Escape")
    assert not viewer.is_visible()
    assert page.evaluate("document.activeElement.className").startswith("card")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_function(
        "document.querySelector('#viewer-place').innerText.startsWith('3 of')", timeout=10_000
    )
    page.locator("#close").click()
    assert not viewer.is_visible()


def test_marks_and_colours(page):
    marks = shown(page).first.locator("svg.marks").first
    assert marks.is_visible()
    page.keyboard.press("m")
    assert not marks.is_visible()
    assert not page.locator("#marks").is_checked()
    image = shown(page).first.locator(".composite img")
    assert image.evaluate("i => getComputedStyle(i).filter") == "none"
    page.keyboard.press("c")
    assert "magenta" in image.evaluate("i => getComputedStyle(i).filter")


def test_dark_screens_and_paper(page):
    page.emulate_media(color_scheme="dark")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert max(int(n) for n in re.findall(r"\d+", ground)[:3]) < 60
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator("#tools").is_visible()
    assert page.locator("#state").is_visible()


def test_nothing_overflows_on_a_small_screen(page):
    page.set_viewport_size({"width": 400, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_the_policy_stops_what_escaping_would_miss(browser, report):
    page = browser.new_page()
    page.goto(report.as_uri())
    with page.expect_console_message(lambda message: "Content Security Policy" in message.text):
        page.evaluate(
            """() => { const i = document.createElement("img");
            i.setAttribute("onerror", "document.title = 'run'"); i.src = "data:,";
            document.body.append(i); }"""
        )
    assert page.title() != "run"
    page.close()


def test_pdf(alkfish, scored, case, details, tmp_path):
    pypdf = pytest.importorskip("pypdf")
    pytest.importorskip("weasyprint", exc_type=(ImportError, OSError))
    file = tmp_path / "paper.pdf"
    alkfish("report", scored / "small", "--images", case, "--details", details, "-o", file)
    reader = pypdf.PdfReader(file)
    texts = [re.sub(r"\s+", " ", sheet.extract_text()) for sheet in reader.pages]
    assert all("MACHINE PROPOSAL, NOT REVIEWED" in text for text in texts)
    assert all("Research use only" in text for text in texts)
    assert f"page {len(texts)} of {len(texts)}" in texts[-1]
    whole = " ".join(texts)
    for part in ("498512", "4711-0815", "Abbott Vysis", "Split criterion", "SHA-256", "Reader 2"):
        assert part in whole, part
    assert re.search(r"\b(POSITIVE|NEGATIVE|NOT EVALUABLE)\b", texts[0])
    assert sum(len(sheet.images) for sheet in reader.pages) > 8
    assert "4711" not in str(reader.metadata)


def test_anonymous_report_without_images(alkfish, scored, details, tmp_path):
    file = tmp_path / "r.html"
    bundle = shutil.copytree(scored / "small", tmp_path / "alone" / "small")
    alkfish("report", bundle, "--anonymous", "--details", details, "-o", file)
    page = file.read_text("utf-8")
    for name in ("4711", "field_01", "small.", ">small<", "document.title"):
        assert name not in page, name
    assert "498512" in page
    assert "images were not at hand" in page


def test_images_are_found_where_they_were_scored(alkfish, scored, tmp_path):
    file = tmp_path / "r.html"
    alkfish("report", scored / "small", "-o", file)
    assert "images were not at hand" not in file.read_text("utf-8")


def test_a_report_is_written_without_images_that_are_gone(alkfish, scored, tmp_path):
    bundle = Path(shutil.copytree(scored / "small", tmp_path / "small"))
    (tmp_path / "pictures.json").write_text('{"small": {"images": ["gone"]}}', "utf-8")
    done = alkfish("report", bundle)
    assert "the report shows no pictures" in done.stderr
    assert "images were not at hand" in (bundle / "report.html").read_text("utf-8")


def test_default_places_and_no_silent_replacing(alkfish, scored, tmp_path):
    bundle = Path(shutil.copytree(scored / "small", tmp_path / "small"))
    assert alkfish("report", bundle).stdout.strip() == str(bundle / "report.html")
    assert "there is a report already" in alkfish("report", bundle, code=2).stderr
    alkfish("report", bundle, "--overwrite")
    alkfish("report", bundle, "--anonymous")
    assert (bundle / "report-anonymous.html").is_file()


def test_other_images_are_refused(alkfish, scored, tmp_path_factory, tmp_path):
    other = tmp_path_factory.mktemp("other")
    alkfish("simulate", other, "--seed", 6, "--fields", 1, "--size", 512, "--name", "small")
    arguments = ("--images", other / "small", "-o", tmp_path / "r.html")
    done = alkfish("report", scored / "small", *arguments, code=2)
    assert "not those that were scored" in done.stderr
    assert not (tmp_path / "r.html").exists()


def test_export_for_spreadsheets_and_hospital_systems(alkfish, scored, tmp_path):
    pytest.importorskip("openpyxl")
    pytest.importorskip("fhir.resources")
    done = alkfish("export", scored / "small", "--xlsx", "--fhir", "-o", tmp_path)
    files = [Path(name) for name in done.stdout.split()]
    assert [file.name for file in files] == ["small.xlsx", "small_fhir.json"]
    document = json.loads(files[1].read_text("utf-8"))
    result = json.loads((scored / "small" / "result.json").read_text("utf-8"))
    assert result["call"].replace("_", " ") in document["conclusion"]


def test_a_folder_that_is_no_bundle(alkfish, tmp_path):
    assert "not the bundle of a case" in alkfish("report", tmp_path, code=2).stderr
