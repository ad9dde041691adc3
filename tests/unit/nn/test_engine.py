"""Steps and evaluations, compared with the plain formulas in float64 over all examples at once."""

import math
import tracemalloc

import numpy as np
import pytest

from nn import network
from nn.batches import MiniBatches
from nn.engine import Engine, products, ready
from nn.engine.elementwise import ELEMENTWISE
from nn.engine.engine import CHUNK, MIN_SHARD
from nn.examples import Examples, pixel_scaling
from nn.initializers import normal
from nn.network import Weights
from nn.ordering import arrange, order_columns

N_INPUTS = 40
RANDOM = np.random.default_rng(8)
KINDS = ("dense", "sparse", "constant", "blank", "mixed")
SIZES = (1, 2, 3, 31, 32, 63, 64, 127, 129, CHUNK, CHUNK + 1, 3 * CHUNK + 7)


def draw(kind, n_examples, n_inputs=N_INPUTS):
    """Return images of which no, many, or all products can be skipped."""
    images = RANDOM.integers(1, 256, (n_examples, n_inputs), dtype=np.uint8)
    if kind == "constant":
        images[:] = 17
    elif kind == "blank":
        images[:] = 0
    elif kind != "dense":
        images[RANDOM.random(images.shape) < np.linspace(0, 1, n_inputs)] = 0
        if kind == "mixed":
            images[::3] = 0
        images[0] = 9  # in all columns, the sparse ones too
    return images


def problem(
    kind="sparse", n_examples=100, inputs="unit", n_inputs=N_INPUTS, n_hidden=6, n_classes=10
):
    """Return plain examples, the same ones ready for an engine, and weights."""
    images = draw(kind, n_examples, n_inputs)
    labels = RANDOM.integers(0, n_classes, n_examples)
    plain = Examples(images, labels, pixel_scaling(inputs, images))
    prepared = plain._replace(arranged=arrange(images, order_columns(images)))
    return plain, ready(prepared), normal(2, (1 + n_inputs, n_hidden), (1 + n_hidden, n_classes))


def exactly(examples, weights, rows):
    """Compute logits and mean gradient by the formulas in float64."""
    factor, offset = examples.pixel_scaling
    x = examples.images[rows] * factor + offset
    labels = examples.labels[rows]
    weights = Weights(*(array.astype(np.float64) for array in weights))
    hidden, logits = network.forward(x, weights)
    gradient = network.backward(x, labels, hidden, logits, weights)
    return logits, Weights(*(array / len(labels) for array in gradient))


def assert_near(found, exact):
    """Compare as pytest.approx with these bounds, which is slow for large arrays."""
    assert found.shape == exact.shape
    assert (np.abs(found - exact) <= np.maximum(1e-5 * np.abs(exact), 1e-6)).all()


def assert_a_step_is_right(plain, prepared, weights, rows, threads=1, elementwise="numpy"):
    engine = Engine(weights, prepared, threads, elementwise)
    with engine.running():
        engine.descend(prepared, rows, learning_rate=0.5)
    _, gradient = exactly(plain, weights, rows)
    for moved, start, slope in zip(engine.weights, weights, gradient, strict=True):
        assert_near(moved, start - 0.5 * slope)


def evaluated(engine, prepared):
    with engine.running():
        return engine.evaluate(prepared)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", SIZES)
def test_a_step_follows_the_mean_gradient(kind, size):
    plain, prepared, weights = problem(kind, max(100, size))
    assert (prepared.sparse.indptr[1] > 0) == (kind in ("sparse", "mixed"))
    assert_a_step_is_right(plain, prepared, weights, slice(0, size))


@pytest.mark.parametrize("elementwise", ELEMENTWISE)
@pytest.mark.parametrize("size", [1, 64])
@pytest.mark.parametrize("inputs", ["raw", "unit", "standardized"])
def test_inputs_of_each_kind(inputs, size, elementwise):
    plain, prepared, weights = problem("sparse", 64, inputs)
    assert_a_step_is_right(
        plain, prepared, weights, slice(0, size), threads=1, elementwise=elementwise
    )


def test_numexpr_agrees_with_numpy():
    _, prepared, weights = problem("mixed", 2 * MIN_SHARD)
    engines = [Engine(weights, prepared, 2, elementwise) for elementwise in ELEMENTWISE]
    found = []
    for engine in engines:
        with engine.running():
            for rows in (slice(0, 1), slice(0, 32), slice(0, 2 * MIN_SHARD)):
                engine.descend(prepared, rows, 0.5)
            found.append((engine.weights, engine.evaluate(prepared)))
    (first, scores), (second, others) = found
    for array, other in zip(first, second, strict=True):
        assert_near(other, array)
    assert others == pytest.approx(scores, rel=1e-6)


@pytest.mark.parametrize("has_small_products", [True, False])
@pytest.mark.parametrize("kind", ["dense", "sparse", "mixed"])
@pytest.mark.parametrize("size", [32, 63, 128, 500, 1200])
def test_a_network_as_wide_as_the_chapters(monkeypatch, has_small_products, kind, size):
    # Products in parts, or whole, on any processor.
    monkeypatch.setattr(products, "HAS_SMALL_PRODUCTS", has_small_products)
    plain, prepared, weights = problem(kind, size, n_inputs=784, n_hidden=200)
    assert_a_step_is_right(plain, prepared, weights, slice(0, size))
    logits, _ = exactly(plain, weights, slice(0, size))
    loss, _ = evaluated(Engine(weights, prepared), prepared)
    assert loss == pytest.approx(network.cross_entropy(logits, plain.labels), rel=1e-6)


@pytest.mark.parametrize("elementwise", ELEMENTWISE)
@pytest.mark.parametrize("size", [1, 2, 64, CHUNK + 1])
@pytest.mark.parametrize("n_hidden", [1, 20])
@pytest.mark.parametrize("n_classes", [2, 3, 26, 47, 1000])
def test_any_number_of_classes(n_classes, n_hidden, size, elementwise):
    plain, prepared, weights = problem("mixed", 700, n_hidden=n_hidden, n_classes=n_classes)
    assert_a_step_is_right(plain, prepared, weights, slice(0, size), elementwise=elementwise)
    logits, _ = exactly(plain, weights, slice(0, 700))
    loss, _ = evaluated(Engine(weights, prepared, 2, elementwise), prepared)
    assert loss == pytest.approx(network.cross_entropy(logits, plain.labels), rel=1e-6)


@pytest.mark.parametrize("kind", ["dense", "sparse", "blank"])
@pytest.mark.parametrize("n_inputs", [1, 20 * 30, 32 * 32])
def test_any_number_of_pixels(n_inputs, kind):
    plain, prepared, weights = problem(kind, 100, n_inputs=n_inputs, n_classes=3)
    for size in (1, 100):
        assert_a_step_is_right(plain, prepared, weights, slice(0, size))


def test_images_without_any_preparation():
    plain, _, weights = problem("sparse", 64)
    assert_a_step_is_right(plain, ready(plain), weights, slice(0, 64))


@pytest.mark.parametrize("rows", [[4, 4, 99, 0], [7], list(range(90, 100)) + list(range(22))])
def test_rows_in_any_order_and_number(rows):
    plain, prepared, weights = problem("mixed")
    assert_a_step_is_right(plain, prepared, weights, np.array(rows))


def test_steps_of_all_sizes_with_one_engine():
    # Values of a larger batch in the engine's arrays must not reach a smaller one.
    plain, prepared, weights = problem("mixed", 700)
    engine = Engine(weights, prepared)
    for stop in (700, 64, 31, 1, 2, 700):
        before = engine.weights
        engine.descend(prepared, slice(0, stop), learning_rate=0.1)
        _, gradient = exactly(plain, before, slice(0, stop))
        for moved, start, slope in zip(engine.weights, before, gradient, strict=True):
            assert_near(moved, start - 0.1 * slope)


@pytest.mark.parametrize("threads", [2, 3])
@pytest.mark.parametrize("size", [1, 2, CHUNK + 1, 2 * MIN_SHARD - 1, 2 * MIN_SHARD, 3 * MIN_SHARD])
def test_threads_split_a_step_and_an_evaluation(threads, size):
    plain, prepared, weights = problem("mixed", max(100, size))
    engines = [Engine(weights, prepared, threads) for _ in range(2)]
    for engine in engines:
        engine.descend(prepared, slice(0, size), learning_rate=0.5)
    _, gradient = exactly(plain, weights, slice(0, size))
    first, second = (engine.weights for engine in engines)
    for moved, again, start, slope in zip(first, second, weights, gradient, strict=True):
        assert_near(moved, start - 0.5 * slope)
        assert np.array_equal(moved, again)
    one, _ = evaluated(Engine(first, prepared), prepared)
    several, _ = evaluated(engines[0], prepared)
    assert several == pytest.approx(one, rel=1e-6)
    assert several == evaluated(engines[1], prepared)[0]


ALL = 2 * CHUNK + 77


@pytest.mark.parametrize("elementwise", ELEMENTWISE)
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("kind", ["dense", "mixed"])
@pytest.mark.parametrize("size", [1, 2, 32, ALL])
@pytest.mark.parametrize("momentum", [0.3, 0.9, 0.99])
def test_momentum_follows_the_formulas(momentum, size, kind, threads, elementwise):
    plain, prepared, weights = problem(kind, ALL)
    engine = Engine(weights, prepared, threads, elementwise, momentum)
    expected = Weights(*(array.astype(np.float64) for array in weights))
    velocity = Weights(*map(np.zeros_like, expected))
    batches = MiniBatches(ALL, size, shuffle=True)
    for step in range(6):
        rows = batches.rows(step)
        with engine.running():
            engine.descend(prepared, rows, learning_rate=0.1)
        _, gradient = exactly(plain, expected, rows)
        expected, velocity = network.descend(expected, velocity, gradient, 0.1, momentum)
    for found, exact in zip(engine.weights, expected, strict=True):
        assert_near(found, exact)
    for found, exact in zip(engine.velocity, velocity, strict=True):
        assert_near(found, exact)


@pytest.mark.parametrize("size", [1, 5])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_steps_are_those_of_numerical_gradients(momentum, size):
    # PyTorch's recurrence, on gradients of the mean loss by differences.
    plain, prepared, weights = problem("mixed", 20, n_inputs=7, n_hidden=3)
    engine = Engine(weights, prepared, momentum=momentum)
    parameters = [array.astype(np.float64) for array in weights]
    buffers = [np.zeros_like(array) for array in parameters]
    for step in range(4):
        rows = slice(size * step, size * (step + 1))
        with engine.running():
            engine.descend(prepared, rows, learning_rate=0.5)
        slopes = [numerical_gradient(plain, parameters, layer, rows) for layer in range(2)]
        for parameter, buffer, slope in zip(parameters, buffers, slopes, strict=True):
            buffer[:] = momentum * buffer + slope
            parameter -= 0.5 * buffer
    for found, parameter in zip(engine.weights, parameters, strict=True):
        assert_near(found, parameter)


def numerical_gradient(examples, parameters, layer, rows, epsilon=1e-5):
    def loss():
        logits, _ = exactly(examples, Weights(*parameters), rows)
        return network.cross_entropy(logits, examples.labels[rows])

    gradient = np.empty_like(parameters[layer])
    for position in np.ndindex(gradient.shape):
        original = parameters[layer][position]
        parameters[layer][position] = original + epsilon
        above = loss()
        parameters[layer][position] = original - epsilon
        gradient[position] = (above - loss()) / (2 * epsilon)
        parameters[layer][position] = original
    return gradient


def test_no_velocity_without_momentum():
    _, prepared, weights = problem("mixed")
    assert Engine(weights, prepared).velocity is None
    assert Engine(weights, prepared, momentum=0.9).velocity is not None


@pytest.mark.parametrize("momentum", [-0.1, 1, 1.5, math.nan])
def test_a_momentum_that_is_out_of_bounds_is_refused(momentum):
    _, prepared, weights = problem("mixed")
    with pytest.raises(ValueError, match=f"momentum: found {momentum}, expected at least 0 and be"):
        Engine(weights, prepared, momentum=momentum)


def test_an_engine_continues_from_what_it_is_restored_to():
    _, prepared, weights = problem("mixed", 700)
    engine, other = (Engine(weights, prepared, momentum=0.9) for _ in range(2))
    for stop in (700, 32, 1):
        engine.descend(prepared, slice(0, stop), 0.1)
    other.descend(prepared, slice(0, 5), 0.1)
    other.restore(engine.weights, engine.velocity)
    for each in (engine, other):
        each.descend(prepared, slice(0, 32), 0.1)
    assert_same(other, engine)
    other.restore(weights, None)
    other.descend(prepared, slice(0, 32), 0.1)
    fresh = Engine(weights, prepared, momentum=0.9)
    fresh.descend(prepared, slice(0, 32), 0.1)
    assert_same(other, fresh)


def assert_same(engine, other):
    """Compare weights and velocities bit for bit."""
    for one, two in ((engine.weights, other.weights), (engine.velocity, other.velocity)):
        for array, same in zip(one or (), two or (), strict=True):
            assert np.array_equal(array, same)


def test_other_columns_are_refused():
    plain, prepared, weights = problem("mixed")
    engine = Engine(weights, prepared)
    narrower = prepared._replace(dense=prepared.dense[:, :1])
    for others in (ready(plain), narrower, problem("sparse", n_inputs=N_INPUTS + 1)[1]):
        with pytest.raises(
            ValueError, match="found other columns than those of the training examples"
        ):
            engine.evaluate(others)
    with pytest.raises(ValueError, match="weights: found those of 40 inputs, expected 41"):
        Engine(weights, problem("sparse", n_inputs=N_INPUTS + 1)[1])


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("size", [1, 32, 700])
@pytest.mark.parametrize("threads", [1, 2])
def test_warm_up_steps_change_nothing(threads, size, momentum):
    _, prepared, weights = problem("mixed", 700)
    engine, other = (Engine(weights, prepared, threads, "numpy", momentum) for _ in range(2))
    for each in (engine, other):
        each.descend(prepared, slice(0, 32), 0.1)
    engine.warm_up(prepared, slice(0, size))
    assert_same(engine, other)
    with engine.unchanged():
        for _ in range(20):
            engine.descend(prepared, slice(0, size), learning_rate=0.0)
    assert_same(engine, other)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_examples", [1, CHUNK, 2 * CHUNK + 7])
def test_evaluation_is_that_of_all_at_once(kind, n_examples):
    plain, prepared, weights = problem(kind, n_examples)
    logits, _ = exactly(plain, weights, slice(0, n_examples))
    loss, accuracy = evaluated(Engine(weights, prepared), prepared)
    assert loss == pytest.approx(network.cross_entropy(logits, plain.labels), rel=1e-6)
    is_correct = logits.argmax(axis=1) == plain.labels
    assert accuracy == pytest.approx(100 * is_correct.mean(), rel=1e-12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("n_examples", [1, CHUNK, 2 * CHUNK + 7])
def test_each_example_has_its_own_loss(kind, n_examples, threads):
    plain, prepared, weights = problem(kind, n_examples)
    logits, _ = exactly(plain, weights, slice(0, n_examples))
    engine = Engine(weights, prepared, threads)
    with engine.running():
        losses = engine.losses(prepared)
    assert losses == pytest.approx(network.cross_entropies(logits, plain.labels), rel=1e-5)


def huge(size, signs):
    """Return examples, and weights of one absolute value."""
    plain, prepared, weights = problem("sparse", 100, "raw")
    for array in weights:
        array[:] = size if signs == "same" else size * np.sign(array)
    return plain, prepared, weights


@pytest.mark.parametrize("size", [1e10, 1e37, 3.4e38])
@pytest.mark.parametrize("signs", ["same", "mixed"])
def test_the_loss_is_finite_for_any_finite_weights(size, signs):
    _, prepared, weights = huge(size, signs)
    loss, accuracy = evaluated(Engine(weights, prepared), prepared)
    assert math.isfinite(loss)
    assert 0 <= accuracy <= 100


@pytest.mark.parametrize("exponent", [33, 123, 127])
@pytest.mark.parametrize("signs", ["same", "mixed"])
def test_the_loss_of_huge_weights_is_exact_where_nothing_is_rounded(exponent, signs):
    # Of powers of two and whole pixels, float32 holds each sum exactly, in any order. (Of others,
    # rounding alone may move a sum from 0 to where the sigmoid is 1.)
    plain, prepared, weights = huge(2.0**exponent, signs)
    logits, _ = exactly(plain, weights, slice(0, 100))
    loss, accuracy = evaluated(Engine(weights, prepared), prepared)
    assert loss == pytest.approx(network.cross_entropy(logits, plain.labels), rel=1e-6)
    assert accuracy == pytest.approx(100 * np.mean(logits.argmax(axis=1) == plain.labels))


@pytest.mark.parametrize("size", [1, 2, 32])
def test_a_step_from_logits_whose_exponentials_overflow(size):
    plain, prepared, weights = problem("sparse")
    weights.w2[0, 3] = 200  # exp(200) is beyond float32
    assert_a_step_is_right(plain, prepared, weights, slice(0, size))


def test_sums_that_overflow_float32_in_either_layer():
    # By the size of one weight, by the number of weights alone, by the offset of the inputs.
    plain, prepared, weights = problem("standardized", 20, "standardized", n_hidden=40)
    for layer, size in ((1, 3e38), (1, 1e37), (0, 2e37)):
        changed = Weights(*map(np.copy, weights))
        changed[layer][:] = size
        if layer == 1:
            changed.w1[:] = 0
            changed.w2[:, 5:] = -size
        loss, _ = evaluated(Engine(changed, prepared), prepared)
        logits, _ = exactly(plain, changed, slice(0, 20))
        assert loss == pytest.approx(network.cross_entropy(logits, plain.labels), rel=1e-5)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_network_that_diverges_raises_no_warning(threads):
    _, prepared, weights = problem("mixed", 2 * MIN_SHARD, "raw")
    engine = Engine(weights, prepared, threads)
    with engine.running():
        for _ in range(20):
            engine.descend(prepared, slice(0, 2 * MIN_SHARD), 1e30)
        engine.evaluate(prepared)
    assert not np.isfinite(engine.weights.w2).all()


@pytest.mark.parametrize("weight", [math.nan, math.inf])
def test_the_loss_of_weights_that_are_not_finite_is_not_either(weight):
    _, prepared, weights = problem("dense", 20)
    weights.w2[:] = weight
    loss, _ = evaluated(Engine(weights, prepared), prepared)
    assert not math.isfinite(loss)


def peak_bytes(engine, work):
    """Return the peak of allocated bytes in a second call."""
    with engine.running():
        work()
        tracemalloc.start()
        work()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return peak


@pytest.fixture(scope="module", params=[0.0, 0.9])
def at_work(request):
    """Return an engine as large as the chapter's, and its 6,400 examples."""
    _, prepared, weights = problem("sparse", 6400, "raw", n_inputs=784, n_hidden=200)
    return Engine(weights, prepared, momentum=request.param), prepared


@pytest.mark.parametrize(
    ("size", "most"), [(1, 2_000), (2, 4_000), (32, 6_000), (128, 16_000), (1000, 60_000)]
)
def test_a_step_allocates_nothing_but_indices(at_work, size, most):
    # The activations of 32 examples alone would be 26 KB, of 500 at once 400 KB, the gradient 628.
    # From some hundred examples on most of it is what NumPy itself buffers, for sums by class.
    engine, examples = at_work
    assert peak_bytes(engine, lambda: engine.descend(examples, slice(0, size), 1e-6)) < most


@pytest.mark.parametrize(("size", "most"), [(32, 9_000), (128, 20_000), (1000, 70_000)])
def test_a_step_on_shuffled_examples_allocates_their_sparse_inputs_too(at_work, size, most):
    engine, examples = at_work
    rows = np.random.default_rng(3).permutation(6400)[:size]
    assert peak_bytes(engine, lambda: engine.descend(examples, rows, 1e-6)) < most


def test_a_step_on_all_examples_allocates_no_more(at_work):
    # As above, though six times as many: their labels alone are 51 KB.
    engine, examples = at_work
    assert peak_bytes(engine, lambda: engine.descend(examples, slice(0, 6400), 1e-6)) < 60_000


def test_an_evaluation_allocates_no_more_than_a_chunk_of_logits(at_work):
    # Those of 500 examples are 40 KB in float64, in which the loss is computed.
    engine, examples = at_work
    assert peak_bytes(engine, lambda: engine.evaluate(examples)) < 150_000
