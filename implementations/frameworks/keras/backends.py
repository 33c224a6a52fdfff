"""What Keras leaves to its backend: gradients, compiling, waiting, custom backward passes.

Keras 3 has one code for layers and operations and none for these, so each backend's idiom stands
here once, under the same names, and a method's Keras builder never asks which backend it is on.
"""

from __future__ import annotations

import importlib
import itertools
import shutil
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from implementations.arrays import Array

Run = Callable[..., Any]
_NUMBERS = itertools.count()


@dataclass(frozen=True)
class Backend:
    """One backend's verbs."""

    gradient: Callable[..., Callable[[Any], Any]]
    """(function, has_aux=False) -> its gradient, with what else it gives; eager and traced."""
    prepare: Callable[[Run, Sequence[Any], str], Run]
    """(function, variables it reads, mode) -> the function, compiled with them as arguments."""
    relu: Callable[[str, float], Callable[[Array], Array]]
    """(rule, ceiling) -> a ReLU with that backward pass: one of `RELU_RULES`."""
    to_host: Callable[[Array], NDArray[Any]]
    wait: Callable[[Any], None]
    tracing: Callable[[], bool]
    gpu: Callable[[], bool]
    """Whether arrays go to a GPU, which they do wherever the process sees one."""
    settle: Callable[[str], None]
    """Set the precision of float32 products on a GPU: exact, or TF32."""
    compiler: Callable[[], str | None]
    """Why this backend cannot compile here, or None."""
    compilations: Callable[[], int]


def own_code(run: Callable[..., Any]) -> Callable[..., Any]:
    """The same function with a code object of its own.

    Dynamo and tf.function count what they compiled by code object: dynamo gives up after eight, and
    TensorFlow warns of retracing, though each is another function prepared.
    """
    assert isinstance(run, FunctionType)
    code = run.__code__.replace(co_name=f"{run.__name__}_{next(_NUMBERS)}")
    return FunctionType(code, run.__globals__, run.__name__, None, run.__closure__)


def _tensorflow() -> Backend:
    import tensorflow as tf

    functions: list[Any] = []

    def gradient(function: Callable[[Any], Any], has_aux: bool = False) -> Callable[[Any], Any]:
        def differentiate(array: Any) -> Any:
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(array)
                value, aux = function(array) if has_aux else (function(array), None)
            slopes = tape.gradient(value, array, unconnected_gradients="zero")
            return (slopes, aux) if has_aux else slopes

        return differentiate

    def prepare(run: Run, variables: Sequence[Any], mode: str) -> Run:
        if mode == "eager":
            return run
        # A tf.function captures variables by reference: their values are read at every call.
        functions.append(tf.function(own_code(run), autograph=False, jit_compile=mode == "xla"))
        compiled: Run = functions[-1]
        return compiled

    def relu(rule: str, ceiling: float) -> Callable[[Array], Array]:
        @tf.custom_gradient  # type: ignore[untyped-decorator]
        def ruled(inputs: Array) -> Any:
            def backward(upstream: Array) -> Array:
                positive = tf.nn.relu(upstream)
                if rule == "deconvolution":
                    return positive
                is_open = (inputs > 0) & (inputs < ceiling)
                return tf.where(is_open, positive, tf.zeros_like(positive))

            clipped = tf.nn.relu6(inputs) if ceiling == 6 else tf.nn.relu(inputs)
            return clipped, backward

        return ruled  # type: ignore[no-any-return]

    def wait(arrays: Any) -> None:
        for array in keras.tree.flatten(arrays):
            array.numpy()

    return Backend(
        gradient,
        prepare,
        relu,
        lambda array: np.array(array.numpy()),
        wait,
        tracing=tf.inside_function,
        gpu=lambda: bool(tf.config.list_physical_devices("GPU")),
        settle=lambda precision: tf.config.experimental.enable_tensor_float_32_execution(
            precision == "tf32"
        ),
        compiler=lambda: None,
        compilations=lambda: sum(f.experimental_get_tracing_count() for f in functions),
    )


def _jax() -> Backend:
    import jax
    import jax.numpy as jnp

    traces = 0

    def prepare(run: Run, variables: Sequence[Any], mode: str) -> Run:
        if mode == "eager":
            return run

        @jax.jit  # type: ignore[untyped-decorator]
        def compiled(values: list[Array], *arrays: Any) -> Any:
            nonlocal traces
            traces += 1
            mapping = list(zip(variables, values, strict=True))
            with keras.StatelessScope(state_mapping=mapping):
                return run(*arrays)

        return lambda *arrays: compiled([v.value for v in variables], *arrays)

    def relu(rule: str, ceiling: float) -> Callable[[Array], Array]:
        @jax.custom_vjp  # type: ignore[untyped-decorator]
        def ruled(inputs: Array) -> Array:
            return jax.nn.relu6(inputs) if ceiling == 6 else jax.nn.relu(inputs)

        def backward(inputs: Array, upstream: Array) -> tuple[Array]:
            positive = jax.nn.relu(upstream)
            if rule == "deconvolution":
                return (positive,)
            is_open = (inputs > 0) & (inputs < ceiling)
            return (jnp.where(is_open, positive, jnp.zeros_like(positive)),)

        ruled.defvjp(lambda inputs: (ruled(inputs), inputs), backward)
        return ruled  # type: ignore[no-any-return]

    def settle(precision: str) -> None:
        name = "tensorfloat32" if precision == "tf32" else "highest"
        jax.config.update("jax_default_matmul_precision", name)

    return Backend(
        jax.grad,
        prepare,
        relu,
        np.array,
        wait=jax.block_until_ready,
        tracing=lambda: isinstance(jnp.zeros(()) + 0, jax.core.Tracer),
        gpu=lambda: jax.default_backend() == "gpu",
        settle=settle,
        compiler=lambda: None,
        compilations=lambda: traces,
    )


def _torch() -> Backend:
    import torch

    def prepare(run: Run, variables: Sequence[Any], mode: str) -> Run:
        if mode == "compiled":
            run = torch.compile(own_code(run), fullgraph=True, dynamic=False)
        # The weights ask for gradients; torch.func.grad works inside no_grad all the same.
        return torch.no_grad()(run)  # type: ignore[no-any-return]

    def relu(rule: str, ceiling: float) -> Callable[[Array], Array]:
        class Ruled(torch.autograd.Function):  # type: ignore[misc]
            @staticmethod
            def forward(inputs: Array) -> Array:
                clip = torch.nn.functional.relu6 if ceiling == 6 else torch.relu
                return clip(inputs)

            @staticmethod
            def setup_context(ctx: Any, inputs: Any, output: Array) -> None:
                ctx.save_for_backward(inputs[0])

            @staticmethod
            def backward(ctx: Any, upstream: Array) -> Array:
                positive = torch.relu(upstream)
                if rule == "deconvolution":
                    return positive
                (inputs,) = ctx.saved_tensors
                is_open = (inputs > 0) & (inputs < ceiling)
                return torch.where(is_open, positive, torch.zeros_like(positive))

        return Ruled.apply  # type: ignore[no-any-return]

    def wait(arrays: Any) -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()

    def settle(precision: str) -> None:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Please use the new API settings")
            torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
            torch.backends.cudnn.allow_tf32 = precision == "tf32"

    def compiler() -> str | None:
        with warnings.catch_warnings():
            # Inductor's own import runs deprecated code of torch.jit.
            warnings.simplefilter("ignore", DeprecationWarning)
            importlib.import_module("torch._inductor.compile_fx")
        if any(shutil.which(name) for name in ("g++", "clang++", "c++", "cl")):
            return None
        return "torch.compile needs a C++ compiler, and neither g++ nor clang++ is on the path"

    def compilations() -> int:
        if "torch._dynamo" not in sys.modules:
            return 0
        from torch._dynamo.utils import counters

        return int(counters["stats"]["unique_graphs"])

    return Backend(
        torch.func.grad,
        prepare,
        relu,
        lambda array: np.array(array.detach().cpu().numpy()),
        wait,
        tracing=torch.compiler.is_compiling,
        gpu=torch.cuda.is_available,
        settle=settle,
        compiler=compiler,
        compilations=compilations,
    )


NAME: str = keras.config.backend()
BACKEND = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}[NAME]()
