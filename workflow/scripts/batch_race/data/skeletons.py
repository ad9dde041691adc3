"""Skeletons: forms sampled to segments, as arrays that a chunk of images is drawn from.

The arithmetic is as exact as that of `strokes`, for the same reason.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from batch_race.data.stroke_forms import Form, Point

N_SEGMENTS = 24
"""Straight segments that a form's curves are cut into."""

Float32 = npt.NDArray[np.float32]
Integers = npt.NDArray[np.intp]
Four = tuple[int, int, int, int]
Tap = tuple[Four, tuple[float, float, float, float]]


class Skeletons(NamedTuple):
    """All forms, those of one digit side by side.

    A sample of a curve is the weighted mean of four control points: `taps` has their indices. The
    second axis of `taps` and `weights` has the starts of all segments and then their ends.

    Attributes
    ----------
    points : ndarray of float32, shape (n_forms, n_points, 2)
        Control points in the unit square, x before y; forms of fewer points are padded with 0.
    taps : ndarray of intp, shape (n_forms, 2 * N_SEGMENTS, 4)
    weights : ndarray of float32, shape (n_forms, 2 * N_SEGMENTS, 4)
    first_form : ndarray of intp, shape (n_digits,)
        Index of each digit's first form.
    n_forms : ndarray of intp, shape (n_digits,)
        Number of each digit's forms.
    """

    points: Float32
    taps: Integers
    weights: Float32
    first_form: Integers
    n_forms: Integers


def make(digits: Sequence[Sequence[Form]]) -> Skeletons:
    """Compute the skeletons of all forms.

    Parameters
    ----------
    digits : sequence of sequence of Form
        The forms of each digit.

    Returns
    -------
    Skeletons
    """
    forms = [form for digit in digits for form in digit]
    # A dict keeps the order, and a point that is written twice only once.
    points = [list(dict.fromkeys(p for stroke in form for p in stroke)) for form in forms]
    n_points = max(map(len, points))
    padded = [p + [(0.0, 0.0)] * (n_points - len(p)) for p in points]
    samples = [_sample(form, p) for form, p in zip(forms, points, strict=True)]
    n_forms = [len(digit) for digit in digits]
    return Skeletons(
        np.array(padded, np.float32),
        np.array([[taps for taps, _ in form] for form in samples], np.intp),
        np.array([[weights for _, weights in form] for form in samples], np.float32),
        np.cumsum([0, *n_forms[:-1]]).astype(np.intp),
        np.array(n_forms, np.intp),
    )


def _sample(form: Form, points: list[Point]) -> list[Tap]:
    """Cut a form's curves into N_SEGMENTS segments; return the starts' taps, then the ends'."""
    spans = [span for stroke in form for span in _spans([points.index(p) for p in stroke])]
    counts = [1] * len(spans)
    lengths = [_distance(points[span[1]], points[span[2]]) for span in spans]
    while sum(counts) < N_SEGMENTS:
        longest = max(range(len(spans)), key=lambda i: lengths[i] / counts[i])
        counts[longest] += 1
    samples = [
        [(span, _catmull_rom(i / count)) for i in range(count + 1)]
        for span, count in zip(spans, counts, strict=True)
    ]
    segments = [segment for span in samples for segment in pairwise(span)]
    return [start for start, _ in segments] + [end for _, end in segments]


def _spans(stroke: list[int]) -> Iterable[Four]:
    """Return the two ends of each span of a stroke, between the points before and after it."""
    is_closed = stroke[0] == stroke[-1]
    before = stroke[-2] if is_closed else stroke[0]
    after = stroke[1] if is_closed else stroke[-1]
    chain = [before, *stroke, after]
    return zip(chain, chain[1:], chain[2:], chain[3:], strict=False)


def _catmull_rom(t: float) -> tuple[float, float, float, float]:
    """Return the weights of four points for the curve from the second (t = 0) to the third."""
    return (
        (-t + 2 * t * t - t * t * t) / 2,
        (2 - 5 * t * t + 3 * t * t * t) / 2,
        (t + 4 * t * t - 3 * t * t * t) / 2,
        (-t * t + t * t * t) / 2,
    )


def _distance(a: Point, b: Point) -> float:
    x, y = b[0] - a[0], b[1] - a[1]
    return math.sqrt(x * x + y * y)
