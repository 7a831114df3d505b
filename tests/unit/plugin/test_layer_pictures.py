"""Layers as a picture on disk: pixels unchanged, nothing guessed."""

from types import SimpleNamespace

import numpy as np
import pytest

from alkfish.errors import InputError, OutputError
from alkfish.io.images import open_case
from alkfish.plugin.layer_pictures import pixel_size_of, planes_of, usual_roles, write_picture


def layer(name="x", shape=(8, 9), units=("pixel", "pixel"), scale=(1.0, 1.0), rgb=False, seed=0):
    data = np.random.default_rng(seed).integers(0, 4000, shape).astype(np.uint16)
    return SimpleNamespace(
        name=name, data=data, rgb=rgb, multiscale=False, units=units, scale=np.array(scale)
    )


@pytest.mark.parametrize(
    ("names", "roles"),
    [
        (["DAPI", "SpectrumOrange", "SpectrumGreen"], {"dapi": 0, "red": 1, "green": 2}),
        (["Image [1]", "DAPI"], {"dapi": 1}),
        (["DAPI", "Hoechst", "FITC"], {"green": 2}),
        ([], {}),
    ],
)
def test_only_clear_names_are_taken(names, roles):
    assert usual_roles(names) == roles


@pytest.mark.parametrize(
    ("units", "scale", "size"),
    [
        (("micrometer", "micrometer"), (0.1, 0.1), 0.1),
        (("pixel", "micrometer", "micrometer"), (1, 0.2, 0.2), 0.2),
        (("nanometer", "nanometer"), (100, 100), 0.1),
        (("pixel", "pixel"), (0.1, 0.1), 0.0),
        (("micrometer", "micrometer"), (1, 0.1), 0.0),
        (("micrometer", "micrometer"), (5, 5), 0.0),
    ],
)
def test_a_scale_without_a_unit_of_length_says_nothing(units, scale, size):
    assert pixel_size_of(layer(units=units, scale=scale)) == pytest.approx(size)


def roles_of(*layers):
    return dict(zip(("dapi", "red", "green"), layers, strict=True))


def test_pixels_come_back_from_disk_unchanged(tmp_path):
    layers = roles_of(*(layer(name=str(k), shape=(40, 50), seed=k) for k in range(3)))
    file = write_picture(planes_of(layers), tmp_path, "case 1", pixel_size_um=0.11)
    (fov,) = open_case(file)
    assert fov.pixel_size_um == pytest.approx(0.11)
    assert np.array_equal(fov.dapi, layers["dapi"].data)
    assert np.array_equal(fov.three_prime, layers["red"].data)
    assert np.array_equal(fov.five_prime, layers["green"].data)
    with pytest.raises(OutputError, match="a picture of this name already"):
        write_picture(planes_of(layers), tmp_path, "case 1", pixel_size_um=0.11)


def test_unfit_layers_are_refused():
    good = [layer(name=str(k)) for k in range(3)]
    with pytest.raises(InputError, match="the channels are not clear"):
        planes_of({"dapi": good[0], "red": good[1]})
    with pytest.raises(InputError, match="the channels are not clear"):
        planes_of(roles_of(good[0], good[1], good[1]))
    with pytest.raises(InputError, match="different sizes"):
        planes_of(roles_of(good[0], good[1], layer(shape=(9, 9))))
    with pytest.raises(InputError, match="the layer cannot be scored"):
        planes_of(roles_of(good[0], good[1], layer(rgb=True)))
    with pytest.raises(InputError, match="the layer cannot be scored"):
        planes_of(roles_of(good[0], good[1], layer(shape=(2, 3, 8, 9))))
