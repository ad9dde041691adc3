"""The random numbers of Elixir's Nx.Random, which give the chapter's initial weights.

Nx.Random follows the early form of JAX's generator: threefry2x32 of a counter under a key.

Sources: J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy
as 1, 2, 3", SC 2011 (threefry2x32 with 20 rounds); the documentation of Nx.Random; M. Giles,
"Approximating the erfinv function", GPU Computing Gems, Jade edition, 2012 (the single
precision polynomials, which XLA uses too).
"""

import math

import numpy as np
import numpy.typing as npt

Key = npt.NDArray[np.uint32]
"""Two 32-bit words."""

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = np.uint32(0x1BD11BDA)

# Coefficients from the highest power down, for the centre and for the tails.
_ERFINV_CENTRE = (
    2.81022636e-08,
    3.43273939e-07,
    -3.5233877e-06,
    -4.39150654e-06,
    0.00021858087,
    -0.00125372503,
    -0.00417768164,
    0.246640727,
    1.50140941,
)
_ERFINV_TAIL = (
    -0.000200214257,
    0.000100950558,
    0.00134934322,
    -0.00367342844,
    0.00573950773,
    -0.0076224613,
    0.00943887047,
    1.00167406,
    2.83297682,
)


def key(seed: int) -> Key:
    """Return the key of a seed, as Nx.Random.key does.

    Parameters
    ----------
    seed : int
        0 to 2**64 - 1.

    Returns
    -------
    ndarray of uint32, shape (2,)
        The seed's high and low word.
    """
    return np.array([seed >> 32, seed & 0xFFFFFFFF], dtype=np.uint32)


def split(a_key: Key) -> tuple[Key, Key]:
    """Return two new keys, as Nx.Random.split does."""
    words = random_bits(a_key, 4)
    return words[:2], words[2:]


def normal(a_key: Key, shape: tuple[int, ...]) -> tuple[npt.NDArray[np.float32], Key]:
    """Draw from the standard normal distribution, as Nx.Random.normal does.

    Parameters
    ----------
    a_key : ndarray of uint32, shape (2,)
    shape : tuple of int

    Returns
    -------
    draw : ndarray of float32, shape `shape`
    next_key : ndarray of uint32, shape (2,)
        The key for the next draw.
    """
    next_key, used_key = split(a_key)
    uniform = _uniform_between_minus_one_and_one(random_bits(used_key, math.prod(shape)))
    return (np.sqrt(np.float32(2)) * _erfinv(uniform)).reshape(shape), next_key


def random_bits(a_key: Key, size: int) -> npt.NDArray[np.uint32]:
    """Compute threefry2x32 of the counter 0, 1, …, size - 1.

    Parameters
    ----------
    a_key : ndarray of uint32, shape (2,)
    size : int

    Returns
    -------
    ndarray of uint32, shape (size,)
    """
    # The counter's two halves are the two words of each block; an odd counter is padded by 0.
    half = (size + 1) // 2
    counter = np.arange(2 * half, dtype=np.uint32)
    counter[size:] = 0
    return np.concatenate(_threefry2x32(a_key, counter[:half], counter[half:]))[:size]


def _threefry2x32(a_key: Key, x0: Key, x1: Key) -> tuple[Key, Key]:
    schedule = (a_key[0], a_key[1], a_key[0] ^ a_key[1] ^ _PARITY)
    x0 = x0 + schedule[0]
    x1 = x1 + schedule[1]
    for block in range(5):
        for rotation in _ROTATIONS[block % 2]:
            x0 = x0 + x1
            x1 = x0 ^ ((x1 << np.uint32(rotation)) | (x1 >> np.uint32(32 - rotation)))
        x0 = x0 + schedule[(block + 1) % 3]
        x1 = x1 + schedule[(block + 2) % 3] + np.uint32(block + 1)
    return x0, x1


def _uniform_between_minus_one_and_one(bits: npt.NDArray[np.uint32]) -> npt.NDArray[np.float32]:
    # 23 random bits under the exponent of 1.0 are a float32 in [1, 2).
    floats = ((bits >> np.uint32(9)) | np.uint32(0x3F800000)).view(np.float32) - np.float32(1)
    lowest = np.nextafter(np.float32(-1), np.float32(0))
    uniform: npt.NDArray[np.float32] = floats * (np.float32(1) - lowest) + lowest
    return np.maximum(lowest, uniform)


def _erfinv(x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    w = -np.log1p(-x * x)
    is_centre = w < 5
    w = np.where(is_centre, w - np.float32(2.5), np.sqrt(w) - np.float32(3))
    result = np.zeros_like(x)
    for centre, tail in zip(_ERFINV_CENTRE, _ERFINV_TAIL, strict=True):
        result = result * w + np.where(is_centre, np.float32(centre), np.float32(tail))
    return result * x
