"""Settings: ranges, unknown keys, TOML both ways, fingerprint."""

import json
import string
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alkfish.config import Config, list_settings
from alkfish.errors import ConfigError

SETTINGS = list(list_settings())
IDS = [f"{info.stage}.{info.name}" for info in SETTINGS]


def values_of(config):
    return json.loads(config.model_dump_json())


@pytest.mark.parametrize("info", SETTINGS, ids=IDS)
def test_every_setting_is_declared_in_full(info):
    assert info.help_text.endswith(".")
    assert info.default is not None
    assert info.name.isascii()
    assert set(info.name) <= set(string.ascii_lowercase + string.digits + "_")
    if isinstance(info.default, float):
        assert info.low is not None
        assert info.high is not None
        assert info.low <= info.default <= info.high


@pytest.mark.parametrize("info", SETTINGS, ids=IDS)
def test_lengths_carry_their_unit_in_the_name(info):
    for suffix, unit in (("_um", "um"), ("_px", "px"), ("_um2", "um2")):
        if info.name.endswith(suffix):
            assert info.unit == unit


@pytest.mark.parametrize("info", [i for i in SETTINGS if i.high is not None], ids=str)
def test_values_outside_the_range_are_refused_by_name(info):
    with pytest.raises(ConfigError, match=rf"{info.stage}\.{info.name}"):
        Config.from_mapping({info.stage: {info.name: info.high + 1}})


def test_unknown_key_is_refused_with_where_and_remedy():
    with pytest.raises(ConfigError, match=r"unknown setting 'detect\.min_snrr'") as caught:
        Config.from_mapping({"detect": {"min_snrr": 7}}, where="my.toml")
    assert caught.value.where == "my.toml"
    assert "config show" in caught.value.remedy


def test_unknown_stage_is_refused():
    with pytest.raises(ConfigError, match="unknown setting 'detekt'"):
        Config.from_mapping({"detekt": {}})


def test_all_problems_are_reported_at_once():
    with pytest.raises(ConfigError, match=r"nonsense.*min_snr"):
        Config.from_mapping({"segment": {"nonsense": 1}, "detect": {"min_snr": -1}})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "seven", None, [7]])
def test_values_that_are_no_numbers_are_refused(value):
    with pytest.raises(ConfigError, match=r"detect\.min_snr"):
        Config.from_mapping({"detect": {"min_snr": value}})


def test_smallest_may_not_exceed_largest():
    with pytest.raises(ConfigError, match=r"min_diam_um must not exceed max_diam_um"):
        Config.from_mapping({"detect": {"min_diam_um": 1.5, "max_diam_um": 1.0}})


def test_settings_are_frozen():
    with pytest.raises(ValueError, match="frozen"):
        Config().detect.min_snr = 9.0


def test_toml_round_trip(tmp_path):
    config = Config().with_settings(["detect.min_snr=7.5", "scorable.max_signals=9"])
    path = tmp_path / "settings.toml"
    path.write_text(config.to_toml(), "utf-8")
    assert Config.from_toml(path) == config
    assert config.detect.min_snr == 7.5


def test_toml_file_may_name_a_few_settings_only(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text("[detect]\nmin_snr = 8\n", "utf-8")
    config = Config.from_toml(path)
    assert config == Config().with_settings(["detect.min_snr=8"])


def test_empty_toml_file_is_the_defaults(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text("", "utf-8")
    assert Config.from_toml(path) == Config()


@pytest.mark.parametrize("content", [b"[detect", b"\xff\xfe\x00", b"a = "])
def test_broken_toml_file_is_an_error_with_its_name(tmp_path, content):
    path = tmp_path / "broken.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"broken\.toml: the settings file cannot be read"):
        Config.from_toml(path)


def test_missing_toml_file_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        Config.from_toml(tmp_path / "none.toml")


@pytest.mark.parametrize("text", ["detect.min_snr", "min_snr=7", "detect.=7", "=7", ""])
def test_assignment_must_name_stage_key_and_value(text):
    with pytest.raises(ConfigError, match=r"stage\.key=value"):
        Config().with_settings([text])


@pytest.mark.parametrize("text", ["detect.min_snr.deep=7", "nope.min_snr=7", "detect.min_snr=x"])
def test_assignment_is_checked_like_a_file(text):
    with pytest.raises(ConfigError, match=r"--set"):
        Config().with_settings([text])


def test_assignments_apply_in_order():
    config = Config().with_settings(["detect.min_snr=7", " detect . min_snr = 8 "])
    assert config.detect.min_snr == 8


def test_no_assignment_changes_nothing():
    assert Config().with_settings([]) == Config()


def test_fingerprint_depends_on_values_only(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text("[detect]\nmin_snr = 7\n", "utf-8")
    by_file = Config.from_toml(path).fingerprint()
    assert by_file == Config().with_settings(["detect.min_snr=7.0"]).fingerprint()
    assert by_file != Config().fingerprint()
    assert len(by_file) == 64


@given(snr=st.floats(10.0, 20.0), signals=st.integers(2, 100))
def test_every_allowed_value_survives_toml(snr, signals):
    config = Config.from_mapping({"detect": {"min_snr": snr}, "scorable": {"max_signals": signals}})
    assert Config.from_mapping(tomllib.loads(config.to_toml())) == config
    assert values_of(config)["detect"]["min_snr"] == snr
