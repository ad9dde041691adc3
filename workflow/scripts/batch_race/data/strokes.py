"""The dataset `strokes`: 28×28 grey digits drawn from skeletons of strokes.

The images must be the same, bit for bit, on every platform and with every version of NumPy:
runs on this dataset are compared between machines. Hence the restrictions in this module.

- Random numbers come from the raw integers of PCG64, the one stream that NumPy promises never to
  change; what `Generator` makes of them may change between versions.
- Arithmetic is `+ - * /` and sqrt, comparison, minimum and maximum, floor and rint, all of which
  IEEE 754 defines to the last bit. sin, exp, pow and similar functions differ between libraries,
  so rotation uses the rational points of the unit circle, and bell-shaped noise is a sum of
  uniform numbers.
- Sums are written out term by term. `np.sum`, `dot` and `einsum` add in an order that depends
  on the width of the processor's vectors.
"""

import math

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from batch_race.data import skeletons
from batch_race.data.skeletons import N_SEGMENTS, Float32
from batch_race.data.stroke_forms import FORMS

Words = npt.NDArray[np.uint64]

SIDE = 28  # pixels
N_CLASSES = len(FORMS)
N_TRAIN = 60_000
N_TEST = 10_000
TRAIN_SEED = 1998
TEST_SEED = 2026

# The variation between images. Lengths are in pixels unless said otherwise. `_SD` is a standard
# deviation, of bell-shaped noise that never exceeds 3.47 times that.
WIDTH = 12.5
HEIGHT = 18.0
SCALE_SD = 0.10  # of width and of height independently, relative
SHIFT_SD = 1.4
SLANT_SD = 0.2  # sideways per upwards
ROTATION_SD = 0.08  # tangent of half the angle: about 9 degrees
JITTER_SD = 0.05  # of every control point, in the unit square
RADIUS_MIN, RADIUS_MAX = 0.7, 1.7  # half the thickness of the line
EDGE = 1.2  # over which the ink fades out
EDGE_NOISE = 0.5
INK_MIN, INK_MAX = 0.75, 1.0  # of white
GRAIN = 0.2  # fraction of its ink that a pixel may lose
SPECK_MAX = 96  # grey level; one pixel in 256 is a speck

PATCH = 13  # side in pixels; holds any segment with its thickness and edge
CHUNK = 512  # images drawn at a time: their arrays fit the processor's cache


class _RandomNumbers:
    """The random numbers of a chunk of images, taken from 64-bit words column by column."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._used = 0

    def words(self, count: int) -> Words:
        """Return the next words, shape (n_images, count)."""
        self._used += count
        return self._words[:, self._used - count : self._used]

    def uniform(self, count: int) -> Float32:
        """Return numbers from [0, 1), shape (n_images, count)."""
        # A float32 holds 24 bits without rounding.
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
    seed : int
        Not negative. The same two arguments give the same bytes everywhere.

    Returns
    -------
    images : ndarray of uint8, shape (n_images, 28, 28)
        Grey levels, 0 the black background and 255 the whitest ink; rows run downwards.
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
        random = _RandomNumbers(words.reshape(-1, _WORDS_PER_IMAGE))
        starts, ends = _place_segments(labels[part], random)
        images[part] = _ink(starts, ends, random)
    return images, labels


def _place_segments(
    labels: npt.NDArray[np.uint8], random: _RandomNumbers
) -> tuple[Float32, Float32]:
    """Choose a form for every label, then bend, scale and place it at random.

    Returns the segments' starts and ends in pixels, each of shape
    (2, N_SEGMENTS, n_images, 1, 1), x before y. The centre of the first pixel is at (0, 0).
    """
    n_forms = _SKELETONS.n_forms[labels]
    form = _SKELETONS.first_form[labels] + (random.uniform(1)[:, 0] * n_forms).astype(np.intp)
    jitter = random.bell(_N_POINTS * 2).reshape(-1, _N_POINTS, 2) * np.float32(JITTER_SD)
    controls = _SKELETONS.points[form] - np.float32(0.5) + jitter

    taps, weights = _SKELETONS.taps[form], _SKELETONS.weights[form]
    image = np.arange(len(labels))[:, np.newaxis]
    samples = np.zeros((len(labels), 2 * N_SEGMENTS, 2), np.float32)
    for tap in range(4):
        samples += controls[image, taps[:, :, tap]] * weights[:, :, tap, np.newaxis]

    scale_x, scale_y, slant, half_turn, shift_x, shift_y = random.bell(6).T
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


def _ink(starts: Float32, ends: Float32, random: _RandomNumbers) -> npt.NDArray[np.uint8]:
    """Draw the segments as lines with a soft, noisy edge, shape (n_images, SIDE, SIDE)."""
    thickness, fading = random.uniform(2).T[:, :, np.newaxis, np.newaxis]
    radius = np.float32(RADIUS_MIN) + np.float32(RADIUS_MAX - RADIUS_MIN) * thickness
    ink = np.float32(INK_MAX) - np.float32(INK_MAX - INK_MIN) * fading
    # Little-endian, so that a word has the same bytes on every machine.
    noise = random.words(_NOISE_WORDS).astype("<u8").view(np.uint8)
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

    Distances are computed only in a patch around each segment, a fifth of the image: a pixel in no
    patch gets a distance of `SIDE`. The result has the shape (n_images, SIDE, SIDE).
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
        # The bound avoids a division by zero for a segment of length 0.
        fraction_x, fraction_y = step / np.maximum(square, np.float32(1e-6))
        x, y = corner - start
        x, y = x + pixel, y + pixel[:, np.newaxis]
        along = x * fraction_x + y * fraction_y
        along = np.minimum(np.maximum(along, np.float32(0)), np.float32(1))
        off_x, off_y = x - along * step_x, y - along * step_y
        column, row = corner[:, :, 0, 0].astype(np.intp)
        where = (image, row, column)
        patches[where] = np.minimum(patches[where], off_x * off_x + off_y * off_y)
    return nearest


_SKELETONS = skeletons.make(FORMS)
_N_POINTS = _SKELETONS.points.shape[1]
_NOISE_WORDS = 3 * SIDE * SIDE // 8
# For the form; four for each bell-shaped number: two for a point, six for the image; for thickness
# and ink; for the noise of its pixels.
_WORDS_PER_IMAGE = 1 + 4 * (2 * _N_POINTS + 6) + 2 + _NOISE_WORDS
