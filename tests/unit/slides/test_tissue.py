from types import SimpleNamespace

import numpy as np
import pytest

from alkfish.model.window import Window
from alkfish.slides.tissue import TissueMap, find_tissue, sample_windows, tissue_mask


def noisy(shape, seed=0):
    return np.random.default_rng(seed).normal(100, 5, shape)


def test_noise_is_no_tissue():
    assert not tissue_mask(noisy((300, 400)), margin_px=3).any()
    assert not tissue_mask(np.full((30, 40), 7, np.uint16), margin_px=3).any()


@pytest.mark.parametrize("height", [60, 600, 6000])
def test_nuclei_are_tissue_and_so_is_their_margin(height):
    picture = noisy((300, 400))
    picture[100:106, 200:206] += height
    mask = tissue_mask(picture, margin_px=10)
    assert mask[100:106, 200:206].all()
    assert mask[95, 203]
    assert mask.mean() < 0.02


def test_dim_tissue_beside_bright_tissue():
    picture = noisy((300, 400))
    picture[50:100, 50:100] += 4000
    picture[200:206, 300:306] += 400
    assert tissue_mask(picture, margin_px=2)[200:206, 300:306].all()


def test_a_slide_full_of_nuclei():
    y, x = np.mgrid[:400, :400]
    picture = noisy((400, 400)) + 1000 * (np.sin(y / 2) * np.sin(x / 2)) ** 2
    assert tissue_mask(picture, margin_px=3).all()


def test_share_of_a_window():
    mask = np.zeros((10, 20), bool)
    mask[:5, :10] = True
    tissue = TissueMap(mask, (100.0, 100.0))
    assert tissue.share(Window(0, 0, 500, 1000)) == 1.0
    assert tissue.share(Window(0, 500, 1000, 1000)) == 0.25
    assert tissue.share(Window(600, 0, 10, 10)) == 0.0
    assert tissue.share(Window(450, 0, 1, 1)) == 1.0


def test_box_of_the_tissue_in_a_window():
    mask = np.zeros((10, 20), bool)
    mask[2:4, 7:9] = True
    tissue = TissueMap(mask, (100.0, 100.0))
    box = tissue.box(Window(0, 0, 1000, 1000))
    assert box == Window(192, 640, 256, 320)
    assert tissue.box(Window(0, 0, 1000, 700)).n_pixels == 0
    assert tissue.box(Window(256, 704, 64, 64)) == Window(256, 704, 64, 64)


def test_samples_lie_on_tissue():
    mask = np.zeros((40, 40), bool)
    mask[:20] = True
    windows = sample_windows(TissueMap(mask, (256.0, 256.0)), (10_240, 10_240))
    assert len(windows) == 8
    assert all(window.bottom <= 5120 for window in windows)
    assert len({window.left for window in windows}) > 3
    assert sample_windows(TissueMap(~mask & False, (256.0, 256.0)), (10_240, 10_240)) == []


def test_sample_of_a_narrow_slide():
    tissue = TissueMap(np.ones((1, 1), bool), (500.0, 9000.0))
    windows = sample_windows(tissue, (500, 9000))
    assert {(w.height, w.width) for w in windows} == {(500, 1024)}


def source_of(*levels, pixel_size_um=0.25):
    sizes = [SimpleNamespace(shape=s, downsample=levels[0][0] / s[0]) for s in levels]
    picture = np.full(levels[-1], 100, np.uint16)
    picture[: levels[-1][0] // 2] = 2000

    def load_dapi(*, level):
        assert level == len(levels) - 1
        return picture

    return SimpleNamespace(
        levels=sizes, shape=levels[0], pixel_size_um=pixel_size_um, load_dapi=load_dapi
    )


def test_tissue_is_found_on_a_small_level():
    tissue = find_tissue(source_of((20_000, 30_000), (2500, 3750)))
    assert tissue.found
    assert tissue.share(Window(0, 0, 1000, 1000)) == 1.0
    assert tissue.share(Window(19_000, 0, 1000, 1000)) == 0.0


def test_a_slide_without_small_levels_is_tissue_everywhere():
    tissue = find_tissue(source_of((20_000, 30_000)))
    assert not tissue.found
    assert tissue.share(Window(19_000, 0, 1000, 1000)) == 1.0
