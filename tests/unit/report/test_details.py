"""Details of a case: a closed form, and names that never reach a message."""

import pytest

from alkfish.errors import InputError
from alkfish.report import CaseDetails
from alkfish.report.details import DETAIL_FIELDS


def test_the_form_is_frozen():
    names = [f"{item.section}.{item.key}" for item in DETAIL_FIELDS]
    assert len(set(names)) == len(names)
    identifying = {f"{f.section}.{f.key}" for f in DETAIL_FIELDS if f.identifying}
    assert identifying == {
        "patient.name", "patient.id", "patient.birth_date", "patient.sex", "request.requester",
        "request.requested", "request.received", "request.tested", "specimen.block",
        "notes.interpretation",
    }  # fmt: skip


def test_texts_numbers_and_dates_are_read(tmp_path):
    file = tmp_path / "d.toml"
    file.write_text('[patient]\nbirth_date = 1960-05-06\nid = 17\n[assay]\nprobe_lot = " 4985 "\n')
    details = CaseDetails.from_toml(file)
    assert details.stated("patient") == [("Patient number", "17"), ("Date of birth", "1960-05-06")]
    assert details.get("assay.probe_lot") == "4985"
    assert "Section thickness" in details.not_stated("assay")


def test_no_details_state_nothing():
    assert CaseDetails().stated("patient") == []
    assert CaseDetails().get("assay.probe_lot") == ""


def test_identifiers_are_left_out():
    details = CaseDetails({"patient.name": "X", "assay.probe_lot": "1", "specimen.block": "A3"})
    assert details.without_identifiers().values == {"assay.probe_lot": "1"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[patient]\nnickname = "x"\n', "unknown case details"),
        ("[assay]\ncontrols = true\n", "no text, number or date"),
        ("[assay]\ncontrols = [1]\n", "no text, number or date"),
        ('name = "x"\n', "unknown case details"),
        (f'[notes]\ninterpretation = "{"x" * 5000}"\n', "too long"),
    ],
)
def test_what_the_form_does_not_have_is_refused(tmp_path, text, problem):
    file = tmp_path / "d.toml"
    file.write_text(text)
    with pytest.raises(InputError, match=problem):
        CaseDetails.from_toml(file)


@pytest.mark.parametrize(
    "text", ['[patient]\nname = "Erika Muster\n', '[patient]\nname = ["Erika"]']
)
def test_messages_do_not_repeat_values(tmp_path, text):
    file = tmp_path / "d.toml"
    file.write_text(text)
    with pytest.raises(InputError, match="case detail") as caught:
        CaseDetails.from_toml(file)
    assert "Erika" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        CaseDetails.from_toml(tmp_path / "none.toml")
