import json

import numpy as np
import pytest
import tifffile

from alkfish.errors import InputError, OutputError
from alkfish.io.labels import read_labels
from alkfish.io.tables import read_table
from alkfish.model.probe import Colour
from alkfish.model.signals import NucleusRecords, SpotRecords
from alkfish.synthetic import simulate_case, write_case
from alkfish.synthetic.case import draw_mix, draw_positive_fraction
from alkfish.synthetic.truth import TruthNuclei

ARGS = {"seed": 8, "n_fields": 2, "shape": (224, 256), "pixel_size_um": 0.3}


@pytest.fixture(scope="module")
def case():
    return simulate_case("easy", case_id="golden", **ARGS)


@pytest.fixture(scope="module")
def folder(case, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    write_case(case, out)
    return out


def test_image_folder_holds_only_pictures(folder):
    names = sorted(path.name for path in (folder / "golden").iterdir())
    assert names == ["field_01.ome.tif", "field_02.ome.tif"]


def test_pictures_say_channels_scale_and_that_they_are_simulated(case, folder):
    with tifffile.TiffFile(folder / "golden" / "field_01.ome.tif") as tiff:
        planes, text = tiff.series[0].asarray(), tiff.ome_metadata
    assert np.array_equal(planes[0], case.fields[0].fov.dapi)
    assert np.array_equal(planes[1], case.fields[0].fov.three_prime)
    assert np.array_equal(planes[2], case.fields[0].fov.five_prime)
    for words in ("DAPI", "SpectrumOrange", "SpectrumGreen", 'PhysicalSizeX="0.3"', "simulated"):
        assert words in text


def test_truth_reads_back(case, folder):
    truth = folder / "truth" / "golden"
    for kind, name, rows in (
        (NucleusRecords, "nuclei", case.nuclei),
        (SpotRecords, "spots", case.spots),
        (TruthNuclei, "biology", case.biology),
    ):
        back = read_table(kind, truth / f"{name}.parquet")
        for info in kind.columns():
            assert np.array_equal(getattr(back, info.name), getattr(rows, info.name)), info.name
    labels = read_labels(truth / "labels.zarr")
    assert np.array_equal(labels["field_02"], case.fields[1].labels)
    assert labels.pixel_size_um("field_02") == 0.3


def test_truth_json_adds_up(case, folder):
    told = json.loads((folder / "truth" / "golden" / "truth.json").read_text())
    assert told["simulated"] is True
    assert told["seed"] == 8
    assert told["level"]["name"] == "easy"
    assert sum(told["counts"].values()) == told["n_scorable"] == case.nuclei.scorable.sum()
    assert told["n_scorable"] > 0
    positive = told["counts"]["SPLIT"] + told["counts"]["ISOLATED_3P"]
    assert told["true_rate"] == pytest.approx(positive / told["n_scorable"])
    assert told["true_call"] in ("POSITIVE", "NEGATIVE", "NOT_EVALUABLE")


def test_writing_twice_gives_the_same_bytes(case, folder, tmp_path):
    write_case(simulate_case("easy", case_id="golden", **ARGS), tmp_path)
    for path in folder.rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (tmp_path / path.relative_to(folder)).read_bytes(), path


def test_existing_case_is_not_overwritten(case, folder):
    with pytest.raises(OutputError, match="cannot be written"):
        write_case(case, folder)


def test_swapped_colours_change_the_channel_order(tmp_path):
    case = simulate_case("easy", three_prime_colour=Colour.GREEN, **ARGS)
    path = write_case(case, tmp_path) / "field_01.ome.tif"
    planes = tifffile.imread(path)
    assert np.array_equal(planes[2], case.fields[0].fov.three_prime)
    assert np.array_equal(planes[1], case.fields[0].fov.five_prime)


def test_more_fields_leave_the_first_as_they_were(case):
    longer = simulate_case("easy", **{**ARGS, "n_fields": 3})
    for short, long in zip(case.fields, longer.fields, strict=False):
        assert np.array_equal(short.fov.dapi, long.fov.dapi)
    assert not np.array_equal(longer.fields[0].fov.dapi, longer.fields[2].fov.dapi)


def test_fields_share_the_chromatic_shift():
    case = simulate_case("hard", seed=1, n_fields=2, shape=(64, 64))
    assert case.fields[0].shift_um == case.fields[1].shift_um
    assert np.hypot(*case.fields[0].shift_um) == pytest.approx(0.16)


def test_fractions_have_the_published_medians():
    rng = np.random.default_rng(0)
    positive = [draw_positive_fraction(rng, positive=True) for _ in range(2000)]
    negative = [draw_positive_fraction(rng, positive=False) for _ in range(2000)]
    assert min(positive) >= 0.145
    assert np.median(positive) == pytest.approx(0.58, abs=0.04)
    assert np.mean(negative) < 0.02


def test_mix_is_split_dominant_in_half_of_the_cases():
    rng = np.random.default_rng(0)
    mixes = [draw_mix(rng) for _ in range(500)]
    assert np.mean([mix.split > 0.5 for mix in mixes]) == pytest.approx(0.55, abs=0.07)
    assert all(mix.split + mix.isolated_3p == pytest.approx(1.0) for mix in mixes)


def test_a_case_needs_a_field():
    with pytest.raises(InputError, match="at least one field"):
        simulate_case("easy", seed=0, n_fields=0)
