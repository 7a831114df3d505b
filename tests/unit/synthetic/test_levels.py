import pytest

from alkfish.errors import InputError
from alkfish.synthetic.levels import LEVELS, Level, as_level


def test_names_of_levels_are_frozen():
    assert {"easy", "typical", "hard", "empty", "haze", "failed_five_prime"} <= LEVELS.keys()
    assert all(name == level.name for name, level in LEVELS.items())


def test_every_figure_says_unit_meaning_and_source():
    figures = list(Level.figures())
    assert len(figures) > 30
    for name, _, _, meaning, source in figures:
        assert meaning, name
        assert source, name


def test_difficulty_rises():
    easy, typical, hard = (LEVELS[name] for name in ("easy", "typical", "hard"))
    for name in ("spot_photons", "dapi_photons"):
        assert getattr(easy, name) >= getattr(typical, name) > getattr(hard, name)
    for name in ("coverage", "debris", "probe_background", "nuclear_haze", "red_into_green"):
        assert getattr(easy, name) < getattr(typical, name) < getattr(hard, name)


def test_a_level_can_be_changed_and_passed():
    mine = LEVELS["easy"].with_(name="mine", debris=3.0)
    assert as_level(mine) is mine
    assert as_level("easy").debris == 0.0


def test_unknown_level_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match=r"unknown level.*\n.*impossible\n.*typical"):
        as_level("impossible")
