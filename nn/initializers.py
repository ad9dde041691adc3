"""Initial weights, drawn in the ways that `INITIALIZERS` names."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from nn import nx_random
from nn.network import Weights

STANDARD_DEVIATION = 0.01

Shape = tuple[int, int]
Initializer = Callable[[int, Shape, Shape], Weights]


def normal(seed: int, w1_shape: Shape, w2_shape: Shape) -> Weights:
    """Return weights drawn from NumPy's default generator.

    Parameters
    ----------
    seed : int
        Not negative.
    w1_shape, w2_shape : tuple of int
        Shapes with the row of biases.

    Returns
    -------
    Weights
        float32, normal, with mean 0 and standard deviation 0.01.
    """
    random = np.random.default_rng(seed)

    def draw(shape: Shape) -> npt.NDArray[np.float32]:
        return np.float32(STANDARD_DEVIATION) * random.standard_normal(shape, dtype=np.float32)

    return Weights(draw(w1_shape), draw(w2_shape))


def nx(seed: int, w1_shape: Shape, w2_shape: Shape) -> Weights:
    """Return the weights that the chapter's program draws from `Nx.Random.key(seed)`.

    Parameters
    ----------
    seed : int
        0 to 2**64 - 1; the chapter uses 1234.
    w1_shape, w2_shape : tuple of int
        Shapes with the row of biases.

    Returns
    -------
    Weights
        float32, normal, with mean 0 and standard deviation 0.01.
    """
    w1, next_key = nx_random.normal(nx_random.key(seed), w1_shape)
    w2, _ = nx_random.normal(next_key, w2_shape)
    deviation = np.float32(STANDARD_DEVIATION)
    return Weights(deviation * w1, deviation * w2)


INITIALIZERS: dict[str, Initializer] = {"normal": normal, "nx": nx}
