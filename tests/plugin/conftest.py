"""Fixtures for tests of the review window: real results, a real napari window under xcb."""

import shutil
import warnings

import numpy as np
import pytest

pytest.importorskip("pytestqt")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of third parties, while their modules are imported
    pytest.importorskip("napari")
    for module in ("components", "layers", "utils.colormaps", "viewer", "qt"):
        pytest.importorskip(f"napari.{module}")

THIRD_PARTY = (
    "ignore::DeprecationWarning:(napari|vispy|app_model|superqt|magicgui|in_n_out|psygnal|npe2)",
    "ignore::FutureWarning:(napari|vispy|app_model|superqt|magicgui)",
    "ignore:.*json_encoders.*",
)
"""Warnings of libraries, by their module; those of our own code are errors as everywhere."""


def pytest_collection_modifyitems(items):
    for item in items:
        for text in THIRD_PARTY:
            item.add_marker(pytest.mark.filterwarnings(text))


@pytest.fixture(scope="session")
def scored(tmp_path_factory):
    """Two small cases, simulated and scored once: never written to."""
    from alkfish import open_case, score_case, write_bundle
    from alkfish.io.locations import PicturePlace, remember_pictures
    from alkfish.synthetic.case import simulate_case, write_case

    folder = tmp_path_factory.mktemp("scored")
    for name, seed, n_fields, side in (("case_a", 7, 4, 1536), ("case_b", 8, 1, 700)):
        case = simulate_case(
            "typical", seed=seed, n_fields=n_fields, case_id=name, positive_fraction=0.25,
            shape=(side, side),
        )  # fmt: skip
        images = write_case(case, folder / "images")
        result = score_case(open_case(images))
        write_bundle(result, folder / "results")
        remember_pictures(folder / "results", name, PicturePlace((images,)))
    return folder


@pytest.fixture
def results(scored, tmp_path):
    """A folder of results of one's own, with its pictures beside it."""
    shutil.copytree(scored, tmp_path / "study")
    return tmp_path / "study" / "results"


@pytest.fixture(scope="module")
def viewer(qapp):
    """A real napari window, one per module; it is empty at the begin of each test that opens it."""
    import napari

    assert qapp.platformName() == "xcb", "only a real window draws: offscreen stays blank"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of third parties, while the window is made
        made = napari.Viewer(show=True)
    made.window.resize(1280, 800)
    yield made
    made.close()


@pytest.fixture
def workspace(viewer, results):
    """The workspace of the window with the folder of results open."""
    from alkfish.plugin.workspace import workspace_of

    found = workspace_of(viewer)
    found.open(results / "case_a", reader="A. Reader")
    yield found
    found.close()


@pytest.fixture
def desk(viewer, workspace, qapp):
    """The panels around the window, arranged."""
    from alkfish.plugin.desk import desk_of

    found = desk_of(viewer)
    found.arrange()
    qapp.processEvents()
    return found


@pytest.fixture
def session(desk):
    """The session of the open case."""
    return desk.workspace.session


@pytest.fixture
def coverage(viewer, qapp):
    """Return what share of the picture is drawn; a blank canvas has none."""

    def measure() -> float:
        qapp.processEvents()
        shot = viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)
        return float(np.mean(shot.max(axis=-1) > 40))

    return measure
