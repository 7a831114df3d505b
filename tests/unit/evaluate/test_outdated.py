"""Results that the last batch did not make are told."""

import pytest

from alkfish.evaluate.outdated import outdated_results

ROWS = ("case_id,status,reason", "a,scored,", "b,failed,the picture changed.", "c,not reached,")
TABLE = "\ufeff" + "\r\n".join(ROWS)


def test_failed_and_unreached_cases_are_told(tmp_path):
    assert outdated_results(tmp_path, ["a", "b"]) == []
    (tmp_path / "summary.csv").write_text(TABLE, "utf-8", newline="")
    found = outdated_results(tmp_path, ["a", "b", "c", "d"])
    assert [text.split(":")[0] for text in found] == ["case b", "case c"]
    assert "(failed: the picture changed)" in found[0]
    assert "(not reached)" in found[1]


def test_a_single_result_has_its_table_beside_it(tmp_path):
    (tmp_path / "summary.csv").write_text(TABLE, "utf-8", newline="")
    (tmp_path / "b").mkdir()
    assert outdated_results(tmp_path / "b", ["b"]) == []
    (tmp_path / "b" / "result.json").write_text("{}")
    assert len(outdated_results(tmp_path / "b", ["b"])) == 1


@pytest.mark.parametrize("content", [b"", b"x,y\n1,2\n"])
def test_a_table_of_another_kind(tmp_path, content):
    (tmp_path / "summary.csv").write_bytes(content)
    found = outdated_results(tmp_path, ["b"])
    assert found == [] if content else "cannot be read" in found[0]
