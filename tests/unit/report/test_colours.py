"""The colours of batch sizes: visible on each page, and different where one looks for it."""

from itertools import combinations, pairwise

import numpy as np
import pytest

from batch_race.report.colours import of_batch_size

WHITE, DARK = "#ffffff", "#16181b"  # the pages

EVERY = [round(2 ** (index / 8)) for index in range(8 * 20)]

USUAL = [
    [1, 32, 128, 60000],  # the chapter's
    [1, 8, 32, 128, 512, 2048, 8192, 60000],  # those of config/fair.yaml and config/study.yaml
]

TOGETHER = [
    *USUAL,
    *([2**power for power in range(first, first + 6)] for first in range(14)),
    [1, 4, 16, 64, 256, 1024, 4096],
    [8, 16, 32, 64, 128, 256, 512, 1024],
    [1, 10, 100, 1000, 10000],
]


FULL = np.eye(3)

# Machado, Oliveira and Fernandes, "A physiologically-based model for simulation of color vision
# deficiency", 2009.
NO_RED = [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
]
NO_GREEN = [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.011820, 0.042940, 0.968881],
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


def lab(linear_rgb):
    """Return CIELAB under D65."""
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    x, y, z = np.cbrt(np.array(to_xyz) @ linear_rgb / [0.9505, 1, 1.089])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("page", [WHITE, DARK])
def test_each_colour_stands_out_from_the_page(page):
    assert min(contrast(of_batch_size(size), page) for size in EVERY) >= 3


def distance(one, other, seen_as=FULL):
    """Return how different two batch sizes look; about 2.3 is just noticeable.

    (Mahy, Van Eycken and Oosterlinck, 1994.)
    """
    one, other = (
        lab(np.clip(seen_as @ linear(of_batch_size(size)), 0, 1)) for size in (one, other)
    )
    return np.linalg.norm(one - other)


@pytest.mark.parametrize("sizes", TOGETHER, ids=str)
def test_batch_sizes_of_one_chart_are_told_apart(sizes):
    assert min(distance(*pair) for pair in combinations(sizes, 2)) > 16
    assert min(distance(*pair) for pair in pairwise(sizes)) > 45


@pytest.mark.parametrize("seen_as", [NO_RED, NO_GREEN], ids=["no red", "no green"])
def test_readers_who_are_blind_to_red_or_green_tell_batch_sizes_apart(seen_as):
    for sizes in USUAL:
        assert min(distance(*pair, seen_as) for pair in combinations(sizes, 2)) > 11
        assert min(distance(*pair, seen_as) for pair in pairwise(sizes)) > 19
    for sizes in TOGETHER:
        assert min(distance(*pair, seen_as) for pair in pairwise(sizes)) > 7
