"""The dataset `strokes`: 28×28 grey digits drawn from stroke skeletons.

The images must be the same, bit for bit, on every platform and with every version of NumPy:
runs on this dataset are compared between machines. Hence the restrictions in this module.

- Chance comes from the raw integers of PCG64, the one stream that NumPy promises never to
  change; what `Generator` makes of them may change between versions.
- Arithmetic is `+ - * /` and sqrt, comparison, minimum and maximum, floor and rint, all of which
  IEEE 754 defines to the last bit. sin, exp, pow and their like differ between libraries, so
  rotation uses the rational points of the unit circle, and bell-shaped noise is a sum of
  uniform numbers.
- Sums are written out term by term. `np.sum`, `dot` and `einsum` add in an order that depends
  on the width of the processor's vectors.
"""

import math
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

Float32 = npt.NDArray[np.float32]
Integers = npt.NDArray[np.intp]
Words = npt.NDArray[np.uint64]

SIDE = 28  # pixels
N_CLASSES = 10
N_TRAIN = 60_000
N_TEST = 10_000
TRAIN_SEED = 1998
TEST_SEED = 2026

Point = tuple[float, float]
Stroke = tuple[Point, ...]

# Every way to write a digit is a tuple of strokes, and every stroke a smooth curve through its
# points, (x, y) in the unit square, y downwards. A stroke that ends where it began is closed
# without a corner; a corner in the middle of a line is the end of one stroke and the start of
# the next. The same point written twice in a form is one point, and moves as one.
FORMS: tuple[tuple[tuple[Stroke, ...], ...], ...] = (
    (  # 0: a ring; begun and ended apart
        (
            (
                (0.50, 0.00), (0.16, 0.15), (0.02, 0.50), (0.16, 0.85),
                (0.50, 1.00), (0.84, 0.85), (0.98, 0.50), (0.84, 0.15), (0.50, 0.00),
            ),
        ),
        (
            (
                (0.68, 0.10), (0.42, 0.02), (0.12, 0.22), (0.02, 0.58), (0.22, 0.94),
                (0.58, 0.98), (0.92, 0.70), (0.96, 0.34), (0.72, 0.04), (0.46, 0.08),
            ),
        ),
    ),
    (  # 1: a bar; with a flag; with a flag and a foot
        (((0.50, 0.00), (0.50, 0.35), (0.50, 0.65), (0.50, 1.00)),),
        (
            ((0.28, 0.22), (0.40, 0.13), (0.54, 0.00)),
            ((0.54, 0.00), (0.54, 0.35), (0.53, 0.65), (0.52, 1.00)),
        ),
        (
            ((0.24, 0.22), (0.38, 0.13), (0.52, 0.00)),
            ((0.52, 0.00), (0.52, 0.50), (0.52, 1.00)),
            ((0.20, 1.00), (0.52, 1.00), (0.84, 1.00)),
        ),
    ),
    (  # 2: with an angle at the foot; with a loop
        (
            (
                (0.08, 0.25), (0.25, 0.04), (0.58, 0.00), (0.86, 0.18),
                (0.78, 0.45), (0.42, 0.74), (0.04, 0.98),
            ),
            ((0.04, 0.98), (0.50, 0.96), (0.96, 0.98)),
        ),
        (
            (
                (0.10, 0.22), (0.36, 0.00), (0.74, 0.06), (0.84, 0.34), (0.56, 0.70),
                (0.20, 0.97), (0.03, 0.88), (0.20, 0.74), (0.52, 0.90), (0.98, 0.94),
            ),
        ),
    ),
    (  # 3: two bows; a flat top
        (
            ((0.08, 0.14), (0.40, 0.00), (0.78, 0.10), (0.76, 0.36), (0.36, 0.47)),
            (
                (0.36, 0.47), (0.78, 0.55), (0.92, 0.77), (0.64, 0.98),
                (0.30, 1.00), (0.04, 0.86),
            ),
        ),
        (
            ((0.08, 0.04), (0.46, 0.02), (0.86, 0.02)),
            ((0.86, 0.02), (0.64, 0.21), (0.40, 0.40)),
            (
                (0.40, 0.40), (0.80, 0.50), (0.92, 0.76), (0.64, 0.98),
                (0.30, 1.00), (0.04, 0.88),
            ),
        ),
    ),
    (  # 4: open at the top; closed; open and round
        (
            ((0.22, 0.00), (0.14, 0.28), (0.04, 0.56)),
            ((0.04, 0.56), (0.48, 0.57), (0.98, 0.54)),
            ((0.78, 0.04), (0.75, 0.52), (0.72, 1.00)),
        ),
        (
            ((0.70, 0.00), (0.36, 0.32), (0.00, 0.65)),
            ((0.00, 0.65), (0.50, 0.65), (1.00, 0.64)),
            ((0.70, 0.00), (0.70, 0.50), (0.70, 1.00)),
        ),
        (
            (
                (0.10, 0.04), (0.06, 0.34), (0.24, 0.54), (0.56, 0.52), (0.82, 0.34),
            ),
            ((0.88, 0.00), (0.82, 0.34), (0.74, 0.66), (0.66, 1.00)),
        ),
    ),
    (  # 5: with angles; in one sweep
        (
            ((0.92, 0.02), (0.58, 0.02), (0.24, 0.03)),
            ((0.24, 0.03), (0.20, 0.22), (0.16, 0.44)),
            (
                (0.16, 0.44), (0.50, 0.35), (0.86, 0.48), (0.92, 0.74),
                (0.62, 0.97), (0.28, 1.00), (0.04, 0.88),
            ),
        ),
        (
            (
                (0.94, 0.03), (0.58, 0.00), (0.26, 0.10), (0.20, 0.34), (0.52, 0.44),
                (0.84, 0.60), (0.80, 0.87), (0.48, 1.00), (0.08, 0.92),
            ),
        ),
    ),
    (  # 6: a bent stem; a straight one
        (
            (
                (0.76, 0.00), (0.38, 0.16), (0.12, 0.46), (0.06, 0.76), (0.34, 0.99),
                (0.74, 0.95), (0.90, 0.72), (0.68, 0.52), (0.34, 0.56), (0.10, 0.78),
            ),
        ),
        (
            (
                (0.44, 0.00), (0.26, 0.28), (0.12, 0.58), (0.18, 0.90), (0.52, 1.00),
                (0.84, 0.84), (0.78, 0.60), (0.46, 0.54), (0.16, 0.74),
            ),
        ),
    ),
    (  # 7: plain; with a bar; with a hook
        (
            ((0.06, 0.06), (0.50, 0.03), (0.94, 0.02)),
            ((0.94, 0.02), (0.66, 0.46), (0.42, 1.00)),
        ),
        (
            ((0.06, 0.04), (0.50, 0.03), (0.94, 0.02)),
            ((0.94, 0.02), (0.64, 0.48), (0.42, 1.00)),
            ((0.34, 0.50), (0.64, 0.48), (0.92, 0.46)),
        ),
        (
            ((0.06, 0.24), (0.08, 0.14), (0.10, 0.04)),
            ((0.10, 0.04), (0.50, 0.06), (0.92, 0.00)),
            ((0.92, 0.00), (0.76, 0.32), (0.62, 0.62), (0.58, 1.00)),
        ),
    ),
    (  # 8: one crossing stroke; two rings
        (
            (
                (0.84, 0.14), (0.52, 0.00), (0.18, 0.12), (0.22, 0.34), (0.52, 0.48),
                (0.84, 0.66), (0.84, 0.90), (0.48, 1.00), (0.12, 0.88), (0.18, 0.66),
                (0.52, 0.48), (0.82, 0.32), (0.84, 0.14),
            ),
        ),
        (
            (
                (0.50, 0.00), (0.20, 0.10), (0.20, 0.36), (0.50, 0.46),
                (0.80, 0.36), (0.80, 0.10), (0.50, 0.00),
            ),
            (
                (0.50, 0.46), (0.12, 0.60), (0.12, 0.88), (0.50, 1.00),
                (0.88, 0.88), (0.88, 0.60), (0.50, 0.46),
            ),
        ),
    ),
    (  # 9: a straight stem; a bent one
        (
            (
                (0.84, 0.18), (0.50, 0.00), (0.16, 0.12), (0.12, 0.38),
                (0.42, 0.52), (0.76, 0.40), (0.84, 0.18),
            ),
            ((0.84, 0.18), (0.82, 0.45), (0.76, 0.72), (0.70, 1.00)),
        ),
        (
            (
                (0.84, 0.16), (0.52, 0.00), (0.18, 0.12), (0.12, 0.36), (0.40, 0.52),
                (0.74, 0.42), (0.84, 0.16),
            ),
            ((0.84, 0.16), (0.88, 0.50), (0.78, 0.84), (0.48, 1.00), (0.14, 0.92)),
        ),
    ),
)  # fmt: skip

# How hands differ. Lengths in pixels unless said otherwise; a "bell" has standard deviation 1
# and never exceeds 3.47.
WIDTH = 12.5
HEIGHT = 18.0
SCALE_SD = 0.10  # of width and of height, each its own, relative
SHIFT_SD = 1.4
SLANT_SD = 0.2  # sideways per upwards
ROTATION_SD = 0.08  # tangent of half the angle: about 9 degrees
JITTER_SD = 0.05  # of every control point, in the unit square
RADIUS_MIN, RADIUS_MAX = 0.7, 1.7  # half the thickness of the line
EDGE = 1.2  # over which the ink fades out
EDGE_NOISE = 0.5
INK_MIN, INK_MAX = 0.75, 1.0  # of white
GRAIN = 0.2  # share of its ink that a pixel may lose
SPECK_MAX = 96  # grey level; one pixel in 256 is a speck

N_SEGMENTS = 24  # straight pieces that stand for a form's curves
PATCH = 13  # side in pixels; holds any segment with its thickness and edge
CHUNK = 512  # images drawn at a time: what is worked on stays in the processor's cache


class _Skeletons(NamedTuple):
    """All forms, those of one digit side by side, made ready for drawing.

    A curve's sample is a weighted mean of four control points; `taps` says which and `weights`
    how much. The second axis runs over the starts of all segments and then over their ends.
    """

    points: Float32  # (n_forms, n_points, 2)
    taps: Integers  # (n_forms, 2 * N_SEGMENTS, 4)
    weights: Float32  # (n_forms, 2 * N_SEGMENTS, 4)
    first_form: Integers  # (N_CLASSES,)
    n_forms: Integers  # (N_CLASSES,)


class _Chance:
    """The random words of a chunk of images, dealt out column by column."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._used = 0

    def words(self, count: int) -> Words:
        """Return the next words, shape (n_images, count)."""
        self._used += count
        return self._words[:, self._used - count : self._used]

    def uniform(self, count: int) -> Float32:
        """Return numbers from [0, 1), shape (n_images, count)."""
        # 24 bits are what a float32 holds without rounding.
        return (self.words(count) >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-24)

    def bell(self, count: int) -> Float32:
        """Return numbers of mean 0 and standard deviation 1, shape (n_images, count)."""
        a, b, c, d = (self.uniform(count) for _ in range(4))
        return (a + b + c + d - np.float32(2.0)) * np.float32(math.sqrt(3.0))


def draw(n_images: int, seed: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Draw labelled digits.

    Parameters
    ----------
    n_images : int
        How many.
    seed : int
        Not negative. The same two arguments give the same bytes everywhere.

    Returns
    -------
    images : ndarray of uint8, shape (n_images, 28, 28)
        Grey levels, 0 the black ground and 255 the whitest ink; rows run downwards.
    labels : ndarray of uint8, shape (n_images,)
        The digits, in random order; no digit is more than one image ahead of another.
    """
    source = np.random.PCG64(seed)
    order = np.argsort(source.random_raw(n_images), kind="stable")
    labels = (order % N_CLASSES).astype(np.uint8)
    images = np.empty((n_images, SIDE, SIDE), np.uint8)
    for start in range(0, n_images, CHUNK):
        part = slice(start, min(start + CHUNK, n_images))
        words = source.random_raw((part.stop - start) * _WORDS_PER_IMAGE)
        chance = _Chance(words.reshape(-1, _WORDS_PER_IMAGE))
        starts, ends = _place_segments(labels[part], chance)
        images[part] = _ink(starts, ends, chance)
    return images, labels


def _place_segments(labels: npt.NDArray[np.uint8], chance: _Chance) -> tuple[Float32, Float32]:
    """Choose a form for every label, then bend, shape and place it by chance.

    Returns the segments' starts and ends in pixels, each of shape
    (2, N_SEGMENTS, n_images, 1, 1), x before y. The centre of the first pixel is at (0, 0).
    """
    n_forms = _SKELETONS.n_forms[labels]
    form = _SKELETONS.first_form[labels] + (chance.uniform(1)[:, 0] * n_forms).astype(np.intp)
    jitter = chance.bell(_N_POINTS * 2).reshape(-1, _N_POINTS, 2) * np.float32(JITTER_SD)
    controls = _SKELETONS.points[form] - np.float32(0.5) + jitter

    taps, weights = _SKELETONS.taps[form], _SKELETONS.weights[form]
    image = np.arange(len(labels))[:, np.newaxis]
    samples = np.zeros((len(labels), 2 * N_SEGMENTS, 2), np.float32)
    for tap in range(4):
        samples += controls[image, taps[:, :, tap]] * weights[:, :, tap, np.newaxis]

    scale_x, scale_y, slant, half_turn, shift_x, shift_y = chance.bell(6).T
    x = samples[:, :, 0].T * (np.float32(WIDTH) * (1 + np.float32(SCALE_SD) * scale_x))
    y = samples[:, :, 1].T * (np.float32(HEIGHT) * (1 + np.float32(SCALE_SD) * scale_y))
    x = x - y * (np.float32(SLANT_SD) * slant)
    t = np.float32(ROTATION_SD) * half_turn
    cosine, sine = (1 - t * t) / (1 + t * t), 2 * t / (1 + t * t)
    middle, shift = np.float32((SIDE - 1) / 2), np.float32(SHIFT_SD)
    placed = np.stack(
        (
            x * cosine - y * sine + (middle + shift * shift_x),
            x * sine + y * cosine + (middle + shift * shift_y),
        )
    )[..., np.newaxis, np.newaxis]
    return placed[:, :N_SEGMENTS], placed[:, N_SEGMENTS:]


def _ink(starts: Float32, ends: Float32, chance: _Chance) -> npt.NDArray[np.uint8]:
    """Draw the segments as lines with a soft, noisy edge, shape (n_images, SIDE, SIDE)."""
    thickness, fading = chance.uniform(2).T[:, :, np.newaxis, np.newaxis]
    radius = np.float32(RADIUS_MIN) + np.float32(RADIUS_MAX - RADIUS_MIN) * thickness
    ink = np.float32(INK_MAX) - np.float32(INK_MAX - INK_MIN) * fading
    # Little-endian, so that a word falls into the same bytes on every machine.
    noise = chance.words(_NOISE_WORDS).astype("<u8").view(np.uint8)
    edge, grain, speck = noise.reshape(-1, 3, SIDE, SIDE).swapaxes(0, 1)

    distance = np.sqrt(_squared_distance(starts, ends))
    distance += (edge.astype(np.float32) - np.float32(127.5)) * np.float32(EDGE_NOISE / 255)
    coverage = (radius - distance) * np.float32(1 / EDGE) + np.float32(0.5)
    coverage = np.minimum(np.maximum(coverage, np.float32(0)), np.float32(1))
    kept = 1 - grain.astype(np.float32) * np.float32(GRAIN / 255)
    grey = np.rint(coverage * ink * kept * np.float32(255)).astype(np.uint8)
    specks = np.where(speck == 0, grain % np.uint8(SPECK_MAX), np.uint8(0))
    images: npt.NDArray[np.uint8] = np.maximum(grey, specks)
    return images


def _squared_distance(starts: Float32, ends: Float32) -> Float32:
    """Return every pixel's squared distance to its image's nearest segment, in square pixels.

    Only a patch about each segment is looked at, a fifth of the image: pixels in no patch are
    given a distance of `SIDE`. The result has the shape (n_images, SIDE, SIDE).
    """
    n_images = starts.shape[2]
    nearest = np.full((n_images, SIDE, SIDE), SIDE * SIDE, np.float32)
    patches = sliding_window_view(nearest, (PATCH, PATCH), axis=(1, 2), writeable=True)
    image = np.arange(n_images)
    pixel = np.arange(PATCH, dtype=np.float32)
    for start, end in zip(starts.swapaxes(0, 1), ends.swapaxes(0, 1), strict=True):
        corner = np.floor((start + end) * np.float32(0.5) - np.float32(PATCH / 2 - 1))
        corner = np.minimum(np.maximum(corner, np.float32(0)), np.float32(SIDE - PATCH))
        step = end - start
        square = step[0] * step[0] + step[1] * step[1]
        step_x, step_y = step
        # The bound only keeps a segment of no length from dividing by zero.
        share_x, share_y = step / np.maximum(square, np.float32(1e-6))
        x, y = corner - start
        x, y = x + pixel, y + pixel[:, np.newaxis]
        along = x * share_x + y * share_y
        along = np.minimum(np.maximum(along, np.float32(0)), np.float32(1))
        off_x, off_y = x - along * step_x, y - along * step_y
        column, row = corner[:, :, 0, 0].astype(np.intp)
        where = (image, row, column)
        patches[where] = np.minimum(patches[where], off_x * off_x + off_y * off_y)
    return nearest


def _make_skeletons() -> _Skeletons:
    forms = [form for digit in FORMS for form in digit]
    # A dict keeps the order, and a point that is written twice only once.
    points = [list(dict.fromkeys(p for stroke in form for p in stroke)) for form in forms]
    n_points = max(map(len, points))
    padded = [p + [(0.0, 0.0)] * (n_points - len(p)) for p in points]
    samples = [_sample(form, p) for form, p in zip(forms, points, strict=True)]
    n_forms = [len(digit) for digit in FORMS]
    return _Skeletons(
        np.array(padded, np.float32),
        np.array([[taps for taps, _ in form] for form in samples], np.intp),
        np.array([[weights for _, weights in form] for form in samples], np.float32),
        np.cumsum([0, *n_forms[:-1]]).astype(np.intp),
        np.array(n_forms, np.intp),
    )


_Four = tuple[int, int, int, int]
_Tap = tuple[_Four, tuple[float, float, float, float]]


def _sample(form: Iterable[Stroke], points: list[Point]) -> list[_Tap]:
    """Cut a form's curves into N_SEGMENTS pieces; return the starts' taps, then the ends'."""
    spans = [span for stroke in form for span in _spans([points.index(p) for p in stroke])]
    pieces = [1] * len(spans)
    lengths = [_distance(points[span[1]], points[span[2]]) for span in spans]
    while sum(pieces) < N_SEGMENTS:
        longest = max(range(len(spans)), key=lambda i: lengths[i] / pieces[i])
        pieces[longest] += 1
    samples = [
        [(span, _catmull_rom(i / count)) for i in range(count + 1)]
        for span, count in zip(spans, pieces, strict=True)
    ]
    segments = [segment for span in samples for segment in pairwise(span)]
    return [start for start, _ in segments] + [end for _, end in segments]


def _spans(stroke: list[int]) -> list[_Four]:
    """Return for every part of a stroke its two ends, between the neighbours before and after."""
    is_closed = stroke[0] == stroke[-1]
    before = stroke[-2] if is_closed else stroke[0]
    after = stroke[1] if is_closed else stroke[-1]
    chain = [before, *stroke, after]
    return list(zip(chain, chain[1:], chain[2:], chain[3:], strict=False))


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


_SKELETONS = _make_skeletons()
_N_POINTS = _SKELETONS.points.shape[1]
_NOISE_WORDS = 3 * SIDE * SIDE // 8
# A form; four words to a bell, for each coordinate and for the six of the whole; thickness, ink.
_WORDS_PER_IMAGE = 1 + 4 * (2 * _N_POINTS + 6) + 2 + _NOISE_WORDS
