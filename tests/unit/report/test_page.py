"""The page: what it says, and that nothing from a file can become markup."""

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from alkfish.errors import InputError, OutputError
from alkfish.io.fingerprint import probe_fingerprint
from alkfish.model.result import Call, Caution, PatternCounts
from alkfish.report import CaseDetails, Read, ReportOptions, ReviewState, render_html, write_report
from alkfish.report.pdf import write_pdf

pytest.importorskip("jinja2")

HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7*7 }}'&lt;"
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
)


class Reader(HTMLParser):
    """Collects elements and the text of the page outside of style and script."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.texts, self._skip = [], [], ""
        self.feed(page)
        self.text = re.sub(r"\s+", " ", " ".join(self.texts))

    def handle_starttag(self, name, attributes):
        self.elements.append((name, dict(attributes)))
        self._skip = name if name in ("style", "script") else ""

    def handle_endtag(self, _):
        self._skip = ""

    def handle_data(self, data):
        if not self._skip:
            self.texts.append(data)

    def all(self, name):
        return [attributes for found, attributes in self.elements if found == name]


def read(result, **options):
    return Reader(render_html(result, **options))


def test_a_positive_case_says_all_it_must(positive):
    text = read(positive, details=CaseDetails({"assay.probe_lot": "498512"})).text
    for part in (
        "POSITIVE", "ALK rearrangement found", "9 of 20", "45.0 %", "10.0 to 40.0 %",
        "Machine proposal, not reviewed", "No person has read this case", "at least 15 %",
        "at least 2 diameters", "nuc ish(ALKx2)(3'ALK sep 5'ALKx1)[6/20]", "to be checked",
        "Abbott Vysis", "498512", "alkfish 0.1.0", positive.provenance.config_fingerprint,
        "ab" * 32, "Research use only", "All settings have their defaults", "image analysis",
    ):  # fmt: skip
        assert part in text, part
    assert text.index("POSITIVE") < text.index("Cautions") < text.index("Nuclei by pattern")


def test_a_borderline_negative_says_that_rearranged_nuclei_were_found(make_result):
    text = read(make_result(["SPLIT"] * 15 + ["FUSED"] * 123)).text
    assert "rearranged nuclei below the cut-off" in text
    assert "15 of 138 nuclei are rearranged, which reaches the borderline range of 10 to 20" in text
    assert "no ALK rearrangement" not in text
    assert "nuc ish" not in text


def test_the_probe_profile_is_told_by_version_and_fingerprint(positive):
    before = probe_fingerprint(positive.probe)
    probe = replace(positive.probe, name="lab", version=3)
    text = read(replace(positive, probe=probe)).text
    assert "lab, version 3" in text
    assert probe_fingerprint(probe) in text
    assert before not in text


def test_every_caution_stands_in_words(make_result, caution):
    text = read(make_result(["FUSED"] * 60, cautions=[caution])).text
    assert "The rate lies in the borderline range." in text


def test_a_case_without_a_verdict_shows_no_rate(make_result):
    text = read(make_result(["SPLIT"] * 9 + ["FUSED"] * 9, call=Call.NOT_EVALUABLE)).text
    assert "NOT EVALUABLE" in text
    assert "this is not a negative result" in text
    assert "No rate is stated" in text
    assert "50.0 %" not in text
    assert "nuc ish" not in text


def test_an_empty_case_has_a_report(make_result):
    text = read(make_result([], call=Call.NOT_EVALUABLE, inputs={})).text
    assert "No nuclei to show" in text
    assert "Too few counted nuclei for charts" in text
    assert "made from arrays" in text


def test_what_people_decided_stands_first(positive):
    review = ReviewState(
        reads=(Read("A. Reader", PatternCounts(fused=46, split=4), "2026-11-20", 7),),
        final_call="NEGATIVE", signed_by="Dr. Sign", signed_on="2026-11-21", comment="Lymphocytes.",
    )  # fmt: skip
    text = read(positive, review=review).text
    assert "The machine had proposed POSITIVE" in text
    for part in ("A. Reader", "4 / 50", "Reviewed and signed by Dr. Sign", "Lymphocytes."):
        assert part in text
    assert "not reviewed" not in text
    assert "nuc ish" not in text


def hostile_result(make_result):
    return make_result(
        ["SPLIT"] * 3 + ["FUSED"] * 3, case_id=HOSTILE, fov=HOSTILE, notes=[HOSTILE],
        cautions=[Caution("reading", HOSTILE)], inputs={HOSTILE: "cd" * 32},
    )  # fmt: skip


def test_hostile_names_stay_text(make_result):
    details = CaseDetails({"patient.name": HOSTILE, "notes.interpretation": HOSTILE})
    review = ReviewState(reads=(Read(HOSTILE, PatternCounts()),), comment=HOSTILE)
    page = read(
        hostile_result(make_result), details=details, review=review,
        options=ReportOptions(lab_name=HOSTILE),
    )  # fmt: skip
    assert len(page.all("script")) == len(page.all("style")) == 1
    assert all(item.get("src", "").startswith("data:") for item in page.all("img"))
    handlers = [a for _, attributes in page.elements for a in attributes if a.startswith("on")]
    assert handlers == []
    assert "49" not in re.findall(r"alert\(2\)>(.{2})", page.text)
    assert page.text.count("<script>alert(1)</script>") >= 8


def test_the_policy_allows_only_our_own_style_and_script(positive):
    page = render_html(positive)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)[1].replace("&#39;", "'")
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in policy
    for name in ("style", "script"):
        body = re.search(rf"<{name}>(.*?)</{name}>", page, re.S)[1]
        checksum = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"{name}-src 'sha256-{checksum}'" in policy
    assert "style=" not in re.sub(r"<(style|script)>.*?</\1>", "", page, flags=re.S)


def test_the_page_needs_nothing_from_outside(positive):
    page = read(positive)
    addresses = [
        value
        for _, attributes in page.elements
        for name, value in attributes.items()
        if name in ("src", "href", "action", "data") and value
    ]
    assert all(value.startswith("data:") for value in addresses)


def test_every_picture_and_drawing_has_words(positive):
    page = read(positive)
    assert all(item.get("alt") for item in page.all("img"))
    drawings = page.all("svg")
    assert drawings
    assert all(item.get("aria-label") or item.get("aria-hidden") for item in drawings)


def test_the_same_result_gives_the_same_page(positive):
    assert render_html(positive) == render_html(positive)


def test_anonymous_leaves_names_out(make_result):
    result = make_result(
        ["SPLIT"] * 3 + ["FUSED"] * 3, case_id="Muster-1961", fov="muster_f1",
        notes=["muster_f1 was projected"], inputs={"muster_f1.tif": "cd" * 32},
        cautions=[Caution("reading", "Muster-1961 was altered")],
    )  # fmt: skip
    details = CaseDetails({"patient.name": "Erika Muster", "assay.probe_lot": "498512"})
    review = ReviewState(
        reads=(Read("R. Eader", PatternCounts(), "2026-11-20"),), final_call="POSITIVE",
        signed_by="Dr. Sign", signed_on="2026-11-21", comment="Frau Muster",
    )  # fmt: skip
    page = render_html(
        result, details=details, review=review, options=ReportOptions(anonymous=True)
    )
    for name in ("muster", "r. eader", "dr. sign", "2026-"):
        assert name not in page.lower(), name
    for part in ("field 1 was projected", "file 1", "reader 1", "498512", "cd" * 32):
        assert part in page
    assert render_html(result) != page


def test_changed_settings_are_named(positive):
    positive.provenance.config["detect"]["min_snr"] = 7.0
    text = read(positive).text
    assert "detect.min_snr 7.0 local noise (default 4.2)" in text


def test_a_template_of_the_laboratory(tmp_path, positive):
    template = tmp_path / "lab.html"
    template.write_text(
        '{% extends "report.html" %}{% block footer %}<p>Room 7, {{ c.case_id }}</p>{% endblock %}'
        "{% block lab_style %}.lab { color: navy }{% endblock %}"
    )
    logo = tmp_path / "logo.png"
    logo.write_bytes(PNG)
    options = ReportOptions(lab_name="City <Lab>", logo=logo, template=template)
    page = read(positive, options=options)
    assert "Room 7, case_17" in page.text
    assert "City <Lab>" in page.text
    assert "color: navy" not in page.text
    assert page.all("img")[0]["src"].startswith("data:image/png;base64,iVBOR")


@pytest.mark.parametrize(
    "text",
    ["{% extends 'none.html' %}", "{% block x %}", "{{ nothing_of_the_kind }}",
     "{{ ''.__class__.__mro__ }}", "{% include '../secret' %}"],
)  # fmt: skip
def test_unusable_templates_are_refused(tmp_path, positive, text):
    template = tmp_path / "lab.html"
    template.write_text(text)
    with pytest.raises(InputError, match="template cannot be used"):
        render_html(positive, options=ReportOptions(template=template))


def test_unusable_logos_are_refused(tmp_path, positive):
    logo = tmp_path / "logo.svg"
    logo.write_text("<svg onload='alert(1)'/>")
    with pytest.raises(InputError, match="no picture for a page"):
        render_html(positive, options=ReportOptions(logo=logo))
    with pytest.raises(InputError, match="logo cannot be read"):
        render_html(positive, options=ReportOptions(logo=tmp_path / "none.png"))


def test_options_are_checked():
    with pytest.raises(InputError, match="out of range"):
        ReportOptions(nuclei_per_pattern=501)


def test_a_folder_that_is_not_there(tmp_path, positive):
    with pytest.raises(OutputError, match="cannot be written"):
        write_report(positive, tmp_path / "none" / "r.html")


def test_no_nuclei_may_be_shown(positive):
    page = read(positive, options=ReportOptions(nuclei_per_pattern=0))
    assert "No nuclei to show" in page.text
    assert np.any([a.get("class") == "chart" for a in page.all("svg")])


def test_projections_of_stacks_are_named(positive):
    stack = replace(positive.fields[0], n_planes=16, z_step_um=0.4)
    text = read(replace(positive, fields=(stack,))).text
    assert "projections of focus stacks" in text
    assert "16 at 0.4 µm" in text
    assert "projections of focus stacks" not in read(positive).text


def test_a_pdf_fetches_nothing(tmp_path, caplog):
    pypdf = pytest.importorskip("pypdf")
    pytest.importorskip("weasyprint", exc_type=(ImportError, OSError))
    picture = tmp_path / "secret.png"
    picture.write_bytes(PNG)
    paper = tmp_path / "r.pdf"
    write_pdf(f'<p>text</p><img src="{picture.as_uri()}">', paper)
    sheet = pypdf.PdfReader(paper).pages[0]
    assert "text" in sheet.extract_text()
    assert len(sheet.images) == 0
    assert "Failed to load image" in caplog.text
