"""What napari is told of the plugin, and the ways into the window from there."""

from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
from npe2 import PluginManifest

import alkfish.plugin
from alkfish.plugin.launch import NOTHING, make_demo, read_results
from alkfish.plugin.workspace import Workspace

MANIFEST = Path(alkfish.plugin.__file__).parent / "napari.yaml"


def test_the_manifest_is_valid_and_everything_it_names_is_there():
    manifest = PluginManifest.from_file(MANIFEST)
    manifest.validate_imports()
    given = manifest.contributions
    assert given.readers
    assert given.sample_data
    assert {widget.display_name for widget in given.widgets} == {"Review cases", "Score an image"}


def test_the_guide_names_the_menu_as_napari_makes_it():
    """Of a plugin with several widgets napari makes a menu of its own within *Plugins*."""
    manifest = PluginManifest.from_file(MANIFEST)
    names = [widget.display_name for widget in manifest.contributions.widgets]
    assert len(names) > 1
    guide = (Path(__file__).parents[2] / "docs" / "review.md").read_text("utf-8")
    for name in names:
        assert f"*Plugins > {manifest.display_name} > {name}*" in guide
    (sample,) = manifest.contributions.sample_data
    assert f"*File > Open Sample > {manifest.display_name} > {sample.display_name}*" in guide


def test_the_package_declares_it():
    found = [each for each in entry_points(group="napari.manifest") if each.name == "alkfish"]
    assert not found or found[0].value == "alkfish.plugin:napari.yaml"
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8")
    heading = '[project.entry-points."napari.manifest"]'
    assert f'{heading}\nalkfish = "alkfish.plugin:napari.yaml"' in text


def test_napari_reads_results_and_bundles_and_nothing_else(results, tmp_path):
    assert read_results(str(results)) is not None
    assert read_results(str(results / "case_a")) is not None
    assert read_results(str(tmp_path)) is None
    assert read_results([str(results)]) is None


def test_a_folder_dropped_on_the_window_is_opened(viewer, results):
    from alkfish.plugin.desk import desk_of

    assert read_results(str(results))(str(results)) == NOTHING
    desk = desk_of(viewer)
    assert desk.workspace.session.case_id == "case_a"
    desk.workspace.close()


def test_the_demo_case_is_made_once_and_can_be_read(tmp_path, monkeypatch):
    from alkfish.plugin import launch
    from alkfish.synthetic.case import simulate_case

    made = []

    def small(simulate):
        made.append(1)
        return simulate_case(
            "easy", seed=2, n_fields=1, case_id=launch.DEMO_CASE, positive_fraction=0.3,
            shape=(512, 512),
        )  # fmt: skip

    monkeypatch.setattr(launch, "_demo_case", small)
    results = make_demo(tmp_path)
    assert make_demo(tmp_path) == results
    assert made == [1]
    workspace = Workspace(None)
    workspace.open(results)
    assert workspace.pictures.available
    assert np.asarray(workspace.pictures.levels("field_01", "dapi")[0]).shape == (512, 512)
    workspace.close()
