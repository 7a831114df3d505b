"""Drawn shapes as areas: cut to the field, kept exactly by files, and shown again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alkfish.errors import InputError
from alkfish.io.areas import drawn_areas, write_drawn, write_regions
from alkfish.io.geojson import Area, Regions, read_regions
from alkfish.plugin.area_shapes import areas_of_shapes, shapes_of_regions

FIELD = (400, 600)
BOX = np.array([[50, 60], [50, 260], [250, 260], [250, 60]], float)


def area_of(points, kind="polygon", shape=FIELD):
    (found,) = areas_of_shapes([points], [kind], shape=shape)
    return found


def size_of(area):
    y, x = area.rings[0].T
    return abs(float((x[:-1] * y[1:] - x[1:] * y[:-1]).sum())) / 2


def test_a_polygon_and_a_rectangle_keep_their_corners():
    for kind in ("polygon", "rectangle"):
        assert np.array_equal(area_of(BOX, kind).rings[0][:-1], BOX)


def test_an_ellipse_has_the_size_of_one():
    assert size_of(area_of(BOX, "ellipse")) == pytest.approx(np.pi * 100 * 100, rel=0.01)


def test_lines_enclose_nothing():
    assert areas_of_shapes([BOX, BOX], ["path", "line"], shape=FIELD) == ()


def test_what_reaches_over_the_edge_is_cut():
    area = area_of(np.array([[-100, -100], [-100, 100], [100, 100], [100, -100]], float))
    assert area.box == (-0.5, 100.0, -0.5, 100.0)
    Regions((area,)).check_inside(FIELD, where="here")
    assert size_of(area) == pytest.approx(100.5**2)


def test_what_lies_outside_is_left_out():
    assert areas_of_shapes([BOX + 1000], ["polygon"], shape=FIELD) == ()


def test_the_planes_of_a_stack_do_not_matter():
    stacked = np.concatenate([np.full((4, 1), 3.0), BOX], axis=1)
    assert np.array_equal(area_of(stacked).rings[0][:-1], BOX)


def test_an_outline_that_crosses_itself_is_refused():
    with pytest.raises(InputError, match="crosses itself"):
        area_of(BOX[[0, 2, 1, 3]])


@given(
    st.lists(
        st.tuples(st.floats(-500, 1000), st.floats(-500, 1000)), min_size=3, max_size=3, unique=True
    )
)
def test_triangles_are_cut_to_the_field_and_never_grow(points):
    corners = np.array(points)
    for area in areas_of_shapes([corners], ["polygon"], shape=FIELD):
        Regions((area,)).check_inside(FIELD, where="here")
        y, x = np.concatenate([corners, corners[:1]]).T
        whole = abs(float((x[:-1] * y[1:] - x[1:] * y[:-1]).sum())) / 2
        assert size_of(area) <= whole + 150  # corners move to the grid


def test_files_keep_what_was_drawn_exactly(tmp_path):
    drawn = Regions((area_of(BOX + 0.123),), (area_of(BOX / 3, "ellipse"),))
    found = read_regions(write_regions(drawn, tmp_path / "a.geojson"))
    assert found.fingerprint() == drawn.fingerprint()
    inside, outside = shapes_of_regions(found)
    again = Regions(
        areas_of_shapes(inside, ["polygon"], shape=FIELD),
        areas_of_shapes(outside, ["polygon"], shape=FIELD),
    )
    assert again.fingerprint() == drawn.fingerprint()


def test_holes_become_areas_to_leave_out():
    hole = Area("", (np.concatenate([BOX, BOX[:1]]), np.concatenate([BOX, BOX[:1]]) / 2 + 60))
    inside, outside = shapes_of_regions(Regions((hole,)))
    assert (len(inside), len(outside)) == (1, 1)


def test_a_cleared_drawing_is_remembered_as_such(tmp_path):
    before = Regions((area_of(BOX),))
    assert drawn_areas(tmp_path, "field", default=before) is before
    write_drawn(tmp_path, "field", before)
    assert len(drawn_areas(tmp_path, "field", default=Regions(())).include) == 1
    write_drawn(tmp_path, "field", Regions(()))
    found = drawn_areas(tmp_path, "field", default=before)
    assert (found.include, found.exclude) == ((), ())
