"""Workbook and FHIR document: complete, read back by others, and texts stay texts."""

import json
import sys
from dataclasses import replace

import pytest

from alkfish.errors import InputError, OutputError
from alkfish.io.bundle import open_bundle, write_bundle
from alkfish.model.result import Call, PatternCounts
from alkfish.model.signals import Pattern
from alkfish.report import CaseDetails, Read, ReviewState, write_report
from alkfish.report import workbook as workbook_module
from alkfish.report.fhir import LOINC, export_fhir, fhir_report
from alkfish.report.pdf import write_pdf
from alkfish.report.workbook import export_xlsx
from alkfish.review import CaseReview, ReadMode, open_store

SIGNED = ReviewState(
    reads=(Read("A", PatternCounts(fused=50)),), final_call="NEGATIVE", signed_by="Dr. B"
)


@pytest.fixture
def bundle(tmp_path, positive):
    return write_bundle(positive, tmp_path / "results")


def opened(path):
    openpyxl = pytest.importorskip("openpyxl")
    return openpyxl.load_workbook(path)


def test_the_workbook_holds_every_row(bundle, tmp_path, positive):
    book = opened(export_xlsx(bundle, tmp_path / "out"))
    assert book.sheetnames == [
        "case", "patterns", "excluded", "fields", "nuclei", "spots", "columns",
    ]  # fmt: skip
    for name, table in (("nuclei", positive.nuclei), ("spots", positive.spots)):
        rows = list(book[name].values)
        assert rows[0] == tuple(info.name for info in table.columns())
        assert len(rows) == 1 + len(table)
        assert book[name].freeze_panes == "A2"
    column = [row[list(next(book["nuclei"].values)).index("y_px")] for row in book["nuclei"].values]
    assert column[1:] == positive.nuclei.y_px.tolist()
    facts = dict(list(book["case"].values))
    assert facts["call"] == "POSITIVE"
    assert facts["rate"] == pytest.approx(0.45)
    assert facts["state"] == "Machine proposal, not reviewed"


def test_texts_never_become_formulas(tmp_path, make_result):
    evil = '=HYPERLINK("http://x","y")'
    result = make_result(["FUSED"], case_id="=1+1", fov=evil, inputs={evil: "ab" * 32})
    result.labels.clear()
    result.nuclei.flags[0] = "@SUM(1)\x07"
    book = opened(export_xlsx(write_bundle(result, tmp_path), tmp_path))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert [cell.coordinate for cell in cells if cell.data_type == "f"] == []
    assert evil in {cell.value for cell in cells}


def test_an_empty_case_has_a_workbook(tmp_path, make_result):
    result = make_result([], call=Call.NOT_EVALUABLE)
    book = opened(export_xlsx(write_bundle(result, tmp_path), tmp_path))
    assert book["nuclei"].max_row == 1
    assert "rate" not in dict(list(book["case"].values))


def test_too_many_rows_are_refused(bundle, tmp_path, monkeypatch):
    monkeypatch.setattr(workbook_module, "MAX_ROWS", 10)
    with pytest.raises(InputError, match="more rows than a sheet"):
        export_xlsx(bundle, tmp_path)


def test_the_fhir_report_is_preliminary_and_names_no_patient(bundle, tmp_path):
    pytest.importorskip("fhir.resources")
    details = CaseDetails({"patient.name": "Erika Muster", "assay.probe_lot": "498512"})
    text = export_fhir(bundle, tmp_path, details=details).read_text("utf-8")
    assert "Muster" not in text
    document = json.loads(text)
    assert document["status"] == "preliminary"
    assert document["conclusion"].startswith("Machine proposal, not reviewed. POSITIVE:")
    assert "subject" not in document
    found = {
        coding["code"]
        for item in document["contained"]
        for coding in item["code"].get("coding", ())
    }
    assert found == {LOINC["result"], LOINC["method"], LOINC["cells"]}
    assert "lot: 498512" in text
    assert [r["reference"][1:] for r in document["result"]] == [
        item["id"] for item in document["contained"]
    ]


def test_counts_and_rate(positive):
    items = {item["code"]["text"]: item for item in fhir_report(positive)["contained"]}
    assert items["Nuclei counted"]["valueQuantity"]["value"] == 20
    assert items["Nuclei: Split"]["valueQuantity"]["value"] == 6
    share = items["Positive nuclei, share"]
    assert share["valueQuantity"]["value"] == 45.0
    assert [c["valueQuantity"]["value"] for c in share["component"]] == [10.0, 40.0]


def test_a_signed_review_makes_it_final(positive):
    document = fhir_report(positive, review=SIGNED)
    assert document["status"] == "final"
    assert document["contained"][0]["valueCodeableConcept"] == {"text": "NEGATIVE"}
    assert not any("ISCN" in item["code"]["text"] for item in document["contained"])


def test_an_overruled_call_of_the_machine_is_told(positive):
    overruled = replace(SIGNED, machine_call="POSITIVE")
    told = fhir_report(positive, review=overruled)["conclusion"]
    assert "The machine had proposed POSITIVE." in told
    agreed = replace(SIGNED, machine_call="NEGATIVE")
    assert "had proposed" not in fhir_report(positive, review=agreed)["conclusion"]


def test_what_was_read_and_signed_stands_in_the_exports(tmp_path, positive):
    """Without being told: from the review store beside the result."""
    pytest.importorskip("fhir.resources")
    rule = replace(positive.probe.case_rule, min_nuclei=10)
    probe = replace(positive.probe, case_rule=rule)
    bundle = write_bundle(replace(positive, probe=probe), tmp_path / "results")
    with open_store(bundle.parent) as store:
        review = CaseReview(store, open_bundle(bundle), reader="Dr. B")
        review.start_read(ReadMode.FULL)
        for nucleus in review.queue():
            review.set_pattern(nucleus, Pattern.FUSED)
        called = review.finish_read()
        preliminary = json.loads(export_fhir(bundle, tmp_path).read_text("utf-8"))
        review.sign()
    assert called.call is Call.NEGATIVE
    assert preliminary["status"] == "preliminary"
    assert preliminary["conclusion"].startswith("Read by 1 reader, not signed. NEGATIVE")
    signed = json.loads(export_fhir(bundle, tmp_path).read_text("utf-8"))
    assert signed["status"] == "final"
    assert "Reviewed and signed by Dr. B. NEGATIVE" in signed["conclusion"]
    rows = opened(export_xlsx(bundle, tmp_path))["case"].iter_rows(values_only=True)
    case = dict(row[:2] for row in rows)
    assert case["state"] == "Reviewed and signed by Dr. B"
    assert (case["call"], case["call of the machine"]) == ("NEGATIVE", positive.call.call)
    assert case["positive nuclei"] == 0


def test_without_a_verdict_no_rate(make_result):
    document = fhir_report(make_result(["SPLIT"], call=Call.NOT_EVALUABLE))
    assert "NOT EVALUABLE" in document["conclusion"]
    assert "share" not in json.dumps(document)


@pytest.mark.parametrize("export", [export_xlsx, export_fhir])
def test_a_file_in_the_way(bundle, tmp_path, export):
    (tmp_path / "taken").write_text("x")
    with pytest.raises(OutputError, match="cannot be written"):
        export(bundle, tmp_path / "taken" / "out")


def test_what_does_not_fit_the_structure_is_refused(tmp_path, positive):
    pytest.importorskip("fhir.resources")
    made = replace(positive.provenance, created="yesterday")
    bundle = write_bundle(replace(positive, provenance=made), tmp_path)
    with pytest.raises(InputError, match="does not fit the structure"):
        export_fhir(bundle, tmp_path)


@pytest.mark.parametrize(
    ("module", "extra", "act"),
    [
        ("jinja2", "report", lambda bundle, out: write_report(open_bundle(bundle), out / "r.html")),
        ("weasyprint", "report", lambda _, out: write_pdf("<p>x</p>", out / "r.pdf")),
        ("openpyxl", "export", export_xlsx),
        ("fhir.resources.R4B.diagnosticreport", "export", export_fhir),
    ],
)
def test_a_missing_extra_is_named(bundle, tmp_path, monkeypatch, module, extra, act):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=rf"alkfish\[{extra}\]"):
        act(bundle, tmp_path)
