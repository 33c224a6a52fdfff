"""Training in PyTorch: data on the device, a compiled forward and backward pass, fused Adam."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch.optim.lr_scheduler import LambdaLR

from implementations.architecture.recipes import Recipe
from implementations.arrays import Array, Images, Targets
from implementations.errors import Unavailable
from implementations.frameworks.pytorch import runtime
from implementations.frameworks.pytorch.network import Network
from implementations.frameworks.pytorch.weights import load

GENERATOR = "optimizer/generator"
STEPS = "optimizer/steps"


def loss_of(network: Network, images: Array, labels: Array, places: Array, reduction: str) -> Array:
    """Softmax cross-entropy of the images at these places, their `sum` or `mean`."""
    return F.cross_entropy(network(images[places]).float(), labels[places], reduction=reduction)


def make_optimizer(name: str, network: Network, recipe: Recipe, fused: bool) -> Any:
    """`matched` Adam has the recipe's numbers, `native` PyTorch's own; both add epsilon last."""
    parameters = network.parameters()
    if name == "sgd":
        return torch.optim.SGD(parameters, lr=recipe.sgd_learning_rate, fused=fused)
    if name == "native":
        return torch.optim.Adam(parameters, lr=recipe.learning_rate, fused=fused)
    betas = (recipe.beta_1, recipe.beta_2)
    return torch.optim.Adam(
        parameters, lr=recipe.learning_rate, betas=betas, eps=recipe.epsilon, fused=fused
    )


class PytorchTrainer:
    """Training of a copy of a network.

    Compiled, a step is one compiled forward and backward pass and a fused optimiser; losses stay
    on the device until the epoch ends. A last partial batch runs uncompiled: one shape, one graph.
    Eager, it is the plain loop, which waits for every loss. Batch norm follows PyTorch, whose
    running variance is the unbiased one.
    """

    def __init__(
        self,
        network: Network,
        recipe: Recipe,
        optimizer: str,
        images: Images,
        labels: Targets,
        seed: int,
        mode: str,
    ) -> None:
        if reason := runtime.probe(network.device, network.precision, mode):
            raise Unavailable(reason)
        self.network = copy.deepcopy(network).train().requires_grad_(True)
        self.recipe, self.mode = recipe, mode
        self.images, self.labels = runtime.put(network, images, labels)
        self.optimizer = make_optimizer(optimizer, self.network, recipe, mode == "compiled")
        self.warm_up = recipe.warm_up if optimizer == "matched" else 1
        self.schedule = self._schedule(0)
        self.compiled = runtime.compiled(loss_of)
        with torch.random.fork_rng(devices=self._devices()):
            torch.manual_seed(seed)
            self.generator = self._generator()

    def epoch(self, order: NDArray[np.int64], batch: int) -> NDArray[np.float64]:
        """Run the training images in this order; the mean loss per image of every step."""
        places = torch.from_numpy(np.asarray(order, np.int64)).to(self.labels.device)
        with self._own_randomness():
            losses = [self._step(part, batch) for part in places.split(batch)]
        return np.asarray(torch.stack(losses).double().cpu())

    def _step(self, places: Array, batch: int) -> Array:
        compiled = self.mode == "compiled" and len(places) == batch
        run = self.compiled if compiled else loss_of
        loss = run(self.network, self.images, self.labels, places, self.recipe.loss)
        loss.backward()
        self.optimizer.step()
        self.schedule.step()
        self.optimizer.zero_grad(set_to_none=True)
        mean = loss.detach() / (len(places) if self.recipe.loss == "sum" else 1)
        return mean if self.mode == "compiled" else mean.cpu()

    def state(self) -> dict[str, NDArray[Any]]:
        """Neutral weights, optimiser state in PyTorch's layout and the generator's, as arrays."""
        arrays = runtime.weights(self.network)
        for name, parameter in self.network.named_parameters():
            for part, value in self.optimizer.state[parameter].items():
                arrays[f"optimizer/{name}/{part}"] = value.detach().cpu().numpy().copy()
        arrays[GENERATOR] = self.generator.numpy().copy()
        arrays[STEPS] = np.array(self.schedule.last_epoch)
        return arrays

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a state."""
        own = {name: array for name, array in state.items() if name.startswith("optimizer/")}
        tensors = {name: array for name, array in state.items() if name not in own}
        load(self.network, tensors)
        self.generator = torch.from_numpy(own.pop(GENERATOR).copy())
        steps = int(own.pop(STEPS).item())
        numbers = {name: i for i, (name, _) in enumerate(self.network.named_parameters())}
        parts: dict[int, dict[str, Array]] = {}
        for name, array in own.items():
            _, parameter, part = name.split("/")
            parts.setdefault(numbers[parameter], {})[part] = torch.from_numpy(np.array(array))
        document = self.optimizer.state_dict()
        self.optimizer.load_state_dict({**document, "state": parts})
        self.schedule = self._schedule(steps)

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """The neutral weights now."""
        tensors = runtime.weights(self.network)
        return {name: array.astype(np.float32) for name, array in tensors.items()}

    def _schedule(self, steps: int) -> LambdaLR:
        """The rate after so many steps: in equal parts up to the recipe's, then as it is."""
        warm_up = self.warm_up
        return LambdaLR(self.optimizer, lambda done: min((done + 1) / warm_up, 1), steps - 1)

    @contextmanager
    def _own_randomness(self) -> Iterator[None]:
        """Dropout draws from this trainer's own stream; the process' is left as it was."""
        with torch.random.fork_rng(devices=self._devices()):
            if self._devices():
                torch.cuda.set_rng_state(self.generator)
            else:
                torch.set_rng_state(self.generator)
            yield
            self.generator = self._generator()

    def _generator(self) -> Array:
        return torch.cuda.get_rng_state() if self._devices() else torch.get_rng_state()

    def _devices(self) -> list[int]:
        return [torch.cuda.current_device()] if self.images.is_cuda else []


trainer = PytorchTrainer
