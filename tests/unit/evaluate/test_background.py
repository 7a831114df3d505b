"""Background of normal specimens: the three formulas against published and worked figures."""

import json
import tomllib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from alkfish.errors import InputError, OutputError, ProbeError
from alkfish.evaluate.background import (
    LimitMethod,
    beta_inverse_limit,
    first_positive_percent,
    first_positive_text,
    measure_background,
)
from alkfish.evaluate.lab_profile import (
    check_profile_target,
    lab_profile,
    profile_name,
    rule_with_cutoff,
    shortage,
    write_profile,
)
from alkfish.io.probes import load_probe, probe_from_mapping, probe_to_mapping, probe_to_toml
from alkfish.model.probe import CaseRule, ControlLimits


@pytest.mark.parametrize(
    ("n", "limits"),
    [(50, (5.8, 9.1, 12.1, 14.8)), (100, (3.0, 4.7, 6.2, 7.6)), (200, (1.5, 2.3, 3.1, 3.8))],
)
def test_beta_inverse_table(n, limits):
    # clinical-rules 5: exact one-sided 95 % limits for 0 to 3 positive nuclei.
    found = [100 * beta_inverse_limit(x, n, confidence=0.95) for x in range(4)]
    assert found == pytest.approx(limits, abs=0.06)
    assert beta_inverse_limit(n, n, confidence=0.95) == 1.0


@given(st.integers(0, 60), st.integers(1, 400), st.sampled_from([0.9, 0.95, 0.999]))
def test_beta_inverse_is_the_exact_binomial_limit(x, extra, confidence):
    n = x + extra
    limit = beta_inverse_limit(x, n, confidence=confidence)
    assert binom.cdf(x, n, limit) == pytest.approx(1 - confidence, abs=1e-9)


def normals(results, counts, n=100):
    for number, positive in enumerate(counts):
        folder = results(f"n{number:02d}", fused=n - positive, isolated_3p=positive)
    return folder


@pytest.mark.parametrize(
    ("n_nuclei", "percent", "confidence", "count"),
    [(50, 2, 0.95, 3), (50, 2, 0.999, 5), (50, 5, 0.95, 5), (50, 5, 0.999, 8),
     (100, 2, 0.95, 5), (100, 2, 0.999, 7), (100, 5, 0.95, 9), (100, 5, 0.999, 13)],
)  # fmt: skip
def test_critbinom_table(results, n_nuclei, percent, confidence, count):
    # clinical-rules 5: largest count that is still normal.
    folder = normals(results, [percent] * 3)
    study = measure_background([folder], confidence=confidence, n_nuclei=n_nuclei)
    assert study.positive.binomial_count == count
    assert study.positive.binomial == pytest.approx(100 * count / n_nuclei)


def test_all_figures_of_a_small_set_by_hand(results):
    study = measure_background([normals(results, [0, 1, 2, 3, 4])])
    positive = study.positive
    assert (positive.mean, positive.pooled, positive.highest) == pytest.approx((2.0, 2.0, 4.0))
    assert positive.sd == pytest.approx(np.sqrt(2.5))
    assert positive.mean_3sd == pytest.approx(2.0 + 3 * np.sqrt(2.5))
    assert positive.beta_specimen == "n04"
    assert positive.beta_inverse == pytest.approx(100 * beta_inverse_limit(4, 100, confidence=0.95))
    assert (study.n_nuclei, positive.binomial_count) == (50, 3)
    kinds = {one.kind: one.pooled for one in study.limits}
    assert kinds == {"POSITIVE": 2.0, "SPLIT": 0.0, "ISOLATED_3P": 2.0, "ISOLATED_5P": 0.0}
    assert study.total_nuclei == 500
    json.dumps(study.to_dict(), allow_nan=False)


@pytest.mark.parametrize(
    ("limit", "percent"),
    [(0.0, 1), (5.999, 6), (6.0, 7), (14.8, 15), (99.5, 100), (100.0, 0), (130.0, 0)],
)
def test_positive_begins_above_the_limit(limit, percent):
    assert first_positive_percent(limit) == percent
    assert first_positive_text(limit) == (f"{percent} %" if percent else "none")


@given(st.integers(1, 400), st.integers(0, 400))
def test_the_largest_normal_count_stays_below_the_cutoff(n, count):
    count = min(count, n - 1)
    percent = first_positive_percent(100 * count / n)
    assert count * 100 < percent * n
    assert (percent - 1) * n <= count * 100


def test_what_must_be_weighed(results):
    study = measure_background([normals(results, [0, 0, 16], n=100)])
    told = "\n".join(study.warnings)
    for part in ("3 normal specimens are fewer than the 20", "below the 5", "3 of 3 specimens",
                 "called POSITIVE although given as normal: n02", "differ by more than counting",
                 "the background reaches the cut-off of 15 %"):  # fmt: skip
        assert part in told
    assert study.dispersion_p < 0.001


def test_a_good_set_is_told_what_the_cutoff_means(results):
    told = measure_background([normals(results, [4, 5, 6, 5] * 5, n=250)]).warnings
    assert [text for text in told if "fewer" in text] == []
    assert any("lies below the cut-off of 15 %" in text for text in told)


def test_specimens_that_cannot_be_used_are_named(results):
    folder = normals(results, [1, 2])
    results("small", fused=20)
    results("broken", fused=60)
    (folder / "broken" / "nuclei.parquet").write_bytes(b"")
    study = measure_background([folder])
    assert {item.case_id for item in study.left_out} == {"small", "broken"}
    assert len(study.specimens) == 2


def test_sets_that_say_nothing_are_refused(results, new_result, tmp_path):
    folder = results("a", fused=60)
    with pytest.raises(InputError, match="too few usable normal specimens"):
        measure_background([folder])
    other = new_result("b", ["FUSED"] * 60)
    other = replace(other, provenance=replace(other.provenance, version="9.9"))
    results("b", result=other)
    with pytest.raises(InputError, match="not all scored in the same way"):
        measure_background([folder])
    with pytest.raises(InputError, match="confidence"):
        measure_background([folder], confidence=0.2)
    with pytest.raises(InputError, match="no case bundle"):
        measure_background([tmp_path])


def test_a_specimen_given_twice_counts_once_and_a_copy_is_refused(results, tmp_path):
    folder = normals(results, [1, 2])
    study = measure_background([folder, folder / "n00"])
    assert len(study.specimens) == 2
    (tmp_path / "copy").mkdir()
    (folder / "n00").rename(tmp_path / "copy" / "n00")
    results("n00", fused=99, isolated_3p=1)
    with pytest.raises(InputError, match="stands twice"):
        measure_background([folder, tmp_path / "copy"])


def study_of(results, counts=(4, 5, 6, 5)):
    return measure_background([normals(results, counts)])


@pytest.mark.parametrize("method", [method.value for method in LimitMethod])
def test_the_profile_carries_the_cutoff_and_where_it_comes_from(results, method, tmp_path):
    study = study_of(results)
    made = lab_profile(study, method, name="our-lab")
    limit = study.positive.limit(LimitMethod(method))
    assert made.case_rule.positive_percent == first_positive_percent(limit)
    assert (made.name, made.version, made.confirmed) == ("our-lab", 2, False)
    assert made.background.n_specimens == 4
    assert made.background.limit_percent == pytest.approx(limit, abs=1e-4)
    assert made.background.based_on == "vysis-alk, version 1"
    assert made.background.specimens[0].startswith("n00 sha256:")
    assert made.background.config_fingerprint == study.config_fingerprint
    assert method in made.sources["positive_percent"]
    write_profile(made, tmp_path / "our-lab.toml")
    assert load_probe(tmp_path / "our-lab.toml") == made
    assert [item.name for item in tmp_path.glob("*.toml")] == ["our-lab.toml"]
    assert probe_from_mapping(probe_to_mapping(made)) == made


def test_none_keeps_the_cutoff(results):
    made = lab_profile(study_of(results), "none", name="our-lab")
    assert made.case_rule == load_probe().case_rule
    assert made.background.method == "none"
    assert made.background.positive_percent == 5.0
    with pytest.raises(InputError, match="no such method"):
        lab_profile(study_of_again(results), "guess", name="our-lab")


@pytest.mark.parametrize(
    ("counts", "n", "lacks"),
    [((2,) * 5, 200, ""), ((2,) * 4, 200, "4 of at least 5 specimens"),
     ((2,) * 5, 199, "5 of 5 specimens below 200 counted nuclei")],
)  # fmt: skip
def test_an_own_cutoff_is_confirmed_only_with_enough_behind_it(results, counts, n, lacks):
    study = measure_background([normals(results, counts, n)])
    made = lab_profile(study, "binomial", name="our-lab")
    assert shortage(study) == lacks
    assert made.confirmed is not bool(lacks)
    assert made.case_rule.positive_percent < 15
    assert made.title == load_probe().title + ", with the laboratory's own cut-off"
    assert (made.background.kit_percent, made.has_own_cutoff) == (15, True)


def test_an_own_cutoff_stays_one_in_later_versions(results):
    study = study_of(results)
    first = lab_profile(study, "binomial", name="our-lab")
    for method in ("none", "mean-3sd"):
        again = lab_profile(replace(study, probe=first), method, name="our-lab")
        assert again.title == first.title
        assert again.has_own_cutoff
        assert again.background.kit_percent == 15
        assert again.background.kit_borderline_percent == (10, 20)
        assert again.case_rule.borderline_percent[1] <= 20
    kept = lab_profile(study, "none", name="our-lab")
    assert (kept.title, kept.confirmed, kept.has_own_cutoff) == (study.probe.title, True, False)


def test_a_method_without_a_limit_below_all_gives_no_cutoff(results):
    study = measure_background([normals(results, [0, 90, 1])])
    assert study.positive.mean_3sd > 100
    assert study.to_dict()["limits_percent"][0]["mean-3sd"] is None
    with pytest.raises(InputError, match="the method gives no cut-off"):
        lab_profile(study, "mean-3sd", name="our-lab")


def test_one_specimen_under_two_names_is_refused(results, new_result):
    for name in ("a", "b", "c"):
        one = new_result(name, ["FUSED"] * 60)
        inputs = {f"{name}.tif": "11" * 32 if name != "c" else "22" * 32}
        folder = results(name, result=replace(
            one, provenance=replace(one.provenance, inputs=inputs)
        ))  # fmt: skip
    with pytest.raises(InputError, match="the same picture") as refused:
        measure_background([folder])
    assert refused.value.found == "a (a.tif) and b (b.tif)"


@given(st.integers(1, 100))
def test_the_borderline_range_is_widened_and_never_replaced(percent):
    low, high = rule_with_cutoff(CaseRule(), percent).borderline_percent
    assert 1 <= low <= 10
    assert low <= percent <= high
    assert 20 <= high <= 100


@given(st.integers(1, 100))
def test_every_cutoff_gives_a_valid_rule(percent):
    rule = rule_with_cutoff(CaseRule(), percent)
    made = replace(load_probe(), case_rule=rule)
    assert probe_from_mapping(tomllib.loads(probe_to_toml(made))) == made
    assert rule.positive_percent == percent
    assert rule_with_cutoff(rule, 15).positive_percent == 15


def test_the_usual_cutoff_changes_nothing():
    assert rule_with_cutoff(CaseRule(), 15) == CaseRule()


def test_limits_of_controls_that_contradict_are_refused(results):
    study = study_of(results)
    kit = replace(study.probe, controls=ControlLimits(14, 30))
    with pytest.raises(ProbeError, match=r"controls\.negative"):
        lab_profile(replace(study, probe=kit), "binomial", name="our-lab")


def test_no_profile_is_replaced_unasked_and_versions_count_up(results, tmp_path):
    file = tmp_path / "lab.toml"
    assert check_profile_target(file, overwrite=False) == 0
    write_profile(lab_profile(study_of(results), "binomial", name="lab"), file)
    with pytest.raises(OutputError, match="there is a probe profile already"):
        check_profile_target(file, overwrite=False)
    older = check_profile_target(file, overwrite=True)
    again = lab_profile(study_of_again(results), "binomial", name="lab", older_version=older)
    assert (older, again.version) == (2, 3)
    file.write_text("x")
    with pytest.raises(ProbeError, match="not valid TOML"):
        check_profile_target(file, overwrite=True)


def study_of_again(results):
    for number in (7, 8):
        folder = results(f"m{number}", fused=95, split=5)
    return measure_background([folder])


@pytest.mark.parametrize("name", ["vysis-alk.toml", "lab.txt", "ümlaut.toml", "-x.toml"])
def test_names_that_cannot_be_a_new_profile(tmp_path, name):
    with pytest.raises(InputError, match="cannot name a new probe profile"):
        profile_name(tmp_path / name)
    assert profile_name(tmp_path / "Our Lab.toml") == "our-lab"
