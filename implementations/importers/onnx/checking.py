"""The file itself against what it became: two evaluators of ONNX, neither of them ours.

In float64 the package `onnx`'s own, node by node in NumPy; in float32 onnxruntime, where it is
installed, in a process of its own on a copy whose large tensors lie beside it.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from implementations.architecture.shapes import operations
from implementations.errors import BadInput
from implementations.importers.onnx import evaluating
from implementations.importers.onnx.convert import LAYOUTS, Imported

GATE64, GATE32, GATE16 = 1e-6, 1e-4, 2e-3
"""Largest difference of a logit, of the largest: float64, float32, files of half precision."""
MISTAKEN = ("LRN",)
"""Operators that the evaluator computes otherwise than they are defined."""
IMAGES, LARGE = 2, 4 * 10**9
"""Images of the check; one of a network that takes so many operations."""
MOST_BYTES = 1 << 31
"""Bytes of the values that the check may have at once; VGG-16 of 1024 x 1024 pixels has half."""
MOST_OPERATIONS = 10**13
"""Operations of the check at the most: some ten minutes, each way."""
SECONDS = 600
RUN = (
    "import ctypes, sys, numpy as np; getattr(ctypes.CDLL(None), 'prctl', max)(1, 9); "
    "import onnxruntime as o; o.set_default_logger_severity(4); "
    "a = o.SessionOptions(); a.add_session_config_entry('session.disable_prepacking', '1'); "
    "a.graph_optimization_level = o.GraphOptimizationLevel.ORT_DISABLE_ALL; "
    "s = o.InferenceSession(sys.argv[1], a, providers=['CPUExecutionProvider']); "
    "x = np.load(sys.argv[2]); "
    "np.save(sys.argv[3], s.run(None, {s.get_inputs()[0].name: x})[0])"
)
"""What the second opinion's process runs: kernels as they lie, not another copy of them.

It ends with who asked for it, also where that is by a kill (prctl's PR_SET_PDEATHSIG).
"""
SMALL = 4096
"""Bytes of a tensor that lies within the model; larger ones lie beside it, and are not copied."""


@dataclass(frozen=True)
class Checked:
    """How far each evaluator's logits are from ours, of the largest; None where it had none."""

    exact: float | None
    single: float | None
    why: str = ""


def check(made: Imported) -> Checked:
    """Hold what was imported against the file. Raises BadInput where they differ, or are large."""
    _affordable(made)
    model, images = _cut(made), _images(made)
    ours = evaluating.of_architecture(made.architecture, made.weights, images.astype(np.float64))
    half = any(value.dtype == np.float16 for value in made.source.constants.values())
    exact = why = None
    try:
        if any(op.type in MISTAKEN for op in made.source.ops):
            raise NotImplementedError("the evaluator's LRN counts images, not channels")
        doubled = _doubled(model, made.source.opset)
        theirs = evaluating.of_file(
            doubled, made.logits, made.source.opset, made.source.constants,
            _given(made, images, np.float64),
        )  # fmt: skip
        exact = _difference(made, ours, theirs)
    except Exception as error:  # it raises whatever comes, and lacks some operators' modes
        why = str(error).partition("\n")[0][:120] or type(error).__name__
    single = None
    if importlib.util.find_spec("onnxruntime") is not None:
        second = _second(model, _given(made, images, np.float32), made.source.constants)
        single = None if second is None else _difference(made, ours, second)
    for precision, off, gate in (("float64", exact, GATE64), ("float32", single, GATE32)):
        if off is not None and not off <= (GATE16 if half else gate):
            raise BadInput(
                f"{made.source.path}: what was made of it differs from it by {off:.1e} of the "
                f"largest logit in {precision}; {_mend(precision, exact)}"
            )
    if exact is None and single is None:
        raise BadInput(
            f"{made.source.path}: it could not be checked ({why}); install onnxruntime, or import "
            "it --unchecked"
        )
    return Checked(exact, single, why or "")


def _affordable(made: Imported) -> None:
    """Raises BadInput where the check would take more memory or time than it may."""
    count, architecture = _count(made), made.architecture
    held = 8 * count * evaluating.most_values(architecture)
    work = count * operations(architecture)
    if held <= MOST_BYTES and work <= MOST_OPERATIONS:
        return
    free = None in [made.source.inputs[0].sizes[axis] for axis in LAYOUTS[made.layout][1:]]
    mends = ["give a smaller --size"] if free else []
    mends += ["export it with a free batch"] if made.batch else []
    height, width, _ = architecture.input_shape
    told = f"{held:,} bytes" if held > MOST_BYTES else f"{work:,} operations"
    raise BadInput(
        f"{made.source.path}: to check it at {height} x {width} would take {told}; "
        f"{', or '.join([*mends, 'import it --unchecked'])}"
    )


def _mend(precision: str, exact: float | None) -> str:
    if precision == "float64" or exact is None:
        return "it cannot be imported"
    return (
        f"in float64 they agree to {exact:.1e}, so it is the network that magnifies what float32 "
        "rounds: import it --unchecked, and compute with it in float64"
    )


def _count(made: Imported) -> int:
    return made.batch or (1 if operations(made.architecture) > LARGE else IMAGES)


def _images(made: Imported) -> NDArray[np.float32]:
    shape = (_count(made), *made.architecture.input_shape)
    return np.random.default_rng(9).random(shape, np.float32)


def _given(made: Imported, images: NDArray[Any], dtype: Any) -> NDArray[Any]:
    """Images in [0, 1] as the file wants them: its layout, scale and type."""
    wanted = made.given
    uint8 = made.source.inputs[0].dtype == "uint8"
    scale = 255.0 if uint8 and wanted.scale == 1 else wanted.scale
    mean, deviation = np.array(wanted.mean or (0.0,)), np.array(wanted.deviation or (1.0,))
    scaled = (images.astype(np.float64) - mean) / deviation * scale
    if uint8:
        scaled, dtype = np.rint(scaled), np.uint8
    held = scaled.astype(dtype)
    half = made.source.inputs[0].dtype
    if half == "float16" and dtype == np.float32:
        held = held.astype(np.float16)
    lying: NDArray[Any] = held.transpose(0, 3, 1, 2) if made.layout == "NCHW" else held
    return lying


def _cut(made: Imported) -> Any:
    """The model up to the logits."""
    from onnx import ModelProto, TensorProto, helper

    model = ModelProto()
    model.CopyFrom(made.source.model)
    del model.graph.output[:]
    given = model.graph.input[0].type.tensor_type.elem_type
    kind = TensorProto.FLOAT if made.source.inputs[0].dtype == "uint8" else given
    model.graph.output.append(helper.make_tensor_value_info(made.logits, kind, None))
    return model


def _doubled(model: Any, opset: int) -> Any:
    """The model with every float32 number and cast of it in float64."""
    from onnx import ModelProto, TensorProto, numpy_helper

    made = ModelProto()
    made.CopyFrom(model)
    wide = TensorProto.DOUBLE

    def widened(tensor: Any) -> None:
        if tensor.data_type in (TensorProto.FLOAT, TensorProto.FLOAT16):
            values = numpy_helper.to_array(tensor).astype(np.float64)
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))

    for node in made.graph.node:
        if node.op_type == "BatchNormalization":
            _resting(node, opset)
        for attribute in node.attribute:
            if attribute.type == 4:
                widened(attribute.t)
            elif attribute.name == "to" and attribute.i in (TensorProto.FLOAT, TensorProto.FLOAT16):
                attribute.i = wide
    return made


def _resting(node: Any, opset: int) -> None:
    """Older operator sets' batch norm: the evaluator would take its momentum for training."""
    from onnx import helper

    if opset < 14:
        kept = [each for each in node.attribute if each.name not in ("momentum", "is_test")]
        del node.attribute[:]
        node.attribute.extend(kept)
        still = ("momentum", 1.0) if opset >= 9 else ("is_test", 1)
        node.attribute.append(helper.make_attribute(*still))


def _second(
    model: Any, images: NDArray[Any], constants: evaluating.Constants
) -> NDArray[Any] | None:
    """What onnxruntime makes of the images, or None where it does not take the file."""
    with tempfile.TemporaryDirectory() as folder:
        with (Path(folder) / "weights").open("wb") as stream:
            for key, values in constants.items():
                model.graph.initializer.append(_beside(stream, key, values))
        names = [str(Path(folder) / name) for name in ("model.onnx", "images.npy", "logits.npy")]
        Path(names[0]).write_bytes(model.SerializeToString())
        np.save(names[1], images)
        command = [sys.executable, "-c", RUN, *names]
        try:
            done = subprocess.run(
                command, capture_output=True, timeout=SECONDS, check=False,
                env={**os.environ, "TMPDIR": folder},  # where onnxruntime leaves a file
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return None
        if done.returncode:
            return None
        return np.asarray(np.load(names[2]))


def _beside(stream: BinaryIO, name: str, values: NDArray[Any]) -> Any:
    """A tensor of the model, its numbers in the file `weights` where they are many."""
    from onnx import TensorProto, helper, numpy_helper

    if values.nbytes < SMALL:
        return numpy_helper.from_array(values, name)
    stream.seek(-(-stream.tell() // SMALL) * SMALL)
    place = {"location": "weights", "offset": str(stream.tell()), "length": str(values.nbytes)}
    stream.write(np.ascontiguousarray(values).reshape(-1).view(np.uint8).data)
    kind = helper.np_dtype_to_tensor_dtype(values.dtype)
    made = TensorProto(name=name, data_type=kind, dims=values.shape)
    made.data_location = TensorProto.EXTERNAL
    for key, value in place.items():
        made.external_data.add(key=key, value=value)
    return made


def _difference(made: Imported, ours: NDArray[Any], theirs: NDArray[Any]) -> float:
    """The largest difference of a logit over the largest logit."""
    held = np.asarray(theirs, np.float64).reshape(len(ours), -1)
    if made.doubled:
        held = np.concatenate([np.zeros_like(held), held], axis=1)
    if held.shape != ours.shape:
        return float("inf")
    largest = float(np.abs(held).max())
    return float(np.abs(held - ours).max()) / (largest or 1.0)
