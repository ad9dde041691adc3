"""Flush subnormal numbers to zero in the threads that train and evaluate.

Numbers below 1.2e-38 have no normal representation in float32. Saturated sigmoids and a decaying
velocity produce them, and some processors compute with them many times more slowly. XLA flushes
them too.

The mode is two bits of a control register: flush-to-zero and denormals-are-zero in MXCSR (Intel 64
and IA-32 Architectures Software Developer's Manual, volume 1, 10.2.3), or one bit in FPCR (Arm
Architecture Reference Manual for A-profile, C5.2.8). It belongs to a thread, which inherits it from
the thread that creates it. `fegetenv` and `fesetenv` of the C library (ISO C, 7.6.4) read and write
that register; its offset in their `fenv_t` is from the headers of glibc, musl and macOS.
"""

import contextlib
import ctypes
import platform
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np


class _Register(NamedTuple):
    """The size of a `fenv_t`, the control register's offset in it, and the bits that flush."""

    size: int
    offset: int
    bits: int


_REGISTERS = {
    ("Linux", "x86_64"): _Register(32, 28, 0x8040),
    ("Linux", "aarch64"): _Register(8, 0, 1 << 24),
    ("Darwin", "x86_64"): _Register(16, 4, 0x8040),
    ("Darwin", "arm64"): _Register(16, 8, 1 << 24),
}
_REGISTER = _REGISTERS.get((platform.system(), platform.machine()))
_LIBRARY = ctypes.PyDLL(None) if _REGISTER else None  # keeps the GIL


def flush() -> Any:
    """Flush subnormals in the calling thread from now on, where the platform is known.

    Returns
    -------
    ctypes.Array or None
        The thread's floating-point environment before, for `fesetenv`.
    """
    if _REGISTER is None or _LIBRARY is None:
        return None
    before = ctypes.create_string_buffer(_REGISTER.size)
    _LIBRARY.fegetenv(before)
    after = ctypes.create_string_buffer(before.raw, _REGISTER.size)
    ctypes.c_uint32.from_buffer(after, _REGISTER.offset).value |= _REGISTER.bits
    _LIBRARY.fesetenv(after)
    return before


@contextlib.contextmanager
def flushed() -> Iterator[None]:
    """Flush subnormals in the calling thread within the block."""
    before = flush()
    try:
        yield
    finally:
        if before is not None and _LIBRARY is not None:
            _LIBRARY.fesetenv(before)


def are_flushed() -> bool:
    """Return whether the calling thread flushes subnormal results and operands."""
    normal, subnormal = np.array([1e-38, 1e-39], dtype=np.float32)
    return bool(normal * np.float32(0.1) == 0 and subnormal * np.float32(1e10) == 0)
