import numpy as np
import pytest

from alkfish.model.window import Window
from alkfish.slides.parts import FieldPart
from alkfish.slides.runs import pack_runs
from alkfish.slides.stitch import SlideLabels, stitch_parts

PIXEL_UM = 0.2  # nuclei of 100 um2 have a radius of 28 px
LEFT, RIGHT = Window(0, 0, 1024, 1024), Window(0, 1024, 1024, 1024)


def two_parts(left, right, left_spots, right_spots, blocks=({}, {})):
    return [
        FieldPart(0, LEFT, left, left_spots, blocks[0]),
        FieldPart(1, RIGHT, right, right_spots, blocks[1]),
    ]


def columns(table):
    return {info.name: getattr(table, info.name).tolist() for info in table.columns()}


@pytest.mark.parametrize(
    ("left_x", "right_x", "kept"),
    [
        ([1000.0], [1000.4], [1000.0]),  # both see it, the left owns it
        ([1030.0], [1030.4], [1030.4]),  # the right owns it
        ([1023.0], [1024.0], [1023.0]),  # both own it
        ([1023.6], [1023.4], [1023.6]),  # neither owns it
        ([1010.0], [1036.0], [1010.0, 1036.0]),  # two nuclei
        ([1030.0], [], []),  # seen by the neighbour's halo only: the owner did not find it
    ],
)
def test_one_row_per_nucleus_at_a_seam(nuclei_at, spots_at, left_x, right_x, kept):
    left = nuclei_at([(500, x) for x in left_x])
    right = nuclei_at([(500, x) for x in right_x])
    stitched = stitch_parts(
        two_parts(left, right, spots_at([]), spots_at([])), pixel_size_um=PIXEL_UM
    )
    assert stitched.nuclei.x_px.tolist() == kept
    assert stitched.nuclei.nucleus_id.tolist() == list(range(1, len(kept) + 1))


def test_ids_of_spots_and_signals_follow_their_nuclei(nuclei_at, spots_at):
    left = nuclei_at([(100, 100), (500, 1030)], decisive_spot=[2, 3])
    right = nuclei_at([(500, 1030), (50, 1200)], decisive_spot=[1, 0])
    left_spots = spots_at(
        [(105, 100), (101, 100), (500, 1031)], nucleus_id=[1, 1, 2], signal_id=[1, 1, 2]
    )
    right_spots = spots_at(
        [(500, 1031), (52, 1200), (9, 1500)], nucleus_id=[1, 2, 0], signal_id=[1, 2, 0],
        end=["3p", "5p", "3p"],
    )  # fmt: skip
    parts = two_parts(left, right, left_spots, right_spots)
    stitched = stitch_parts(parts, pixel_size_um=PIXEL_UM)
    assert stitched.nuclei.y_px.tolist() == [50, 100, 500]
    spots = stitched.spots
    assert spots.end.tolist() == ["3p", "3p", "3p", "3p", "5p"]
    assert spots.y_px.tolist() == [9, 101, 105, 500, 52]
    assert spots.nucleus_id.tolist() == [0, 2, 2, 3, 1]
    assert spots.spot_id.tolist() == [1, 2, 3, 4, 5]
    assert spots.signal_id[1] == spots.signal_id[2] > 0
    assert len(set(spots.signal_id.tolist())) == 4  # 0 and three signals
    assert stitched.nuclei.decisive_spot.tolist() == [0, 2, 4]


def test_order_of_parts_does_not_matter(nuclei_at, spots_at):
    rng = np.random.default_rng(3)
    points = rng.uniform(0, 1024, (200, 2))
    left = nuclei_at(points)
    right = nuclei_at(points + [0, 1024])
    parts = two_parts(left, right, spots_at(points), spots_at(points + [0, 1024]))
    one = stitch_parts(parts, pixel_size_um=PIXEL_UM)
    other = stitch_parts(parts[::-1], pixel_size_um=PIXEL_UM)
    assert columns(one.nuclei) == columns(other.nuclei)
    assert columns(one.spots) == columns(other.spots)


def test_nothing_found():
    stitched = stitch_parts([], pixel_size_um=PIXEL_UM)
    assert len(stitched.nuclei) == len(stitched.spots) == 0


def test_labels_are_put_together_across_fields_and_blocks(nuclei_at, spots_at):
    def block(rows, cols, value):
        return pack_runs(
            np.array([[value, y, cols.start, cols.stop - 1] for y in range(rows.start, rows.stop)])
        )

    parts = two_parts(
        nuclei_at([(500, 1000)]), nuclei_at([(20, 1100)]), spots_at([]), spots_at([]),
        blocks=(
            {(0, 0): block(slice(480, 520), slice(980, 1024), 1),
             (0, 1): block(slice(480, 520), slice(0, 10), 1)},
            {(0, 1): block(slice(0, 40), slice(60, 90), 1)},
        ),
    )  # fmt: skip
    stitched = stitch_parts(parts, pixel_size_um=PIXEL_UM)
    labels = SlideLabels(parts[::-1], (1000, 2000), stitched.numbers)
    whole = np.asarray(labels)
    assert whole.shape == (1000, 2000)
    expected = np.zeros((1000, 2000), np.int32)
    expected[480:520, 980:1034] = 2
    expected[0:40, 1084:1114] = 1
    assert np.array_equal(whole, expected)
    assert np.array_equal(labels[470:600, 1000:1100], expected[470:600, 1000:1100])
    assert labels[5:5, :].shape == (0, 2000)
    assert np.array_equal(labels[500:510, 1030:1090], expected[500:510, 1030:1090])


def test_where_outlines_overlap_the_lower_field_wins(nuclei_at, spots_at):
    runs = [pack_runs(np.array([[1, 5, first, first + 9]])) for first in (0, 5)]
    parts = two_parts(
        nuclei_at([(5, 5)]), nuclei_at([(5, 1100)]), spots_at([]), spots_at([]),
        blocks=({(0, 0): runs[0]}, {(0, 0): runs[1]}),
    )  # fmt: skip
    labels = SlideLabels(
        parts, (1024, 2048), {0: np.array([0, 8], np.int32), 1: np.array([0, 9], np.int32)}
    )
    assert labels[5:6, 0:17].tolist() == [[8] * 10 + [9] * 5 + [0] * 2]
    dropped = SlideLabels(
        parts, (1024, 2048), {0: np.zeros(2, np.int32), 1: np.array([0, 9], np.int32)}
    )
    assert dropped[5:6, 0:17].tolist() == [[0] * 5 + [9] * 10 + [0] * 2]
