"""Each flag of shape and focus, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from alkfish.config import Config, ScorableConfig
from alkfish.model.flags import NucleusFlag
from alkfish.model.nuclei import NucleusTable
from alkfish.segment import Segmenter, find_nuclei, shape_flags
from alkfish.segment.scorable import contact_shares

GOOD = NucleusTable(
    nucleus_id=[1], y_px=[50.0], x_px=[50.0], area_um2=[100.0], solidity=[0.97],
    dapi_mean=[500.0], focus=[0.6], saturated=[0.0], flags=[0],
)  # fmt: skip
INSIDE = np.zeros((100, 100), np.int32)
INSIDE[40:60, 40:60] = 1


@pytest.mark.parametrize(
    ("column", "value", "flag"),
    [
        ("area_um2", 100.0, 0),
        ("area_um2", 20.0, NucleusFlag.TOO_SMALL),
        ("area_um2", 900.0, NucleusFlag.TOO_LARGE),
        ("solidity", 0.80, NucleusFlag.CLUMP),
        ("focus", 0.10, NucleusFlag.OUT_OF_FOCUS),
        ("saturated", 0.50, NucleusFlag.SATURATED),
    ],
)
def test_each_limit_sets_its_flag(column, value, flag):
    table = replace(GOOD, **{column: [value]})
    assert shape_flags(table, INSIDE, pixel_size_um=0.2).tolist() == [int(flag)]


@pytest.mark.parametrize("place", [np.s_[0, 50], np.s_[-1, 50], np.s_[50, 0], np.s_[50, -1]])
def test_border(place):
    labels = INSIDE.copy()
    labels[place] = 1
    assert shape_flags(GOOD, labels, pixel_size_um=0.2).tolist() == [int(NucleusFlag.BORDER)]


def test_limits_come_from_the_settings():
    config = ScorableConfig(min_diam_um=12.0)
    flags = shape_flags(GOOD, INSIDE, pixel_size_um=0.2, config=config)
    assert flags.tolist() == [int(NucleusFlag.TOO_SMALL)]


def test_empty_table_has_no_flags():
    flags = shape_flags(NucleusTable.empty(), np.zeros((0, 0), np.int32), pixel_size_um=0.2)
    assert flags.dtype == np.int32
    assert len(flags) == 0


def test_find_nuclei_measures_and_flags():
    rows, columns = np.mgrid[:256, :256]
    picture = np.full((256, 256), 100.0)
    for y, x in [(128, 128), (8, 60)]:
        picture[(rows - y) ** 2 + (columns - x) ** 2 < 24**2] += 700
    picture = cv2.GaussianBlur(picture, (0, 0), 1.5)
    picture += np.random.default_rng(0).normal(0, 5, picture.shape)
    nuclei = find_nuclei(picture.astype(np.float32), pixel_size_um=0.22)
    assert len(nuclei) == 2
    order = np.argsort(nuclei.table.y_px)
    assert nuclei.table.flags[order[0]] & NucleusFlag.BORDER
    assert nuclei.table.flags[order[1]] == 0


def test_any_segmenter_can_take_its_place():
    def square(dapi, *, pixel_size_um):
        labels = np.zeros(dapi.shape, np.int64)
        labels[20:70, 20:70] = 3
        return labels

    assert isinstance(square, Segmenter)
    dapi = np.zeros((100, 100), np.uint16)
    nuclei = find_nuclei(dapi, pixel_size_um=0.2, config=Config(), segmenter=square)
    assert nuclei.labels.dtype == np.int32
    assert nuclei.table.nucleus_id.tolist() == [3]


def test_a_region_far_larger_than_its_neighbours_is_a_clump():
    table = NucleusTable.concatenate([GOOD] * 12)
    areas = np.full(12, 80.0)
    areas[3] = 240.0
    table = replace(table, nucleus_id=np.arange(1, 13), area_um2=areas)
    flags = shape_flags(table, INSIDE * 0, pixel_size_um=0.2)
    assert np.flatnonzero(flags).tolist() == [3]
    assert flags[3] == NucleusFlag.CLUMP
    few = table.take(np.arange(5))
    assert not shape_flags(few, INSIDE * 0, pixel_size_um=0.2).any()


def test_contact_is_the_share_of_the_outline_that_faces_others():
    labels = np.zeros((40, 60), np.int32)
    labels[10:20, 10:20] = 2
    labels[10:20, 20:30] = 5
    labels[30:34, 2:50] = 7
    ids = np.array([2, 5, 7, 9], np.int32)
    np.testing.assert_allclose(contact_shares(labels, ids, pixel_size_um=0.4), [0.25, 0.25, 0, 0])
    np.testing.assert_allclose(contact_shares(labels, ids[:2], pixel_size_um=0.2), [0.25, 0.25])
    assert len(contact_shares(labels, ids[:0], pixel_size_um=0.4)) == 0


def test_a_bay_counts_for_more_beside_a_neighbour():
    labels = np.zeros((100, 100), np.int32)
    labels[40:60, 40:60] = 1
    table = replace(GOOD, solidity=[0.90])
    assert shape_flags(table, labels, pixel_size_um=0.2).tolist() == [0]
    labels[40:60, 60:80] = 2
    assert shape_flags(table, labels, pixel_size_um=0.2).tolist() == [int(NucleusFlag.CLUMP)]


def test_contact_alone_excludes_nothing():
    labels = np.full((100, 100), 2, np.int32)
    labels[0] = labels[-1] = labels[:, 0] = labels[:, -1] = 0
    labels[40:60, 40:60] = 1
    assert shape_flags(GOOD, labels, pixel_size_um=0.2).tolist() == [0]
