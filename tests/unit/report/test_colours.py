"""The colours of batch sizes: visible on each page, and different where one looks for it."""

from itertools import combinations

import numpy as np
import pytest

from batch_race.report.colours import of_batch_size

WHITE, DARK = "#ffffff", "#16181b"  # the pages

EVERY = [round(2 ** (index / 8)) for index in range(8 * 20)]

TOGETHER = [
    *([2**power for power in range(first, first + 6)] for first in range(14)),
    [1, 32, 128, 60000],
    [1, 4, 16, 64, 256, 1024, 4096],
    [8, 16, 32, 64, 128, 256, 512, 1024],
    [1, 10, 100, 1000, 10000],
]


def linear(colour):
    """Return linear sRGB (IEC 61966-2-1)."""
    parts = np.array([int(colour[index : index + 2], 16) for index in (1, 3, 5)]) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def contrast(one, other):
    """Return the contrast ratio of WCAG 2."""
    light, dark = sorted(
        (float(linear(each) @ [0.2126, 0.7152, 0.0722]) for each in (one, other)), reverse=True
    )
    return (light + 0.05) / (dark + 0.05)


def lab(colour):
    """Return CIELAB under D65."""
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    x, y, z = np.cbrt(np.array(to_xyz) @ linear(colour) / [0.9505, 1, 1.089])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("page", [WHITE, DARK])
def test_each_colour_stands_out_from_the_page(page):
    assert min(contrast(of_batch_size(size), page) for size in EVERY) >= 3


@pytest.mark.parametrize("sizes", TOGETHER, ids=str)
def test_batch_sizes_of_one_chart_are_told_apart(sizes):
    # About 2.3 is just noticeable (Mahy, Van Eycken and Oosterlinck, 1994).
    for one, other in combinations(sizes, 2):
        assert np.linalg.norm(lab(of_batch_size(one)) - lab(of_batch_size(other))) > 10
