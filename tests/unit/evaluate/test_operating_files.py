import json
import shutil

import numpy as np
import pytest

from alkfish import score_case, write_bundle
from alkfish.config import Config
from alkfish.errors import InputError
from alkfish.evaluate.operating import read_patterns
from alkfish.evaluate.operating_files import open_operating_cases, simulated_operating_case
from alkfish.io.probes import load_probe, probe_to_mapping
from alkfish.io.tables import read_table, write_table
from alkfish.model.probe import SeparationMeasure, SeparationRule
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
        assert np.array_equal(read_patterns(case, SeparationRule()), case.nuclei.pattern)


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


def test_single_result_of_another_name_is_taken(truth, results):
    shutil.rmtree(results / "neg")
    (results / "pos").rename(results / "case_17")
    assert len(open_operating_cases(truth / "pos", results / "case_17")) == 1
    with pytest.raises(InputError, match="no result has a truth of the same name"):
        open_operating_cases(truth, results)


def test_the_rules_of_the_result_are_used(truth, results):
    probe = probe_to_mapping(load_probe("vysis-alk"))
    probe["separation"] = {"measure": "centre_um", "limit": 1.2}
    probe["case_rule"]["min_nuclei"] = 20
    config = {"score": {"doublet_gap_diam": 0.5}}
    for folder in results.iterdir():
        (folder / "result.json").write_text(json.dumps({"probe": probe, "config": config}))
    case = open_operating_cases(truth, results)[0]
    assert case.separation == SeparationRule(SeparationMeasure.CENTRE_UM, 1.2)
    assert case.case_rule.min_nuclei == 20
    assert case.doublet_gap_diam == 0.5


def test_truth_without_a_value_is_refused(truth):
    path = truth / "pos" / "truth.json"
    told = json.loads(path.read_text())
    del told["positive_fraction"]
    path.write_text(json.dumps(told))
    with pytest.raises(InputError, match=r"truth.json: the truth lacks a value"):
        open_operating_cases(truth)


def test_cases_in_memory_are_those_on_disk(tmp_path):
    case = simulate_case("easy", seed=4, n_fields=2, shape=(300, 300), pixel_size_um=0.3)
    write_case(case, tmp_path)
    result = score_case([field.fov for field in case.fields], case_id=case.case_id)
    write_bundle(result, tmp_path / "results")
    truth = tmp_path / "truth"
    on_disk = open_operating_cases(truth)[0], open_operating_cases(truth, tmp_path / "results")[0]
    in_memory = simulated_operating_case(case), simulated_operating_case(case, result)
    for disk, memory in zip(on_disk, in_memory, strict=True):
        for name in ("rearranged", "is_positive", "pixel_size_um", "separation", "case_rule"):
            assert np.array_equal(getattr(disk, name), getattr(memory, name))
        assert disk.shift_um == pytest.approx(memory.shift_um)
        assert np.array_equal(disk.nuclei.nucleus_id, memory.nuclei.nucleus_id)
    assert in_memory[1].doublet_gap_diam == Config().score.doublet_gap_diam
    patterns = read_patterns(in_memory[1], result.probe.separation)
    assert np.array_equal(patterns, in_memory[1].nuclei.pattern)


def test_folder_without_truth_is_refused(tmp_path):
    with pytest.raises(InputError, match="there is no truth in this folder"):
        open_operating_cases(tmp_path)
