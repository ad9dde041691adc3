"""The initial weights, compared with the numbers that Nx and JAX publish or print."""

import numpy as np
import pytest
from scipy.special import erfinv

from nn import nx_random
from nn.initializers import INITIALIZERS

SHAPES = (785, 200), (201, 10)


def test_split_gives_the_published_keys():
    first, second = nx_random.split(nx_random.key(1701))
    assert first.tolist() == [56197195, 1801093307]
    assert second.tolist() == [961309823, 1704866707]


def test_normal_gives_the_published_draw():
    draw, _ = nx_random.normal(nx_random.key(42), ())
    assert draw.shape == ()
    assert draw == pytest.approx(1.3694695, rel=2e-7)


def test_a_seed_beyond_32_bits_fills_both_words():
    assert nx_random.key(2**32 * 7 + 5).tolist() == [7, 5]


def test_normal_is_the_inverse_of_its_distribution_to_the_ends_of_its_tails(monkeypatch):
    # The 23 random bits of a number between -1 and 1: from all 0 and all 1 towards the middle.
    from_the_end = np.unique(np.geomspace(1, 2**22, 2000).astype(np.uint32)) - 1
    bits = np.concatenate((from_the_end, 2**23 - 1 - from_the_end)).astype(np.uint32)
    monkeypatch.setattr(nx_random, "random_bits", lambda key, size: bits << 9)
    draw, _ = nx_random.normal(nx_random.key(0), bits.shape)
    exact = np.sqrt(2) * erfinv(bits * 2.0**-22 - (1 - 2.0**-24))
    assert np.abs(exact).max() > 5.4
    # The square of a uniform number is rounded, but for those next to -1 and 1.
    tolerance = np.where(np.abs(exact) < 4.5, 1e-5, 5e-7)
    assert (np.abs(draw / exact - 1) < tolerance).all()


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_an_odd_number_of_words_is_padded(size):
    key = nx_random.key(3)
    assert nx_random.random_bits(key, size).shape == (size,)
    # The pad of an odd counter is the word 0, so the last block differs from the even one's.
    assert len(set(nx_random.random_bits(key, size).tolist())) == size


def test_nx_weights_are_the_chapters():
    weights = INITIALIZERS["nx"](1234, *SHAPES)
    assert weights.w1.dtype == weights.w2.dtype == np.float32
    # From runs of the chapter's program.
    assert weights.w1[:2, :3].ravel() == pytest.approx(
        [-0.016960407, -0.0072801942, 0.00015899407, 0.010742396, -0.0037962072, 0.0081294058],
        rel=1e-5,
    )
    assert weights.w2[:2, :3].ravel() == pytest.approx(
        [-0.010603574, 0.016016366, 0.0068856024, 0.011683988, 0.023507033, -0.00062024023],
        rel=1e-5,
    )


@pytest.mark.parametrize("name", INITIALIZERS)
def test_weights_are_normal_and_depend_on_the_seed(name):
    initialize = INITIALIZERS[name]
    weights = initialize(5, *SHAPES)
    assert (weights.w1.shape, weights.w2.shape) == SHAPES
    # 157,000 draws: the mean's standard error is 2.5e-5, the deviation's 1.8e-5.
    assert abs(weights.w1.mean()) < 1.5e-4
    assert weights.w1.std() == pytest.approx(0.01, abs=1e-4)
    assert np.mean(np.abs(weights.w1) < 0.01) == pytest.approx(0.6827, abs=0.006)
    assert np.array_equal(initialize(5, *SHAPES).w2, weights.w2)
    assert not np.array_equal(initialize(6, *SHAPES).w2, weights.w2)
