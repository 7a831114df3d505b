"""Charts, maps and marks: well-formed drawings that say in words what they show."""

from xml.etree import ElementTree as ET

import numpy as np
import pytest

from alkfish.model.probe import CaseRule, SeparationMeasure, SeparationRule
from alkfish.report import svg
from alkfish.report.charts import rate_scale, running_rate, separation_histogram
from alkfish.report.content import counted_positive
from alkfish.report.field_map import MAX_DOTS, draw_map
from alkfish.report.marks import FieldIndex, NucleusMarks
from alkfish.report.pictures import Window

HOSTILE = '"><script>alert(1)</script>&'


def parsed(text):
    return ET.fromstring(text)  # noqa: S314 - drawn here


def classes(root):
    return [item.get("class", "") for item in root.iter()]


def test_texts_and_attributes_are_escaped():
    root = parsed(svg.drawing(9, 9, svg.text(1, 2, HOSTILE), label=HOSTILE, class_="x"))
    assert root.get("aria-label") == HOSTILE
    assert {item.text for item in root} == {HOSTILE}
    assert not root.findall(".//{*}script")


@pytest.mark.parametrize(
    ("value", "text"), [(1, "1"), (0.1 + 0.2, "0.3"), (-0.001, "0"), (2.5, "2.5")]
)
def test_coordinates_are_short(value, text):
    assert svg.number(value) == text


def test_the_scale_names_rate_and_cutoff(positive):
    root = parsed(rate_scale(positive.call, CaseRule()))
    assert root.get("aria-label").startswith("Rate 45.0 %")
    assert "cut-off 15 %" in "".join(root.itertext())


@pytest.mark.parametrize("measure", list(SeparationMeasure))
def test_histogram_holds_every_pair(positive, measure):
    rule = SeparationRule(measure, 2.0)
    root = parsed(separation_histogram(positive.nuclei, rule))
    titles = [item.text for item in root.iter("{http://www.w3.org/2000/svg}title") if item.text]
    shown = [int(t.split(": ")[1].split()[0]) for t in titles if ": " in t and " to " in t]
    assert sum(shown) == 20
    has_limit = "limit 2" in "".join(root.itertext())
    assert has_limit == (measure is not SeparationMeasure.CENTRE_DIAMETERS)


def test_histogram_counts_what_lies_beyond_the_limit(positive):
    label = parsed(separation_histogram(positive.nuclei, SeparationRule())).get("aria-label")
    assert label.endswith("20 nuclei; 6 at or beyond the limit of 2")


def test_without_pairs_there_is_no_histogram(make_result):
    assert separation_histogram(make_result([""]).nuclei, SeparationRule()) == ""


@pytest.mark.parametrize("n", [5, 49, 60, 5000])
def test_running_rate_ends_at_the_rate(n):
    positive = np.arange(n) % 5 == 0
    root = parsed(running_rate(positive, CaseRule()))
    assert f"{100 * positive.mean():.1f} % positive after {n} nuclei" in root.get("aria-label")
    assert ("50 nuclei" in list(root.itertext())) == (n > 50)
    assert all("nan" not in str(item.attrib) for item in root.iter())


def test_no_curve_for_a_handful():
    assert running_rate(np.ones(4, bool), CaseRule()) == ""


def test_the_map_marks_every_positive_nucleus(positive):
    drawn = draw_map(positive, "field_01", (400, 400))
    found = classes(parsed(drawn.drawing))
    assert found.count("glyph split") == 6
    assert found.count("glyph iso3") == 3
    assert found.count("dot") == 11
    assert (drawn.n_positive, drawn.n_counted) == (9, 20)


def test_a_map_of_very_many_nuclei_stays_small(make_result):
    result = make_result(["FUSED"] * (MAX_DOTS + 5))
    result.nuclei.y_px[:] %= 400
    assert classes(parsed(draw_map(result, "field_01", (400, 400)).drawing)).count("dot") < 1500


def test_an_empty_field_has_a_map(make_result):
    drawn = draw_map(make_result([]), "field_01", (300, 400))
    assert "0 positive of 0" in parsed(drawn.drawing).get("aria-label")


def test_marks_tell_ends_by_shape_and_follow_the_window(positive):
    marks = NucleusMarks(positive, FieldIndex(positive), 0, Window(0, 0, 180, 180))
    both, three = parsed(marks.over("3p", "5p")), parsed(marks.over("3p"))
    assert classes(both).count("ring end-3p") == classes(both).count("ring end-5p") == 2
    assert "ring end-5p" not in classes(three)
    assert classes(parsed(marks.over())).count("over") == 1  # the outline alone
    circle = both.find(".//{*}circle")
    assert (circle.get("cx"), circle.get("cy")) == ("40", "40")
    assert both.find(".//{*}rect") is not None


def test_without_labels_signals_are_drawn_alone(positive):
    bare = FieldIndex(type(positive)(**{**vars(positive), "labels": {}}))
    marks = parsed(NucleusMarks(positive, bare, 0, Window(0, 0, 180, 180)).over("3p", "5p"))
    assert marks.find(".//{*}path") is None
    assert marks.find(".//{*}circle") is not None
    assert bare.shape("field_01")[0] > positive.nuclei.y_px.max()


def test_counted_positive_follows_the_table(positive):
    assert counted_positive(positive).sum() == 9
    assert len(counted_positive(positive)) == 20
