"""Sheets and folders of cases: everything wrong is told at once, with row and column."""

import re
from pathlib import Path

import pytest

from alkfish.batch.cases import Control, Reading
from alkfish.batch.manifest import COLUMNS, Defaults, read_cases
from alkfish.errors import InputError


@pytest.fixture
def lab(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    (tmp_path / "c.tif").write_text("")
    return tmp_path


def sheet(lab, text, name="cases.csv"):
    file = lab / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def problems(lab, text):
    with pytest.raises(InputError, match="problem") as caught:
        read_cases(sheet(lab, text))
    return [line.strip() for line in str(caught.value.found).strip().splitlines()]


def test_columns_are_frozen():
    assert list(COLUMNS) == [
        "case_id", "images", "probe", "lot", "roi", "block", "notes", "control", "details",
        "channels", "pixel_size_um", "z_step_um", "scene",
    ]  # fmt: skip


def test_a_full_row(lab):
    (lab / "d.toml").write_text("[assay]\nprobe_lot = '1'\n")
    (lab / "r.geojson").write_text("{}")
    (case,) = read_cases(
        sheet(
            lab,
            "case_id,images,probe,lot,roi,block,notes,control,details,channels,pixel_size_um,"
            "z_step_um,scene\n"
            'x,a|c.tif,vysis-alk,L,r.geojson,A3,"two\nlines",Positive,d.toml,'
            '"dapi=2,red=0,green=1",0.1,0.4,S1\n',
        )
    )
    assert case.images == (lab / "a", lab / "c.tif")
    assert (case.lot, case.block, case.notes, case.row) == ("L", "A3", "two\nlines", 2)
    assert case.control is Control.POSITIVE
    assert (case.roi, case.details) == (lab / "r.geojson", lab / "d.toml")
    assert case.reading == Reading((("dapi", 2), ("green", 1), ("red", 0)), 0.1, 0.4, "S1")


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffCase ID;Images;Pixel size um\r\nx;a;0,1\r\n",
        "case-id\timages\tpixel_size_um\nx\ta\t0.1\n",
        'sep=;\r\n"CASE_ID";"images";"pixel_size_um"\r\n"x";"a";"0,1"\r\n',
        "case_id,images,pixel_size_um\n\nx,.\\a,0.1\n,,\n",
    ],
)
def test_sheets_as_programs_save_them(lab, text):
    (case,) = read_cases(sheet(lab, text))
    assert (case.case_id, case.images) == ("x", (lab / "a",))
    assert case.reading.pixel_size_um == 0.1


def test_texts_of_western_windows_and_utf_16(lab):
    text = "case_id;images;notes\r\nx;a;Gewebe dünn\r\n"
    for encoded in (text.encode("cp1252"), text.encode("utf-16")):
        assert read_cases(sheet(lab, encoded))[0].notes == "Gewebe dünn"


def test_excel(lab):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["Case ID", "images", "lot"])
    book.active.append([17, "a", 498512.0])
    book.save(lab / "cases.xlsx")
    (case,) = read_cases(lab / "cases.xlsx")
    assert (case.case_id, case.lot) == ("17", "498512")


def test_formulas_without_values_are_not_empty_cells(lab):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (["case_id", "images"], ["x", "a"], ["=A2", "b"]):
        book.active.append(row)
    book.save(lab / "cases.xlsx")
    with pytest.raises(InputError, match=r"formulas without their values[\s\S]*row 3, cell 1: =A2"):
        read_cases(lab / "cases.xlsx")


def test_composed_and_decomposed_letters_are_one_id(lab):
    assert "'M\u0075\u0308ller' is the id of row 2" in problems(
        lab, "case_id,images\nM\u00fcller,a\nMu\u0308ller,b\n"
    )[0]  # fmt: skip


def test_all_problems_are_told_at_once(lab):
    told = problems(
        lab,
        "case_id,images,contol,probe,control,pixel_size_um,channels,roi,details\n"
        "x,a,,,,,,,\n"
        "X,b,,no-such-probe,neg,9,dapi=0;red=0,gone.geojson,gone.toml\n"
        ",,,,,,,,\n"
        ",c.tif,,generic-break-apart,,nan,,,\n"
        "../y,gone,,,,,,,\n"
        "z,a,,,,,,,,more\n",
    )
    assert told[0] == "row 1, column contol: unknown column; did you mean control?"
    starts = [re.match(r"row (\d+)(?:, column (\w+))?", line).groups() for line in told[1:]]
    assert set(starts) == {
        ("3", "case_id"), ("3", "probe"), ("3", "control"), ("3", "pixel_size_um"),
        ("3", "channels"), ("3", "roi"), ("3", "details"), ("5", "case_id"), ("5", "probe"),
        ("5", "pixel_size_um"), ("6", "case_id"), ("6", "images"), ("7", None), ("7", "images"),
    }  # fmt: skip
    assert len(starts) == len(set(starts))
    assert "did you mean negative?" in "\n".join(told)


@pytest.mark.parametrize(
    "name", ["summary.html", "Batch.LOG", "review.sqlite", "a\tb", "..", "x/y"]
)
def test_ids_that_cannot_be_folders(lab, name):
    (told,) = problems(lab, f'case_id,images\n"{name}",a\n')
    assert told.startswith("row 2, column case_id")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("case_id,lot\nx,1\n", "column images: the column is missing"),
        ("case_id,images,images\nx,a,b\n", "stands twice"),
        ("case_id,images\n", "there is no case"),
        ("case_id,images,patient_name\nx,a,Doe\n", "column details"),
        ("case_id,images,colour of the sky\nx,a,blue\n", "known are case_id"),
        ("case_id,images\nx,a\ny,./a\n", "a belongs to row 2 already"),
    ],
)
def test_sheets_that_are_refused(lab, text, words):
    told = problems(lab, text)
    assert len(told) == 1
    assert words in told[0]


def test_two_scenes_of_one_file_are_two_cases(lab):
    cases = read_cases(sheet(lab, "case_id,images,scene\nx,c.tif,0\ny,c.tif,1\n"))
    assert [case.reading.scene for case in cases] == ["0", "1"]


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", b"PK\x03\x04\0\0\0", b'case_id,images\n"x,a\n'], ids=len
)
def test_files_that_are_no_sheets(lab, content):
    with pytest.raises(InputError, match=r"empty|no sheet|not valid CSV"):
        read_cases(sheet(lab, content))


def test_a_missing_sheet_and_a_broken_excel_file(lab):
    with pytest.raises(InputError, match="cannot be read"):
        read_cases(lab / "none.csv")
    with pytest.raises(InputError, match="cannot be read"):
        read_cases(sheet(lab, "no zip", "x.xlsx"))


def test_urls_are_kept(lab):
    (case,) = read_cases(sheet(lab, "case_id,images\nx,https://example.org/slide.zarr\n"))
    assert case.images == ("https://example.org/slide.zarr",)


def test_defaults_hold_where_a_row_says_nothing(lab):
    defaults = Defaults("kit.toml", Reading(pixel_size_um=0.2, scene="S"))
    text = "case_id,images,probe,pixel_size_um\nx,a,,\ny,b,vysis-alk,0.1\n"
    first, second = read_cases(sheet(lab, text), defaults=defaults)
    assert (first.probe, first.reading) == ("kit.toml", defaults.reading)
    assert (second.probe, second.reading) == ("vysis-alk", Reading(pixel_size_um=0.1, scene="S"))


def test_a_folder_of_cases(lab):
    (lab / ".hidden").mkdir()
    (lab / "readme.txt").write_text("")
    cases = read_cases(lab)
    assert [case.case_id for case in cases] == ["a", "b", "c"]
    assert cases[2].images == (lab / "c.tif",)


def test_folders_that_are_refused(tmp_path, lab):
    (lab / "A.png").write_text("")
    with pytest.raises(InputError, match=r"'a' is the id of .*A\.png already"):
        read_cases(lab)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match="no case in the folder"):
        read_cases(empty)


def test_a_probe_file_beside_the_sheet(lab):
    from alkfish.io.probes import load_probe, probe_to_toml

    Path(lab / "kit.toml").write_text(probe_to_toml(load_probe()), "utf-8")
    (case,) = read_cases(sheet(lab, "case_id,images,probe\nx,a,kit.toml\n"))
    assert case.probe == str(lab / "kit.toml")
