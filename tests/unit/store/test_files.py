"""A file is there whole or not at all."""

import pytest

from batch_race.store.files import replacing


def test_the_file_appears_whole(tmp_path):
    path = tmp_path / "new" / "file.txt"
    with replacing(path) as temporary:
        temporary.write_text("half")
        assert not path.exists()
        assert temporary.parent == path.parent
        assert temporary.suffix == ".txt"
        temporary.write_text("whole")
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def fail_half_way(path):
    path.write_text("half")
    raise ZeroDivisionError


def test_a_failure_leaves_the_old_file(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(path) as temporary:
        fail_half_way(temporary)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
