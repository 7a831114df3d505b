"""The table of keys, and the page that lists it."""

from pathlib import Path

from alkfish.model.signals import Pattern
from alkfish.plugin.keys import KEYS, REASONS, Group, key_words, keys_table

PAGE = Path(__file__).parents[2] / "docs" / "review.md"


def test_the_guide_lists_the_keys_as_they_are():
    text = PAGE.read_text("utf-8")
    listed = text.split("<!-- keys -->")[1].split("<!-- /keys -->")[0]
    assert listed.strip() == keys_table().strip()


def test_no_key_stands_for_two_actions():
    keys = [key for action in KEYS for key in action.keys]
    assert len(set(keys)) == len(keys)
    assert len({action.name for action in KEYS}) == len(KEYS)


def test_every_pattern_has_a_key_and_none_of_those_that_write_repeats():
    assert {action.pattern for action in KEYS if action.pattern} == set(Pattern)
    assert not any(action.repeats for action in KEYS if action.group is Group.DECIDE)


def test_reasons_can_be_chosen_by_one_digit():
    assert 0 < len(REASONS) <= 9
    assert len(set(REASONS)) == len(REASONS)


def test_keys_are_shown_as_they_stand_on_the_keyboard():
    assert key_words("Right") == "→"
    assert key_words("A") == "A"
