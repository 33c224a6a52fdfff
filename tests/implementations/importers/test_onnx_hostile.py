"""Broken and hostile files: one line, and soon."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")

from import_refused import refusal
from onnx import TensorProto, helper, numpy_helper
from onnx_graphs import CONV, HEAD, WEIGHTS, saved

from implementations.errors import BadInput
from implementations.importers.onnx.convert import Wanted, convert


def model_of(path: Path):
    from onnx import ModelProto

    model = ModelProto()
    model.ParseFromString(path.read_bytes())
    return model


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    return saved(tmp_path / "m.onnx", [*CONV, ("Relu", ["c"], "y"), *HEAD], WEIGHTS)


def refused(path: Path, model, said: str) -> None:
    path.write_bytes(model.SerializeToString())
    with pytest.raises(BadInput, match=said) as caught:
        convert(path, Wanted())
    assert "\n" not in str(caught.value)
    assert f": {path.stem}: " not in str(caught.value)


def outside(model, **entries: str) -> None:
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in entries.items():
        tensor.external_data.add(key=key, value=value)


def test_tensors_beside_the_model_are_read(sound: Path) -> None:
    model = model_of(sound)
    (sound.parent / "m.data").write_bytes(b"1234" + model.graph.initializer[0].raw_data)
    outside(model, location="m.data", offset="4")
    sound.write_bytes(model.SerializeToString())
    made = convert(sound, Wanted())
    np.testing.assert_array_equal(made.weights["conv1.kernel"], WEIGHTS["k"].transpose(2, 3, 1, 0))


@pytest.mark.parametrize(
    ("location", "more", "said"),
    [
        ("/etc/passwd", {}, "plain file beside the model"),
        ("../m.data", {}, "plain file beside the model"),
        ("sub/m.data", {}, "plain file beside the model"),
        ("link", {}, "plain file beside the model"),
        ("folder", {}, "plain file beside the model"),
        ("pipe", {}, "plain file beside the model"),
        ("missing", {}, "plain file beside the model"),
        ("", {}, "plain file beside the model"),
        ("m.data", {"offset": "-4"}, "do not match in 'm.data'"),
        ("m.data", {"offset": "9999999"}, "do not match in 'm.data'"),
        ("m.data", {"length": "1"}, "do not match in 'm.data'"),
        ("m.data", {"offset": "four"}, "plain file beside the model"),
    ],
)
def test_tensors_elsewhere_are_not(sound: Path, location: str, more: dict, said: str) -> None:
    folder = sound.parent
    (folder / "m.data").write_bytes(b"0" * 100_000)
    (folder / "link").symlink_to(folder / "m.data")
    (folder / "folder").mkdir()
    os.mkfifo(folder / "pipe")
    model = model_of(sound)
    outside(model, location=location, **more)
    refused(sound, model, said)


def test_a_file_of_holes_beside_the_model_is_not_read(sound: Path) -> None:
    model = model_of(sound)
    with (sound.parent / "m.data").open("wb") as stream:
        stream.truncate(1 << 40)
    model.graph.initializer[0].dims[0] = 1 << 24
    outside(model, location="m.data")
    refused(sound, model, "'m.data' beside it is mostly holes; copy the file again")


def test_a_constant_of_a_node_is_not_read_of_holes_either(sound: Path) -> None:
    model = model_of(sound)
    with (sound.parent / "m.data").open("wb") as stream:
        stream.truncate(1 << 40)
    outside(model, location="m.data")
    node = model.graph.node.add(op_type="Constant", output=["own"])
    node.attribute.append(helper.make_attribute("value", model.graph.initializer[0]))
    model.graph.initializer[0].CopyFrom(model_of(sound).graph.initializer[0])
    refused(sound, model, "'m.data' beside it is mostly holes; copy the file again")


def test_a_few_bytes_beside_the_model_do_not_serve_many_tensors(sound: Path) -> None:
    model = model_of(sound)
    held = model.graph.initializer[0].raw_data
    (sound.parent / "m.data").write_bytes(held)
    outside(model, location="m.data")
    twin = model.graph.initializer.add()
    twin.CopyFrom(model.graph.initializer[0])
    twin.name = "twin"
    sound.write_bytes(model.SerializeToString())
    convert(sound, Wanted())
    for number in range(2):
        again = model.graph.initializer.add()
        again.CopyFrom(twin)
        again.name = f"again{number}"
    less = model.graph.initializer.add()
    less.CopyFrom(twin)
    less.name, less.dims[0] = "less", -(1 << 40)
    taken = f"take {4 * len(held):,} bytes of the {len(held):,} in 'm.data'"
    refused(sound, model, taken)


def changed(what: str, model) -> None:
    tensor, node, graph = model.graph.initializer[0], model.graph.node[0], model.graph
    match what:
        case "negative size":
            tensor.dims[0] = -4
        case "huge":
            tensor.dims[0] = 1 << 62
        case "too little":
            tensor.raw_data = tensor.raw_data[:-1]
        case "text":
            tensor.data_type = TensorProto.STRING
        case "unknown type":
            tensor.data_type = 99
        case "domain":
            node.domain = "com.microsoft"
        case "graph":
            node.attribute.append(helper.make_attribute("then_branch", graph))
        case "functions":
            model.functions.add(name="f", domain="ours")
        case "many nodes":
            for _ in range(10_001):
                graph.node.add(op_type="Relu", input=["c"], output=["c"])
        case "no output":
            del graph.output[:]
        case "inputs":
            graph.input.append(helper.make_tensor_value_info("mean", 1, (3,)))
        case "rank":
            del graph.input[0].type.tensor_type.shape.dim[3]
        case "free size":
            graph.input[0].type.tensor_type.shape.dim[2].dim_param = "h"
        case "not finite":
            tensor.raw_data = np.full(108, np.inf, np.float32).tobytes()
        case "two tensors":
            tensor_twice = graph.initializer.add()
            tensor_twice.CopyFrom(graph.initializer[1])
            tensor_twice.name = tensor.name
        case "nothing told":
            graph.initializer[1].CopyFrom(numpy_helper.from_array(np.zeros((0, 4), "f4"), "w"))
            graph.initializer[2].CopyFrom(numpy_helper.from_array(np.zeros(0, "f4"), "b"))
        case "text input":
            graph.input[0].type.tensor_type.elem_type = TensorProto.STRING


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("negative size", "tensor 'k' has a negative size"),
        ("huge", "tensor 'k' says .* bytes; 4 GiB at most"),
        ("too little", "tensor 'k': shape and data do not match"),
        ("text", "tensor 'k' is STRING; float or integer wanted"),
        ("unknown type", "tensor 'k' is of the type 99; float or integer wanted"),
        ("domain", r"node 'n0' \(Conv\) is of the domain 'com.microsoft'"),
        ("graph", r"node 'n0' \(Conv\): control flow"),
        ("functions", "the file has functions"),
        ("many nodes", "nodes; 10000 at most"),
        ("no output", "there is no graph in it"),
        ("inputs", "2 inputs .*KERAS_BACKEND=torch"),
        ("rank", "has 3 axes; images have 4"),
        ("free size", "of any size; give one, as --size 224 224"),
        ("not finite", "values that are not finite"),
        ("two tensors", "two of its tensors have one name"),
        ("nothing told", r"node 'n\d' \(Gemm\): units must be an integer of at least 1, not 0"),
        ("text input", "is STRING; images are float or uint8"),
    ],
)
def test_what_is_wrong_is_named(sound: Path, what: str, said: str) -> None:
    model = model_of(sound)
    changed(what, model)
    refused(sound, model, said)


def test_a_small_file_does_not_compute_many_large_constants(tmp_path: Path) -> None:
    many = [("ConstantOfShape", ["s"], f"q{n}") for n in range(4)]
    ops = [*many, *CONV, ("Relu", ["c"], "y"), *HEAD]
    path = saved(tmp_path / "m.onnx", ops, {**WEIGHTS, "s": np.array([1 << 25])})
    said = r"n1' \(ConstantOfShape\): its constant needs 134,217,728 bytes, .*: --constants 640"
    refused(path, model_of(path), said)
    convert(path, Wanted(constants=640))
    widened = [("ConstantOfShape", ["s"], "q"), ("Neg", ["q"], "r"), *ops[4:]]
    path = saved(tmp_path / "m.onnx", widened, {**WEIGHTS, "s": np.array([1 << 12, 1 << 12])})
    refused(path, model_of(path), r"\(Neg\): its constant needs 268,435,456 bytes")


def test_any_bytes_are_refused_in_one_line(sound: Path) -> None:
    """Cut short, or with bytes changed: refused, or still the sound network."""
    whole = sound.read_bytes()
    generator = np.random.default_rng(0)
    for _ in range(200):
        broken = bytearray(whole)
        for place in generator.integers(0, len(whole), 3):
            broken[place] = generator.integers(0, 256)
        sound.write_bytes(bytes(broken[: generator.integers(1, len(whole))]))
        try:
            convert(sound, Wanted())
        except BadInput as error:
            assert "\n" not in str(error) and len(str(error)) < 500
        sound.write_bytes(bytes(broken))
        try:
            convert(sound, Wanted())
        except BadInput as error:
            assert "\n" not in str(error) and len(str(error)) < 500


def test_a_small_file_asks_for_no_absurd_check(tmp_path: Path) -> None:
    ops = [*CONV, ("Relu", ["c"], "y"), *HEAD]
    for name, shape, size, said in (
        ("fixed", ("batch", 3, 8000, 8000), (), r"take [\d,]+ bytes; import it --unchecked"),
        ("free", ("batch", 3, "h", "w"), ("8000", "8000"), "give a smaller --size, or import it"),
        ("many", (900, 3, 224, 224), (), "export it with a free batch, or import it --unchecked"),
    ):
        path = saved(tmp_path / f"{name}.onnx", ops, WEIGHTS, shape)
        words = ["--size", *size] if size else []
        told = refusal(str(path), "--out", str(tmp_path / "out"), *words)
        assert re.search(said, told["said"]), told
        assert told["peak"] < 400, told
        convert(path, Wanted(size=tuple(map(int, size))))
    widened = {**WEIGHTS, "k": np.zeros((1024, 3, 3, 3), "f4"), "w": np.zeros((5, 1024), "f4")}
    path = saved(tmp_path / "wide.onnx", ops, widened, ("batch", 3, 2000, 2000))
    refused(path, model_of(path), r"'n0' \(Conv\): 2000 x 2000 x 1024 numbers of an image")
    flat = [*CONV, ("Flatten", ["c"], "f"), ("Gemm", ["f", "w"], "logits", {"transB": 1})]
    path = saved(tmp_path / "flat.onnx", flat, WEIGHTS, ("batch", 3, 8000, 8000))
    refused(path, model_of(path), r"'n2' \(Gemm\): its kernel of \(4, 5\) does not fit")


def test_absurd_images_are_refused(tmp_path: Path) -> None:
    shape = ("batch", 3, 1 << 20, 1 << 20)
    path = saved(tmp_path / "m.onnx", [*CONV, ("Relu", ["c"], "y"), *HEAD], WEIGHTS, shape)
    refused(path, model_of(path), "numbers of an image; export the network for smaller ones")


def misused(what: str, model) -> None:
    tensor, node = model.graph.initializer[0], model.graph.node[0]
    match what:
        case "padding":
            node.attribute.append(helper.make_attribute("auto_pad", "SAME"))
        case "attribute":
            node.attribute.append(helper.make_attribute("padding", [1, 1]))
        case "later":
            model.graph.node[2].attribute.append(helper.make_attribute("keepdims", 1))
        case "twice":
            node.attribute.append(helper.make_attribute("pads", [0, 0, 0, 0]))
        case "inputs":
            model.graph.node[1].input.append("k")
        case "numbers":
            tensor.float_data.extend([1.0] * 108)
        case "other numbers":
            tensor.int32_data.append(1)
        case "beside":
            tensor.data_location = TensorProto.EXTERNAL


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("padding", r"'n0' \(Conv\): its auto_pad 'SAME' is none of ONNX's"),
        ("attribute", r"'n0' \(Conv\): it has no attribute 'padding' in operator set 20"),
        ("later", r"'n2' \(GlobalAveragePool\): it has no attribute 'keepdims'"),
        ("twice", r"'n0' \(Conv\): its attribute 'pads' stands twice"),
        ("inputs", r"'n1' \(Relu\): more inputs or outputs than it has in operator set 20"),
        ("numbers", "tensor 'k' has its numbers twice"),
        ("other numbers", "tensor 'k' has its numbers twice, or as another type"),
        ("beside", "tensor 'k' has its numbers twice"),
    ],
)
def test_what_is_no_operator_or_tensor_of_onnx_is_named(sound: Path, what: str, said: str) -> None:
    model = model_of(sound)
    misused(what, model)
    refused(sound, model, said)
