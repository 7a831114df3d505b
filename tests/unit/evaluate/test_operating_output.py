import csv

import pytest

from alkfish.errors import InputError, OutputError
from alkfish.evaluate import operating_output
from alkfish.evaluate.operating import FIGURES, OperatingCurve, OperatingPoint
from alkfish.evaluate.operating_output import check_curve_path, write_operating_curves
from alkfish.evaluate.patterns import Share
from alkfish.model.probe import SeparationMeasure, SeparationRule

NOTHING = Share(0, 0)


def curve(measure, *limits, cases=NOTHING):
    shares = (Share(3, 10), Share(98, 100), cases, cases)
    return OperatingCurve(measure, tuple(OperatingPoint(limit, *shares) for limit in limits))


CURVES = [curve(measure, 1.0, 2.0) for measure in SeparationMeasure]


def test_table_has_every_figure_of_every_limit(tmp_path):
    path = tmp_path / "curve.csv"
    write_operating_curves(CURVES, path)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["measure"], row["limit"]) for row in rows] == [
        (measure.value, limit) for measure in SeparationMeasure for limit in ("1.0", "2.0")
    ]
    assert [row["used"] for row in rows] == ["false", "true"] + ["false"] * 4
    assert rows[-1]["unit"] == "um"
    first = rows[0]
    assert (first["sensitivity"], first["sensitivity_hits"]) == ("0.3", "3")
    assert float(first["sensitivity_low"]) < 0.3 < float(first["sensitivity_high"])
    assert {f"{name}_total" for name in FIGURES} <= first.keys()
    assert first["case_sensitivity_total"] == "0"


@pytest.mark.parametrize(
    ("curves", "cases"), [(CURVES, Share(4, 5)), (CURVES[:1], NOTHING), ([], NOTHING)]
)
def test_figure_is_drawn(tmp_path, curves, cases):
    pytest.importorskip("matplotlib")
    path = tmp_path / "curve.PNG"
    shown = [curve(one.measure, 1.0, 2.0, cases=cases) for one in curves]
    rule = SeparationRule(SeparationMeasure.CENTRE_UM, 1.5)
    write_operating_curves(shown, path, title="simulated", used=rule)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_what_was_not_counted_is_not_drawn():
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    panel = Figure().subplots()
    operating_output.draw_operating_curve(panel, CURVES[0])
    labels = panel.get_legend_handles_labels()[1]
    assert labels == ["sensitivity, nuclei", "specificity, nuclei"]
    assert "signal diameters" in panel.get_xlabel()
    assert list(panel.lines[0].get_ydata()) == pytest.approx([30, 30])


@pytest.mark.parametrize("name", ["curve.jpg", "curve", "png"])
def test_other_kinds_of_files_are_refused(tmp_path, name):
    with pytest.raises(InputError, match=r"this kind of file\n.*found"):
        check_curve_path(tmp_path / name)


def test_missing_folder_and_folder_of_the_name_are_refused(tmp_path):
    with pytest.raises(OutputError, match="there is no folder"):
        check_curve_path(tmp_path / "nowhere" / "curve.csv")
    (tmp_path / "curve.csv").mkdir()
    with pytest.raises(OutputError, match="a folder of this name"):
        write_operating_curves(CURVES, tmp_path / "curve.csv")


def test_without_matplotlib_a_table_is_offered(tmp_path, monkeypatch):
    monkeypatch.setattr(operating_output.importlib.util, "find_spec", lambda _: None)
    check_curve_path(tmp_path / "curve.csv")
    with pytest.raises(InputError, match=r"needs matplotlib.*\n.*FILE.csv"):
        check_curve_path(tmp_path / "curve.png")


def test_failure_to_write_is_told(tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(operating_output, "_write_csv", full)
    with pytest.raises(OutputError, match=r"cannot be written\n.*No space left"):
        write_operating_curves(CURVES, tmp_path / "curve.csv")
