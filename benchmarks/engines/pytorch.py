"""PyTorch, as its tutorials write it."""

import contextlib

import numpy as np
import torch

from benchmarks.engines.problem import Problem
from nn.network import Weights


class Engine:
    """See `benchmarks.engines.problem.Engine`."""

    def __init__(self, problem: Problem) -> None:
        torch.set_num_threads(problem.threads)
        w1, w2 = (torch.tensor(array) for array in problem.weights)
        n_inputs, n_hidden = w1.shape
        self._network = torch.nn.Sequential(
            torch.nn.Linear(n_inputs - 1, n_hidden),
            torch.nn.Sigmoid(),
            torch.nn.Linear(n_hidden, w2.shape[1]),
        )
        for layer, weights in ((0, w1), (2, w2)):
            self._network[layer].weight.data = weights[1:].T.contiguous()
            self._network[layer].bias.data = weights[0].clone()
        self._optimizer = torch.optim.SGD(self._network.parameters(), lr=problem.learning_rate)
        self._loss = torch.nn.CrossEntropyLoss()
        self._x, self._labels = _tensors(problem.training, problem.factor)
        self._test_x, self._test_labels = _tensors(problem.test, problem.factor)
        self._batch_size = 0

    def running(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    def flushes_subnormals(self) -> bool:
        return not (torch.tensor([1e-38]) * 0.1).item()

    def prepare(self, batch_size: int, n_batches: int) -> None:
        self._batch_size = batch_size

    def step(self, index: int) -> None:
        start = index * self._batch_size
        stop = start + self._batch_size
        self._optimizer.zero_grad()
        self._loss(self._network(self._x[start:stop]), self._labels[start:stop]).backward()
        self._optimizer.step()

    def evaluate(self) -> tuple[float, float]:
        with torch.inference_mode():
            loss = self._loss(self._network(self._x), self._labels)
            is_correct = self._network(self._test_x).argmax(dim=1) == self._test_labels
            return loss.item(), 100 * is_correct.float().mean().item()

    def weights(self) -> Weights:
        return Weights(*(_with_bias(self._network[layer]) for layer in (0, 2)))


def _tensors(images, factor):
    return torch.tensor(images.inputs(factor)), torch.tensor(images.labels).long()


def _with_bias(layer):
    return np.vstack((layer.bias.detach().numpy(), layer.weight.detach().numpy().T))
