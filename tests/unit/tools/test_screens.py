"""The recorder of screens."""

import pytest

from tools import screens


def test_a_preparation_that_changes_nothing_is_refused(tmp_path):
    (tmp_path / "file").write_text("old")
    screens.replaced("file", "old", "new")(tmp_path)
    assert (tmp_path / "file").read_text() == "new"
    with pytest.raises(ValueError, match="file: found no 'old'"):
        screens.replaced("file", "old", "new")(tmp_path)
