"""A file is written completely or not at all."""

import pytest

from batch_race.store.files import replacing


def test_the_file_appears_when_it_is_complete(tmp_path):
    path = tmp_path / "new" / "file.txt"
    with replacing(path) as temporary:
        temporary.write_text("half")
        assert not path.exists()
        assert temporary.parent == path.parent
        assert temporary.suffix == ".txt"
        temporary.write_text("whole")
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def write_half_and_fail(path):
    path.write_text("half")
    raise ZeroDivisionError


def test_a_failure_keeps_the_old_file(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(path) as temporary:
        write_half_and_fail(temporary)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
