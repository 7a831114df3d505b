import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from alkfish.errors import InputError
from alkfish.evaluate import FieldTables, evaluate_bundle, evaluate_field, summarise
from alkfish.io.tables import read_table, write_table
from alkfish.model.signals import NucleusRecords, SpotRecords
from alkfish.synthetic import simulate_case, write_case


@pytest.fixture(scope="module")
def case():
    return simulate_case(
        "easy", seed=3, n_fields=2, case_id="one", shape=(300, 300), pixel_size_um=0.3
    )


@pytest.fixture
def truth(case, tmp_path):
    write_case(case, tmp_path)
    return tmp_path / "truth"


@pytest.fixture
def bundle(truth, tmp_path):
    """A bundle that found the truth exactly."""
    folder = tmp_path / "results" / "one"
    shutil.copytree(truth / "one", folder)
    told = json.loads((folder / "truth.json").read_text())
    (folder / "result.json").write_text(json.dumps({"call": told["true_call"]}))
    return folder


def tables(field):
    return FieldTables(field.labels, field.nuclei, field.spots)


def test_truth_against_itself_is_perfect(case, bundle, truth):
    result = evaluate_bundle(bundle, truth)
    assert result.nuclei.f1 == 1.0
    assert result.spots["both"].f1 == 1.0
    assert result.spots["3p"].tp == (case.spots.end == "3p").sum()
    assert result.patterns.agreement.value == 1.0
    assert result.patterns.n_both == case.nuclei.scorable.sum()
    assert result.reliability.ece == 0.0
    assert result.reliability_called.ece == 0.0
    assert result.reliability_called.count[-1] == case.nuclei.scorable.sum()
    assert result.mean_rate_error == 0.0
    assert result.n_calls_right == 1
    json.dumps(result.to_dict(), allow_nan=False)


@pytest.mark.parametrize("level", ["bundle", "results"])
@pytest.mark.parametrize("where", ["case", "truth", "out"])
def test_folders_are_found_from_every_level(bundle, truth, level, where):
    result_dir = bundle if level == "bundle" else bundle.parent
    truth_dir = {"case": truth / "one", "truth": truth, "out": truth.parent}[where]
    assert evaluate_bundle(result_dir, truth_dir).cases[0].case == "one"


def test_lost_spots_and_wrong_patterns_are_seen(bundle, truth):
    spots = read_table(SpotRecords, bundle / "spots.parquet")
    write_table(spots.take(spots.end == "3p"), bundle / "spots.parquet")
    nuclei = read_table(NucleusRecords, bundle / "nuclei.parquet")
    wrong = np.where(nuclei.scorable, "ISOLATED_3P", "").astype(object)
    write_table(replace(nuclei, pattern=wrong), bundle / "nuclei.parquet")
    result = evaluate_bundle(bundle, truth)
    assert result.spots["5p"].recall == 0.0
    assert result.spots["3p"].recall == 1.0
    assert result.patterns.specificity.value == 0.0
    assert result.patterns.sensitivity.value == 1.0
    assert result.patterns.found_rate.value == 1.0
    assert result.cases[0].rate_error == pytest.approx(1 - result.cases[0].true_rate)


def test_told_of_the_called_pattern_is_compared_with_that_pattern(bundle, truth):
    nuclei = read_table(NucleusRecords, bundle / "nuclei.parquet")
    wrong = np.where(nuclei.scorable, "ISOLATED_5P", "").astype(object)
    share = np.full(len(nuclei), 0.65)
    write_table(replace(nuclei, pattern=wrong, p_isolated_5p=share), bundle / "nuclei.parquet")
    table = evaluate_bundle(bundle, truth).reliability_called
    true = np.isin(nuclei.pattern.astype(str), ["ISOLATED_5P"]).sum()
    assert table.count[6] == table.count.sum() == nuclei.scorable.sum()
    assert table.mean_p[6] == pytest.approx(0.65)
    assert table.observed[6] == pytest.approx(true / nuclei.scorable.sum())


def test_missing_cases_are_listed(case, bundle, truth):
    write_case(replace(case, case_id="two"), truth.parent)
    result = evaluate_bundle(bundle.parent, truth)
    assert [one.case for one in result.cases] == ["one"]
    assert result.missing_cases == ("two",)


def test_other_names_are_refused_when_there_are_several(case, bundle, truth):
    write_case(replace(case, case_id="two"), truth.parent)
    bundle.rename(bundle.parent / "three")
    with pytest.raises(InputError, match=r"no result has a truth of the same name\n.*three\n.*one"):
        evaluate_bundle(bundle.parent, truth)


def test_single_result_is_compared_whatever_its_name(bundle, truth):
    bundle.rename(bundle.parent / "another")
    assert evaluate_bundle(bundle.parent, truth).nuclei.f1 == 1.0


def test_different_fields_are_refused(bundle, truth):
    shutil.rmtree(bundle / "labels.zarr" / "field_02")
    with pytest.raises(InputError, match="different fields"):
        evaluate_bundle(bundle, truth)


@pytest.mark.parametrize("side", ["result", "truth"])
def test_folder_without_cases_is_refused(bundle, truth, tmp_path, side):
    empty = tmp_path / "empty"
    empty.mkdir()
    places = (empty, truth) if side == "result" else (bundle, empty)
    with pytest.raises(InputError, match=r"there is no .* in this folder"):
        evaluate_bundle(*places)


def test_broken_result_json_is_refused(bundle, truth):
    (bundle / "result.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        evaluate_bundle(bundle, truth)


def test_spots_match_only_their_own_end(case):
    field = case.fields[0]
    swapped = np.where(field.spots.end == "3p", "5p", "3p").astype(object)
    far = replace(field.spots, end=swapped, y_px=field.spots.y_px + 500)
    result = evaluate_field(tables(field), FieldTables(field.labels, field.nuclei, far))
    assert sum(match.tp for match in result.spots.values()) == 0


def test_sum_without_fields():
    result = summarise([], [])
    assert result.nuclei.f1 == 1.0
    assert result.patterns.n_both == 0
    assert result.mean_rate_error == 0.0
