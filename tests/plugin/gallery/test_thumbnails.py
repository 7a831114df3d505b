import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alkfish.errors import ImageError
from alkfish.plugin.thumbnails import ByteLru, Look, TileMaker, View


class TestByteLru:
    def test_keeps_what_was_used_last(self):
        kept = ByteLru(3, len)
        for name in ("a", "b", "c"):
            kept.put(name, "x")
        assert kept.get("a") == "x"
        kept.put("d", "x")
        assert "b" not in kept
        assert all(name in kept for name in ("a", "c", "d"))

    def test_an_item_that_is_too_large_is_not_kept(self):
        kept = ByteLru(3, len)
        kept.put("a", "xx")
        kept.put("b", "xxxx")
        assert kept.get("b") is None
        assert kept.get("a") == "xx"

    def test_another_limit_holds_at_once(self):
        kept = ByteLru(4, len)
        for name in ("a", "b", "c", "d"):
            kept.put(name, "x")
        kept.hold(2)
        assert [name for name in "abcd" if name in kept] == ["c", "d"]
        kept.hold(3)
        kept.put("e", "x")
        assert kept.n_bytes == 3

    def test_forgets(self):
        kept = ByteLru(3, len)
        kept.put("a", "xx")
        kept.clear()
        assert (len(kept), kept.n_bytes, kept.get("a")) == (0, 0, None)

    @given(
        steps=st.lists(
            st.tuples(st.sampled_from("pg"), st.integers(0, 9), st.integers(0, 12)), max_size=60
        )
    )
    def test_bytes_are_counted_right_and_never_exceeded(self, steps):
        kept = ByteLru(20, len)
        model = {}
        for kind, key, size in steps:
            if kind == "p":
                kept.put(key, "x" * size)
                model[key] = "x" * size
            else:
                assert kept.get(key) in (None, model.get(key))
            assert kept.n_bytes <= 20
            assert kept.n_bytes == sum(len(model[k]) for k in model if k in kept)

    def test_threads_do_not_spoil_the_count(self):
        kept = ByteLru(500, len)

        def work(seed):
            rng = np.random.default_rng(seed)
            for _ in range(2000):
                kept.put(int(rng.integers(0, 60)), "x" * int(rng.integers(1, 40)))
                kept.get(int(rng.integers(0, 60)))

        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert kept.n_bytes <= 500
        assert kept.n_bytes == sum(len(kept.get(key) or "") for key in range(60))


@pytest.fixture
def pictures(fake_pictures):
    return fake_pictures()


@pytest.mark.parametrize("view", View)
@pytest.mark.parametrize("side", [40, 128, 400])
def test_tiles_have_the_wanted_side_in_every_view(make_case, pictures, view, side):
    tile = TileMaker(make_case(), pictures).make(3, Look(view, side_px=side))
    assert tile.pixels.shape == (side, side, 3)
    assert tile.pixels.dtype == np.uint8
    assert tile.has_picture
    assert tile.pixels.std() > 1


def test_single_channels_are_grey_and_the_composite_is_not(make_case, pictures):
    maker = TileMaker(make_case(), pictures)
    for view in View:
        red, green, blue = np.moveaxis(maker.make(0, Look(view)).pixels, -1, 0)
        grey = bool((red == green).all() and (green == blue).all())
        assert grey is (view is not View.ALL)


def test_the_window_lies_around_the_nucleus_and_inside_the_field(make_case, pictures):
    case = make_case(25)
    maker = TileMaker(case, pictures)
    for row in range(len(case.nuclei)):
        window = maker.window(row)
        shape = case.labels["field 0"].shape
        assert window.top >= 0
        assert window.left >= 0
        assert window.top + window.height <= shape[0]
        assert window.left + window.width <= shape[1]
        assert window.top <= case.nuclei.y_px[row] < window.top + window.height
        assert window.left <= case.nuclei.x_px[row] < window.left + window.width


def test_pixels_are_cut_once_for_all_views(make_case, pictures):
    maker = TileMaker(make_case(), pictures)
    for view in View:
        for marks in (True, False):
            maker.make(7, Look(view, marks))
    assert len(pictures.cuts) == 1


def test_cut_pixels_outlive_an_edit_of_the_result(make_case, pictures):
    first = TileMaker(make_case(), pictures)
    first.make(7, Look())
    TileMaker(make_case(), pictures, first.planes).make(7, Look())
    assert len(pictures.cuts) == 1


def test_memory_is_bounded_however_many_are_made(make_case, pictures):
    maker = TileMaker(make_case(400, 1), pictures)
    maker.planes = ByteLru(40 * 3 * 2 * 64 * 64, maker.planes._size_of)
    for row in range(400):
        maker.make(row, Look(side_px=64))
    assert len(maker.planes) == 40
    assert maker.planes.n_bytes <= 40 * 3 * 2 * 64 * 64


MARKS = {
    "all, marked": (Look(View.ALL), {"end-3p", "end-5p"}),
    "3', marked": (Look(View.THREE_PRIME), {"end-3p"}),
    "5', marked": (Look(View.FIVE_PRIME), {"end-5p"}),
    "DAPI, marked": (Look(View.DAPI), set()),
    "blinded": (Look(View.ALL, blinded=True), set()),
}


@pytest.mark.parametrize("name", MARKS)
def test_marks_show_the_outline_and_the_signals_of_the_view(make_case, pictures, name):
    look, ends = MARKS[name]
    drawing = TileMaker(make_case(), pictures).make(2, look).marks
    assert "<path" in drawing
    assert {end for end in ("end-3p", "end-5p") if end in drawing} == ends


def test_marks_can_be_left_out(make_case, pictures):
    assert TileMaker(make_case(), pictures).make(2, Look(marks=False)).marks == ""


def test_outlines_do_not_tell_the_pattern(make_case, pictures):
    case = make_case()
    maker = TileMaker(case, pictures)
    rows = [list(case.nuclei.pattern).index(name) for name in ("SPLIT", "FUSED")]
    colours = {part for row in rows for part in maker.make(row, Look()).marks.split('"')
               if part.startswith("#")}  # fmt: skip
    assert not colours & {"#c8440f", "#2f6db5", "#b8860b", "#1a8a6a"}


@pytest.mark.parametrize("blinded", [True, False])
def test_without_pictures_nuclei_are_drawn_from_their_outlines(make_case, fake_pictures, blinded):
    pictures = fake_pictures(available=False)
    tile = TileMaker(make_case(), pictures).make(0, Look(side_px=128, blinded=blinded))
    assert not tile.has_picture
    assert pictures.cuts == []
    inside = round(50 * 128 / 180)  # the window begins at the corner of the field
    assert tile.pixels[inside, inside, 0] > tile.pixels[2, 2, 0]
    assert ("end-3p" in tile.marks) is not blinded


def test_a_field_whose_picture_is_missing_is_drawn(make_case, pictures):
    whole = pictures.cut

    def cut(fov, window):
        if fov == "field 1":
            raise ImageError("the picture is not there", where=fov)
        return whole(fov, window)

    pictures.cut = cut
    maker = TileMaker(make_case(20), pictures)
    assert maker.make(0, Look()).has_picture
    assert not maker.make(25, Look()).has_picture


def test_a_case_without_labels_shows_its_pictures(make_case, pictures):
    from dataclasses import replace

    case = replace(make_case(), labels={})
    tile = TileMaker(case, pictures).make(0, Look())
    assert tile.has_picture
    assert "<path" not in tile.marks
