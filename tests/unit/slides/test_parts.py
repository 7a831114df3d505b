import numpy as np

from alkfish.model.result import FieldResult
from alkfish.model.window import Window
from alkfish.segment.runs import list_runs
from alkfish.slides.grid import GridField
from alkfish.slides.parts import cut_part
from alkfish.slides.runs import unpack_runs


def result_of(labels, nuclei, spots):
    return FieldResult(
        fov="f", pixel_size_um=0.1, labels=labels, nuclei=nuclei, spots=spots, qc=None, notes=()
    )


def test_a_part_holds_what_the_core_owns(nuclei_at, spots_at):
    core = Window(1024, 0, 1024, 1024)
    field = GridField(3, 1, 0, core, Window(960, 0, 1152, 1088))
    labels = np.zeros((1152, 1088), np.int32)
    labels[50:70, 100:140] = 1  # crosses the upper edge of the core
    labels[10:20, 10:20] = 2  # in the halo
    labels[500:520, 500:520] = 3
    nuclei = nuclei_at([(59.5, 119.5), (14.5, 14.5), (509.5, 509.5)])
    spots = spots_at(
        [(55, 110), (15, 15), (510, 510), (30, 900), (900, 900)], nucleus_id=[1, 2, 3, 0, 0]
    )
    part = cut_part(result_of(labels, nuclei, spots), list_runs(labels), field, saturated=(4, 5))
    assert part.nuclei.nucleus_id.tolist() == [1, 3]  # 1 lies just outside: a neighbour may not
    assert part.nuclei.y_px.tolist() == [960 + 59.5, 960 + 509.5]
    assert part.n_owned == 1
    assert part.spots.spot_id.tolist() == [1, 3, 5]
    assert part.saturated == (4, 5)
    assert sorted(part.blocks) == [(0, 0), (1, 0)]
    upper, lower = (unpack_runs(part.blocks[key]) for key in ((0, 0), (1, 0)))
    assert upper.tolist() == [[1, y, 100, 139] for y in range(1010, 1024)]
    assert lower[:6].tolist() == [[1, y, 100, 139] for y in range(6)]
    assert lower[6:].tolist() == [[3, 960 + 500 - 1024 + y, 500, 519] for y in range(20)]


def test_empty_field(nuclei_at, spots_at):
    window = Window(0, 0, 100, 100)
    empty = result_of(np.zeros((100, 100), np.int32), nuclei_at([]), spots_at([]))
    part = cut_part(empty, list_runs(empty.labels), GridField(0, 0, 0, window, window))
    assert len(part.nuclei) == len(part.spots) == part.n_owned == 0
    assert part.blocks == {}
