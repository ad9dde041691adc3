"""The schedule of a sweep, compared with schedules made by hand."""

import pytest

from benchmarks.schedule import makespan


@pytest.mark.parametrize(
    ("seconds", "workers", "end"),
    [
        ([3, 1, 2], 1, 6),
        ([3, 1, 2], 2, 3),  # 3 | 1, then 2
        ([1, 1, 1, 9], 2, 10),  # the long one last: the other worker idles
        ([9, 1, 1, 1], 2, 9),
        ([5, 5, 5], 8, 5),
    ],
)
def test_each_job_goes_to_the_first_free_worker(seconds, workers, end):
    assert makespan(seconds, workers) == end
