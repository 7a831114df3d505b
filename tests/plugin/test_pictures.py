"""Pixels of the open case: found, compared, read where they are looked at."""

import shutil
import threading

import numpy as np
import pytest

from alkfish import open_bundle, open_case
from alkfish.errors import InputError
from alkfish.plugin.pictures import (
    CHANNELS,
    CasePictures,
    Thinned,
    differing,
    find_pictures,
    lazy_levels,
)
from alkfish.report.pictures import Window


@pytest.fixture(scope="module")
def case(scored):
    return open_case(scored / "images" / "case_b")


@pytest.fixture(scope="module")
def result(scored):
    return open_bundle(scored / "results" / "case_b")


def test_pictures_are_found_where_scoring_left_them(scored, result):
    found = find_pictures(scored / "results", result)
    assert found.available
    assert found.why_not == ""
    assert differing(result, found) == ""


def test_fields_whose_files_have_changed_names_are_told_apart(results):
    images = results.parent / "images" / "case_a"
    one, two = (images / f"field_0{number}.ome.tif" for number in (1, 2))
    shutil.copy(one, images / "kept")
    two.rename(one)
    (images / "kept").rename(two)
    found = find_pictures(results, open_bundle(results / "case_a"), images=images)
    assert not found.available
    assert "not those that were scored" in found.why_not


def test_fields_without_a_picture_are_named(results):
    images = results.parent / "images" / "case_a"
    (images / "field_03.ome.tif").unlink()
    found = find_pictures(results, open_bundle(results / "case_a"), images=images)
    assert found.available
    assert not found.has("field_03")
    assert found.why_not == "There is no picture of field_03."


def test_levels_of_a_small_field_are_its_planes(scored, result, case):
    found = find_pictures(scored / "results", result)
    field = next(iter(case))
    for channel in CHANNELS:
        (level,) = found.levels(field.name, channel)
        assert np.array_equal(level, getattr(field, channel))


@pytest.mark.parametrize(
    "key",
    [
        np.s_[:, :], np.s_[10:30, 5:77], np.s_[3], np.s_[..., 7], np.s_[4:90:3, 8:64:5],
        np.s_[-20:, :], np.s_[5, 6], np.s_[30:30, :], ...,
    ],
)  # fmt: skip
def test_a_lazy_channel_slices_like_the_array(case, key):
    source = case.fields[0]
    whole = source.load().three_prime
    level = lazy_levels(source, "three_prime")[0]
    assert level.shape == whole.shape
    assert level.dtype == whole.dtype
    assert np.array_equal(level[key], whole[key])
    assert np.array_equal(np.asarray(level), whole)


def test_a_level_that_is_missing_is_every_kth_pixel():
    rng = np.random.default_rng(3)
    base = rng.integers(0, 999, (2100, 1030)).astype(np.uint16)
    thin = Thinned(base, 4)
    assert thin.shape == (525, 258)
    assert np.array_equal(thin[:, :], base[::4, ::4])
    assert np.array_equal(thin[3:9, 2], base[::4, ::4][3:9, 2])


def test_windows_are_cut_from_several_threads(scored, result, case):
    found, field = find_pictures(scored / "results", result), next(iter(case))
    windows = [Window(k * 7, k * 11, 32, 40) for k in range(12)]
    cut = [None] * len(windows)

    def work(k):
        cut[k] = found.cut(field.name, windows[k])

    threads = [threading.Thread(target=work, args=(k,)) for k in range(len(windows))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for window, planes in zip(windows, cut, strict=True):
        assert np.array_equal(planes.five_prime, field.five_prime[window.slices])


def test_unknown_places_and_other_pictures_are_told(scored, result, tmp_path):
    found = find_pictures(tmp_path, result)
    assert not found.available
    assert "not known where" in found.why_not
    other = find_pictures(scored / "results", result, images=scored / "images" / "case_a")
    assert not other.available
    assert "cannot be shown" in other.why_not


def test_no_pictures_give_no_pixels():
    none = CasePictures.none()
    assert not none.available
    with pytest.raises(InputError, match="no picture of the field"):
        none.levels("field_01", "dapi")
