"""Steps of gradient descent and evaluations, optimized for this network.

The formulas are those of `nn.network`, against which this is tested. The optimizations:

- **Subnormals are flushed to zero** in each thread (`subnormals`).
- **Steps allocate nothing large** (`passes`), and products are prepared once (`products`).
- **Most products with zero are skipped.** The dense columns of the images make a matrix for BLAS;
  of the sparse columns only the nonzeros are multiplied (`nn.ordering`, `sparse`).
- **Threads split a large batch, not a product.** Each takes a shard of the examples, with a BLAS of
  one thread.
"""

from nn.engine.engine import Engine
from nn.engine.inputs import ReadyExamples, ready

__all__ = ["Engine", "ReadyExamples", "ready"]
