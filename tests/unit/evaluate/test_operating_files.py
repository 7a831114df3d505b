import json
import shutil

import numpy as np
import pytest

from alkfish.errors import InputError
from alkfish.evaluate.operating import read_patterns
from alkfish.evaluate.operating_files import open_operating_cases
from alkfish.io.tables import read_table, write_table
from alkfish.model.probe import SeparationRule
from alkfish.model.signals import NucleusRecords
from alkfish.synthetic import simulate_case, write_case


@pytest.fixture
def truth(tmp_path):
    for name, fraction in (("pos", 0.6), ("neg", 0.0)):
        case = simulate_case(
            "typical", seed=2, n_fields=1, case_id=name, shape=(300, 300), pixel_size_um=0.3,
            positive_fraction=fraction,
        )  # fmt: skip
        write_case(case, tmp_path)
    return tmp_path / "truth"


@pytest.fixture
def results(truth, tmp_path):
    """Bundles that found the truth exactly and corrected the shift."""
    for folder in sorted(truth.iterdir()):
        copy = tmp_path / "results" / folder.name
        shutil.copytree(folder, copy)
        told = json.loads((folder / "truth.json").read_text())
        field = {"shift_um": told["shift_um"], "shift_applied": True}
        (copy / "result.json").write_text(json.dumps({"call": "", "fields": [field]}))
    return tmp_path / "results"


def test_truth_alone_reads_back_its_patterns(truth):
    negative, positive = open_operating_cases(truth)
    assert (negative.is_positive, positive.is_positive) == (False, True)
    assert positive.rearranged.any()
    assert not negative.rearranged.any()
    for case in (negative, positive):
        assert np.array_equal(read_patterns(case, SeparationRule(), 1.0), case.nuclei.pattern)


def test_perfect_results_give_the_cases_of_the_truth(truth, results):
    for true, found in zip(
        open_operating_cases(truth), open_operating_cases(truth, results), strict=True
    ):
        assert np.array_equal(true.rearranged, found.rearranged)
        assert true.is_positive == found.is_positive
        assert true.shift_um == pytest.approx(found.shift_um)
        assert true.pixel_size_um == found.pixel_size_um


def test_found_nuclei_without_counterpart_take_no_part(truth, results):
    path = results / "pos" / "nuclei.parquet"
    nuclei = read_table(NucleusRecords, path)
    stranger = nuclei.take(np.arange(1))
    stranger.nucleus_id[:] = 9999
    write_table(NucleusRecords.concatenate([nuclei, stranger]), path)
    positive = open_operating_cases(truth, results)[1]
    assert len(positive.nuclei) == len(nuclei)


def test_cases_without_a_result_are_left_out(truth, results):
    shutil.rmtree(results / "neg")
    assert len(open_operating_cases(truth, results)) == 1


def test_without_correction_the_shift_is_zero(truth, results):
    (results / "pos" / "result.json").write_text("{}")
    assert open_operating_cases(truth, results)[1].shift_um == (0.0, 0.0)


def test_folder_without_truth_is_refused(tmp_path):
    with pytest.raises(InputError, match="there is no truth in this folder"):
        open_operating_cases(tmp_path)
