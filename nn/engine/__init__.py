"""Steps of gradient descent and evaluations, as fast as Python can have them.

The formulas are those of `nn.network`, which this is tested against. What is done beside them:

- **Subnormals are flushed to zero** in each thread (`subnormals`).
- **Nothing is allocated** (`workspace`), and products are prepared once (`products`).
- **Most products with zero are skipped.** The columns of the images that are often not zero make a
  matrix for BLAS, of the others only the nonzeros are multiplied (`nn.ordering`, `sparse`). Of
  MNIST's 784 columns 343 are dense; of the other 441 an image has 7 pixels.
- **Threads share a large batch, not a product.** Each takes a shard of the examples, with a BLAS
  of one thread.
"""

from nn.engine.engine import Engine
from nn.engine.inputs import ReadyExamples, ready

__all__ = ["Engine", "ReadyExamples", "ready"]
