"""No thread that trains or evaluates computes with subnormals, on any processor."""

import contextlib
import platform
import threading

import numexpr
import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from nn.budget import Budget
from nn.engine import Engine, ready, subnormals
from nn.engine.elementwise import ELEMENTWISE
from nn.engine.engine import MIN_SHARD
from nn.engine.products import Product, compute, in_parts
from nn.engine.sparse import SparseRows
from nn.engine.subnormals import are_flushed, flushed
from nn.examples import Examples
from nn.initializers import normal
from nn.network import Weights

TENTH = np.float32(0.1)


def examples(threads=1):
    images = np.ones((threads * MIN_SHARD, 8), dtype=np.uint8)
    return ready(Examples(images, np.zeros(len(images), dtype=int)))


def engine(threads=1, elementwise="numpy", momentum=0.0):
    weights = normal(1, (9, 200), (201, 10))
    return Engine(weights, examples(threads), threads, elementwise, momentum)


def filled(value, *shape):
    return np.full(shape, value, dtype=np.float32)


def by_numpy():
    return filled(2e-38, 100) * TENTH


def by_numpys_blas():
    out = filled(1, 64, 64)
    return np.matmul(filled(1e-20, 64, 64), filled(1e-21, 64, 64), out=out)


def by_prepared_products():
    out = filled(0, 64, 64)
    Product(filled(1e-20, 64, 64), filled(1e-21, 64, 64), out)()
    return out


def by_products_in_parts():
    out = filled(0, 32, 200)
    compute(in_parts(filled(1e-20, 32, 785), filled(1e-22, 785, 200), out, is_added=True))
    return out


def by_sparse_loops():
    rows = SparseRows(np.arange(3, dtype=np.int32), np.zeros(2, np.int32), filled(1e-20, 2))
    out = filled(0, 2, 200)
    rows.add_product(filled(1e-21, 1, 200), out)
    rows.add_transposed_product(filled(1e-21, 2, 200), out[:1])
    return out


def by_subnormal_operands():
    # Without denormals-are-zero the operand counts, though the result is normal.
    return np.array([1e-39], dtype=np.float32) * np.float32(1e10)


def by_slopes(kind):
    def computed():
        delta = filled(1e-38, 100, 200)
        ELEMENTWISE[kind]().times_slope(delta, filled(0.5, 100, 200))
        return delta

    return computed


def by_exponentials(kind):
    def computed():
        logits = np.tile(np.linspace(-102, -89, 10, dtype=np.float32), (100, 1))
        ELEMENTWISE[kind]().exponentials(logits, np.float32(0))
        return logits

    return computed


def by_sigmoids(kind):
    def computed():
        z = np.linspace(-88.5, -87.5, 1000, dtype=np.float32)
        ELEMENTWISE[kind]().sigmoid(z)
        return z

    return computed


COMPUTED = [
    by_numpy,
    by_numpys_blas,
    by_prepared_products,
    by_products_in_parts,
    by_sparse_loops,
    by_subnormal_operands,
    *map(by_slopes, ELEMENTWISE),
    *map(by_exponentials, ELEMENTWISE),
    *map(by_sigmoids, ELEMENTWISE),
]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("computed", COMPUTED)
def test_the_thread_that_trains_flushes_them(computed, threads):
    with engine(threads).running():
        found = computed()
    assert not found.any()
    assert computed().all()  # else the test would not see the difference


@pytest.mark.parametrize("computed", COMPUTED)
@pytest.mark.parametrize("elementwise", ELEMENTWISE)
def test_the_threads_that_share_a_batch_flush_them(computed, elementwise):
    an_engine = engine(threads=3, elementwise=elementwise)
    threads = set()

    def work(thread, shard):
        threads.add(threading.get_ident())
        return computed()

    with an_engine.running():
        found = an_engine._in_shards(work, slice(0, 3 * MIN_SHARD))
    assert len(found) == 3
    assert len(threads) > 1
    assert not any(array.any() for array in found)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("size", [1, 32, MIN_SHARD])
def test_a_velocity_decays_to_zero(size, threads):
    an_engine = engine(threads, momentum=0.1)
    tiny = Weights(*(filled(2e-38, *array.shape) for array in an_engine.weights))
    for is_running in (False, True):
        an_engine.restore(an_engine.weights, tiny)
        with an_engine.running() if is_running else contextlib.nullcontext():
            an_engine.descend(examples(threads), slice(0, threads * size), learning_rate=0.0)
        assert all(array.any() != is_running for array in an_engine.velocity)


@pytest.mark.parametrize("threads", [1, 2])
def test_no_thread_of_a_library_takes_part(threads):
    # Those of BLAS and numexpr exist since their import, and would not flush.
    with threadpool_limits(limits=2, user_api="blas"):
        before = [library["num_threads"] for library in threadpool_info()]
        an_engine = engine(threads, "numexpr")
        numexpr.set_num_threads(2)
        with an_engine.running():
            of_blas = {
                library["num_threads"]
                for library in threadpool_info()
                if library["user_api"] == "blas"
            }
            assert of_blas <= {1}  # macOS's own BLAS is not known
            assert numexpr.get_num_threads() == 1
        assert [library["num_threads"] for library in threadpool_info()] == before
        assert numexpr.get_num_threads() == 2


def test_nothing_is_left_changed():
    assert not are_flushed()
    with flushed():
        assert are_flushed()
        with flushed():
            assert are_flushed()
        assert are_flushed()
    assert not are_flushed()
    with pytest.raises(KeyError), engine().running():
        raise KeyError
    assert not are_flushed()


def test_another_thread_is_not_changed():
    found = []
    started, seen = threading.Event(), threading.Event()

    def look():
        started.wait()
        found.append(are_flushed())
        seen.set()

    thread = threading.Thread(target=look)
    thread.start()
    with flushed():
        started.set()
        seen.wait()
    thread.join()
    assert found == [False]


def test_subnormals_are_kept_between_two_stretches(trained):
    found = []
    a_trainer = trained(Budget(steps=3), attend=lambda _: found.append(are_flushed()))
    a_trainer.run()
    assert found
    assert not any(found)
    assert a_trainer.subnormals == "flushed"


@pytest.mark.parametrize("threads", [1, 2])
def test_steps_and_evaluations_are_made_with_them_flushed(trained, threads, monkeypatch):
    found = []
    for name in ("descend", "evaluate"):
        method = getattr(Engine, name)

        def watched(*arguments, _name=name, _method=method, **others):
            of_blas = [each for each in threadpool_info() if each["user_api"] == "blas"]
            most = max((each["num_threads"] for each in of_blas), default=1)
            found.append((_name, are_flushed(), most))
            return _method(*arguments, **others)

        monkeypatch.setattr(Engine, name, watched)
    with threadpool_limits(limits=2, user_api="blas"):
        a_trainer = trained(Budget(steps=3), threads=threads)
        a_trainer.warm_up()
        a_trainer.run()
    assert set(found) == {("descend", True, 1), ("evaluate", True, 1)}


@pytest.mark.parametrize("kept_by", ["thread", "product"])
def test_flushing_is_tested_by_computing(kept_by, monkeypatch):
    an_engine = engine(threads=2)
    assert an_engine.flushes_subnormals()
    if kept_by == "thread":
        monkeypatch.setattr(subnormals, "are_flushed", lambda: False)
    else:  # as by a BLAS whose own threads keep them
        monkeypatch.setattr(Product, "__call__", lambda self: self._values[-2].view("u4").fill(1))
    assert not an_engine.flushes_subnormals()


def test_on_an_unknown_platform_they_are_kept(trained, monkeypatch):
    monkeypatch.setattr(subnormals, "_REGISTER", None)
    assert trained(Budget(steps=1)).subnormals == "kept"


@pytest.fixture
def trained():
    """Return a function that makes a trainer of a small network."""
    from nn.batches import MiniBatches
    from nn.schedule import Schedule
    from nn.trainer import State, Trainer

    def make(budget, **others):
        images = np.ones((20, 8), dtype=np.uint8)
        examples = Examples(images, np.arange(20) % 10)
        return Trainer(
            State(normal(1, (9, 6), (7, 10))),
            *(examples, examples, MiniBatches(20, 4), 0.1, budget, Schedule()),
            **others,
        )

    return make


def test_the_offset_of_the_control_register():
    # MXCSR's flush-to-zero and denormals-are-zero, FPCR's FZ; fenv.h of glibc and of macOS.
    assert subnormals._REGISTERS == {
        ("Linux", "x86_64"): (7 * 4 + 4, 7 * 4, 1 << 15 | 1 << 6),
        ("Darwin", "x86_64"): (2 + 2 + 4 + 8, 2 + 2, 1 << 15 | 1 << 6),
        ("Linux", "aarch64"): (4 + 4, 0, 1 << 24),
        ("Darwin", "arm64"): (8 + 8, 8, 1 << 24),
    }
    known = (platform.system(), platform.machine()) in subnormals._REGISTERS
    assert known == (subnormals._REGISTER is not None)
