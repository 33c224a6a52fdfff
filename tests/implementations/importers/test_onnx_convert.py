"""Files of a few operators: what they become, and that it is the same to rounding."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")

from onnx_graphs import CONV, HEAD, WEIGHTS, floats, saved

from implementations.errors import BadInput
from implementations.importers.onnx.checking import check
from implementations.importers.onnx.convert import Wanted, convert

ROW = floats(1, 4, 1, 1, seed=3)
SIX = np.float32(6)
THREE = np.float32(3)
ZERO = np.float32(0)
SIXTH = np.float32(1 / 6)

CASES = {
    "relu": ([("Relu", ["c"], "y")], {}, "conv relu global_average_pool dense"),
    "relu6 by min and max": (
        [("Max", ["c", "zero"], "m"), ("Min", ["m", "six"], "y")], {},
        "conv relu6 global_average_pool dense",
    ),
    "a bias of its own": (
        [("Add", ["c", "row"], "y")], {}, "conv global_average_pool dense"
    ),
    "batch norm": (
        [("BatchNormalization", ["c", "s", "o", "m", "v"], "y", {"epsilon": 0.1})],
        {"s": floats(4, seed=5), "o": floats(4, seed=6), "m": floats(4, seed=7),
         "v": floats(4, seed=8, low=0.5)},
        "conv batch_norm global_average_pool dense",
    ),
    "a chain of factors": (
        [("Mul", ["c", "row"], "a1"), ("Sub", ["six", "a1"], "a2"), ("Neg", ["a2"], "a3"),
         ("Div", ["a3", "three"], "y")], {},
        "conv batch_norm global_average_pool dense",
    ),
    "factors that cancel": (
        [("Mul", ["c", "three"], "a1"), ("Div", ["a1", "three"], "y")], {},
        "conv global_average_pool dense",
    ),
    "the edge around a max-pool": (
        [("Pad", ["c", "around"], "e", {"mode": "edge"}),
         ("MaxPool", ["e"], "y", {"kernel_shape": [3, 3], "strides": [2, 2]})],
        {"around": np.array([0, 0, 0, 1, 0, 0, 2, 1])},
        "conv max_pool global_average_pool dense",
    ),
    "silu": (
        [("Sigmoid", ["c"], "s"), ("Mul", ["c", "s"], "y")], {},
        "conv silu global_average_pool dense",
    ),
    "hard swish": (
        [("HardSigmoid", ["c"], "s", {"alpha": 1 / 6, "beta": 0.5}), ("Mul", ["s", "c"], "y")], {},
        "conv hard_swish global_average_pool dense",
    ),
    "hard swish, one operator, thrice": (
        [("HardSwish", ["c"], "h1"), ("HardSwish", ["h1"], "h2"), ("HardSwish", ["h2"], "y")], {},
        "conv hard_swish hard_swish hard_swish global_average_pool dense",
    ),
    "hard swish in pieces": (
        [("Add", ["c", "three"], "a"), ("Clip", ["a", "zero", "six"], "k6"),
         ("Mul", ["c", "k6"], "m"), ("Div", ["m", "six"], "y")], {},
        "conv hard_swish global_average_pool dense",
    ),
    "gelu in pieces": (
        [("Div", ["c", "root"], "a"), ("Erf", ["a"], "e"), ("Add", ["e", "one"], "s"),
         ("Mul", ["c", "s"], "m"), ("Mul", ["m", "half"], "y")],
        {"root": np.float32(2**0.5), "one": np.float32(1), "half": np.float32(0.5)},
        "conv gelu global_average_pool dense",
    ),
    "layer norm over the channels": (
        [("Transpose", ["c"], "t", {"perm": [0, 2, 3, 1]}),
         ("LayerNormalization", ["t", "s", "o"], "n", {"axis": -1, "epsilon": 0.1}),
         ("Transpose", ["n"], "y", {"perm": [0, 3, 1, 2]})],
        {"s": floats(4, seed=5), "o": floats(4, seed=6)},
        "conv layer_norm global_average_pool dense",
    ),
    "a response norm and a leak": (
        [("LRN", ["c"], "l", {"size": 3, "alpha": 0.5, "beta": 0.6, "bias": 2.0}),
         ("LeakyRelu", ["l"], "y", {"alpha": 0.125})], {},
        "conv local_response_norm leaky_relu global_average_pool dense",
    ),
    "hard sigmoid in pieces": (
        [("Add", ["c", "three"], "a"), ("Clip", ["a", "zero", "six"], "k6"),
         ("Mul", ["k6", "sixth"], "y")], {},
        "conv hard_sigmoid global_average_pool dense",
    ),
    "a gate": (
        [("GlobalAveragePool", ["c"], "g"), ("Conv", ["g", "gk", "gb"], "e"),
         ("Sigmoid", ["e"], "s"), ("Mul", ["c", "s"], "y")],
        {"gk": floats(4, 4, 1, 1, seed=9), "gb": floats(4, seed=10)},
        "conv global_average_pool dense sigmoid multiply global_average_pool dense",
    ),
    "a gate by means and products": (
        [("ReduceMean", ["c", "hw"], "g", {"keepdims": 0}), ("MatMul", ["g", "gw"], "e"),
         ("HardSigmoid", ["e"], "s"), ("Reshape", ["s", "shape"], "r"), ("Mul", ["r", "c"], "y")],
        {"gw": floats(4, 4, seed=9), "shape": np.array([-1, 4, 1, 1]), "hw": np.array([2, -1])},
        "conv global_average_pool dense hard_sigmoid multiply global_average_pool dense",
    ),
    "joined": (
        [("Relu", ["c"], "r"), ("Add", ["c", "r"], "a"), ("Sub", ["a", "c"], "s"),
         ("Concat", ["s", "c", "r"], "j", {"axis": 1}), ("Conv", ["j", "jk"], "y")],
        {"jk": floats(4, 12, 1, 1, seed=4)},
        "conv relu add subtract concat conv global_average_pool dense",
    ),
    "padded by itself": (
        [("Pad", ["c", "pads"], "p1"), ("Conv", ["p1", "pk"], "y", {"strides": [2, 2]})],
        {"pads": np.array([0, 0, 0, 1, 0, 0, 1, 0]), "pk": floats(4, 4, 3, 3, seed=4)},
        "conv conv global_average_pool dense",
    ),
    "cropped": (
        [("Slice", ["c", "from", "to", "axes"], "s"), ("Pad", ["s", "pads"], "y")],
        {"from": np.array([1, 0]), "to": np.array([99, -2]), "axes": np.array([2, 3]),
         "pads": np.array([0, 0, 0, 2, 0, 0, 0, 0])},
        "conv crop pad global_average_pool dense",
    ),
    "pools": (
        [("MaxPool", ["c"], "m", {"kernel_shape": [3, 3], "strides": [2, 2],
                                  "pads": [1, 1, 0, 1], "ceil_mode": 1}),
         ("AveragePool", ["m"], "y", {"kernel_shape": [2, 2], "pads": [1, 0, 0, 0],
                                      "count_include_pad": 1})], {},
        "conv max_pool average_pool global_average_pool dense",
    ),
    "padded upwards and downwards": (
        [("Conv", ["c", "uk"], "u", {"auto_pad": "SAME_LOWER", "strides": [2, 2]}),
         ("MaxPool", ["u"], "y", {"kernel_shape": [2, 2], "auto_pad": "SAME_UPPER"})],
        {"uk": floats(4, 4, 2, 2, seed=4)},
        "conv conv max_pool global_average_pool dense",
    ),
    "grouped, dilated": (
        [("Conv", ["c", "gk"], "y", {"group": 2, "dilations": [2, 1], "pads": [2, 0, 1, 0]})],
        {"gk": floats(4, 2, 2, 1, seed=4)}, "conv conv global_average_pool dense",
    ),
    "shuffled and split": (
        [("Reshape", ["c", "two"], "r"), ("Transpose", ["r"], "t", {"perm": [0, 2, 1, 3, 4]}),
         ("Reshape", ["t", "one"], "u"),
         ("Split", ["u"], ["a", "z"], {"axis": 1, "num_outputs": 2}),
         ("Relu", ["z"], "q"), ("Concat", ["a", "q"], "y", {"axis": 1})],
        {"two": np.array([0, 2, 2, 8, 6]), "one": np.array([0, -1, 8, 6])},
        "conv normalise channels channels relu concat global_average_pool dense",
    ),
    "one row, and places in it that stride over no value": (
        [("Reshape", ["c", "row1"], "r"), ("Shape", ["images"], "s"), ("Gather", ["s", "0"], "n"),
         ("Range", ["0", "n", "1"], "i1"), ("Mul", ["i1", "192"], "i2"),
         ("Unsqueeze", ["i2", "axes"], "i3"), ("Add", ["i3", "within"], "i"),
         ("Gather", ["r", "i"], "y")],
        {"row1": np.array([-1]), "0": np.array(0), "1": np.array(1), "192": np.array(192),
         "axes": np.array([1, 2, 3]), "within": np.arange(192).reshape(1, 4, 8, 6)},
        "conv global_average_pool dense",
    ),
    "dropped": (
        [("Dropout", ["c", "rate", "training"], "d"), ("Identity", ["d"], "y")],
        {"rate": np.float32(0.3), "training": np.array(False)},
        "conv dropout global_average_pool dense",
    ),
    "read sideways": (
        [("Transpose", ["c"], "t", {"perm": [0, 2, 3, 1]}), ("MatMul", ["t", "mk"], "m"),
         ("Add", ["m", "mb"], "a"), ("Transpose", ["a"], "y", {"perm": [0, 3, 1, 2]})],
        {"mk": floats(4, 4, seed=4), "mb": floats(4, seed=5)},
        "conv conv global_average_pool dense",
    ),
}  # fmt: skip


def imported(tmp_path: Path, ops, weights, wanted=None, **settings):
    made = convert(saved(tmp_path / "m.onnx", ops, weights, **settings), wanted or Wanted())
    found = check(made)
    assert found.exact is not None or "LRN" in found.why, found.why
    return made, found


def kinds(made) -> str:
    return " ".join(node.kind for node in made.architecture.nodes)


@pytest.mark.parametrize("case", CASES)
def test_a_formula_becomes_its_kind(tmp_path: Path, case: str) -> None:
    ops, more, expected = CASES[case]
    given = {**WEIGHTS, "row": ROW, "six": SIX, "three": THREE, "zero": ZERO, "sixth": SIXTH}
    used = {name for op in [*CONV, *ops, *HEAD] for name in op[1]}
    weights = {name: value for name, value in {**given, **more}.items() if name in used}
    made, found = imported(tmp_path, [*CONV, *ops, *HEAD], weights)
    assert kinds(made) == expected
    assert made.layout == "NCHW" and made.batch is None
    # What replaces a float32 constant by the number meant, or is rounded to float32 when merged.
    rounded = {"hard swish in pieces", "hard sigmoid in pieces", "a chain of factors",
               "factors that cancel", "a gate by means and products", "gelu in pieces",
               "a response norm and a leak"}  # fmt: skip
    if found.exact is None:
        assert case == "a response norm and a leak" and found.single is not None
        return
    assert found.exact < (3e-7 if case in rounded else 1e-13)
    assert found.single is None or found.single < 1e-5


def test_a_flatten_of_a_map_puts_the_rows_in_our_order(tmp_path: Path) -> None:
    weights = {"k": WEIGHTS["k"], "w": floats(4 * 8 * 6, 3, seed=1)}
    for number, order in enumerate(([0, 1, 2, 3], [0, 2, 3, 1], [0, 3, 1, 2])):
        ops = [*CONV, ("Transpose", ["c"], "t", {"perm": order}), ("Flatten", ["t"], "f"),
               ("MatMul", ["f", "w"], "logits")]  # fmt: skip
        made, found = imported(tmp_path, ops, weights)
        assert kinds(made) == "conv flatten dense" and found.exact < 1e-14, number


def test_images_with_their_channels_last_are_found(tmp_path: Path) -> None:
    ops = [("Transpose", ["images"], "n", {"perm": [0, 3, 1, 2]}), ("Conv", ["n", "k"], "y"), *HEAD]
    made, found = imported(tmp_path, ops, WEIGHTS, shape=("b", 8, 6, 3))
    assert made.layout == "NHWC" and made.architecture.input_shape == (8, 6, 3)
    assert found.exact < 1e-14


def test_shapes_are_computed_from_a_free_batch(tmp_path: Path) -> None:
    ops = [*CONV, ("Shape", ["c"], "s"), ("Gather", ["s", "i"], "n"),
           ("Unsqueeze", ["n", "z"], "u"),
           ("Concat", ["u", "rest"], "to", {"axis": 0}), ("Reshape", ["c", "to"], "r"),
           ("MatMul", ["r", "w"], "logits")]  # fmt: skip
    weights = {"k": WEIGHTS["k"], "i": np.array(0), "z": np.array([0]), "rest": np.array([-1]),
               "w": floats(192, 3)}  # fmt: skip
    made, _ = imported(tmp_path, ops, weights)
    assert kinds(made) == "conv flatten dense"


def test_padding_is_computed_from_the_size_of_the_images(tmp_path: Path) -> None:
    ops = [("Shape", ["images"], "s"), ("Gather", ["s", "i"], "h"), ("Sub", ["h", "six"], "d"),
           ("Clip", ["d", "none"], "m"),
           ("Concat", ["before", "m", "zero"], "pads", {"axis": 0}),
           ("Pad", ["images", "pads"], "p8"), ("Conv", ["p8", "k"], "y"), *HEAD]  # fmt: skip
    weights = {"i": np.array([2]), "six": np.array([6]), "none": np.array(0),
               "before": np.zeros(6, np.int64), "zero": np.array([0])}  # fmt: skip
    made, found = imported(tmp_path, ops, {**WEIGHTS, **weights})
    # Two rows below the eight, as TensorFlow's padding has them.
    assert made.architecture.nodes[0]["padding"] == ((0, 2), (0, 0))
    assert found.exact < 1e-14


def test_heads_are_cut_off_and_one_logit_becomes_two(tmp_path: Path) -> None:
    softmax = [*CONV, *HEAD[:-1], ("Gemm", ["f", "v"], "g"), ("Softmax", ["g"], "logits")]
    soft = ("Identity", ["c"], "y")
    made, _ = imported(tmp_path, [*CONV, soft, *softmax[1:]], {**part("k"), "v": floats(4, 3)})
    assert made.architecture.classes == 3 and made.logits == "g"
    assert "logits are taken before the softmax" in made.notes
    one = [*softmax[:-2], ("Gemm", ["f", "v"], "g"), ("Sigmoid", ["g"], "logits")]
    made, _ = imported(tmp_path, [*CONV, soft, *one[1:]], {**part("k"), "v": floats(4, 1)})
    assert made.architecture.classes == 2 and made.doubled
    assert not made.weights["dense1.kernel"][:, 0].any()


def part(*names: str) -> dict:
    return {name: WEIGHTS[name] for name in names}


@pytest.mark.parametrize("inside", [False, True])
def test_scaling_goes_in_front(tmp_path: Path, inside: bool) -> None:
    """Said on the command line, or found in the file with its channels the other way round."""
    if inside:
        ops = [("Gather", ["images", "bgr"], "g", {"axis": 1}), ("Mul", ["g", "scale"], "u"),
               ("Sub", ["u", "mean"], "x"), ("Conv", ["x", "k"], "y"), *HEAD]  # fmt: skip
        more = {"bgr": np.array([2, 1, 0]), "scale": np.float32(255),
                "mean": floats(1, 3, 1, 1, low=0.2)}  # fmt: skip
        made, found = imported(tmp_path, ops, {**WEIGHTS, **more})
        assert made.architecture.nodes[0]["order"] == (2, 1, 0)
    else:
        wanted = Wanted(mean=(0.4, 0.5, 0.6), deviation=(0.2, 0.3, 0.4))
        made, found = imported(tmp_path, [*CONV, ("Relu", ["c"], "y"), *HEAD], WEIGHTS, wanted)
        assert made.architecture.nodes[0]["mean"] == pytest.approx((0.4, 0.5, 0.6))
    assert kinds(made).startswith("normalise conv") and found.exact < 1e-13


def test_a_scaling_that_undoes_another_keeps_what_float32_leaves(tmp_path: Path) -> None:
    """The 1/255 of a file is no 1/255: what --scale 255 leaves of it is 6e-8 from 1."""
    ops = [("Mul", ["images", "part"], "x"), ("Conv", ["x", "k"], "y"), *HEAD]
    weights = {**WEIGHTS, "part": np.float32(1 / 255)}
    made, found = imported(tmp_path, ops, weights, Wanted(scale=255))
    assert kinds(made).startswith("normalise conv") and found.exact < 1e-14
    assert made.architecture.nodes[0]["deviation"] == pytest.approx((1,) * 3, abs=1e-7)


def test_images_of_whole_numbers_are_0_to_255(tmp_path: Path) -> None:
    ops = [("Cast", ["images"], "x", {"to": 1}), ("Conv", ["x", "k"], "y"), *HEAD]
    made = convert(saved(tmp_path / "m.onnx", ops, WEIGHTS, kind=2), Wanted())
    assert made.architecture.nodes[0]["deviation"] == pytest.approx((1 / 255,) * 3)
    assert any("multiplied by 255" in note for note in made.notes)


REFUSED = {
    "an unknown operator": ([*CONV, ("Tan", ["c"], "y")], {}, r"node 'n1' \(Tan\): .*docs/import"),
    "half a formula": ([*CONV, ("Erf", ["c"], "y")], {}, "node 'n1' is erf outside a formula"),
    "attention": ([*CONV, ("Softmax", ["c"], "y", {"axis": 1})], {}, "attention"),
    "odd bounds": (
        [*CONV, ("Clip", ["c", "lo", "hi"], "y")],
        {"lo": np.float32(-1), "hi": np.float32(2)}, r"clips to \[-1, 2\]",
    ),
    "a reshaped batch": (
        [*CONV, ("Reshape", ["c", "to"], "y")], {"to": np.array([2, -1])}, "reshapes the batch",
    ),
    "images in one row": (
        [*CONV, ("Reshape", ["c", "to"], "r"), ("Unsqueeze", ["r", "one"], "u"),
         ("MatMul", ["u", "by"], "y")],
        {"to": np.array([-1]), "one": np.array([1]), "by": floats(1, 3)}, "images in one row",
    ),
    "weights of the images": (
        [("Conv", ["images", "images"], "y")], {}, "depends on the images; fixed weights",
    ),
    "a dangling name": ([*CONV, ("Relu", ["nowhere"], "y")], {}, "reads 'nowhere', which nothing"),
    "a name given twice": ([*CONV, ("Relu", ["c"], "c")], {}, "gives 'c', which something before"),
    "statistics of the batch": (
        [*CONV, ("BatchNormalization", ["c", "s", "s", "s", "s"], "y", {"training_mode": 1})],
        {"s": floats(4, low=0.1)}, r"call model.eval\(\)",
    ),
    "an edge that no max-pool reads": (
        [*CONV, ("Pad", ["c", "pads"], "y", {"mode": "edge"})],
        {"pads": np.array([0, 0, 1, 1, 0, 0, 1, 1])}, "by the edge, .* not a max-pool's own",
    ),
    "an edge wider than the windows": (
        [*CONV, ("Pad", ["c", "pads"], "e", {"mode": "edge"}),
         ("MaxPool", ["e"], "y", {"kernel_shape": [2, 2]})],
        {"pads": np.array([0, 0, 2, 0, 0, 0, 0, 0])}, "by the edge, .* not a max-pool's own",
    ),
    "reflection": (
        [*CONV, ("Pad", ["c", "pads"], "y", {"mode": "reflect"})],
        {"pads": np.array([0, 0, 1, 1, 0, 0, 1, 1])}, "pads by reflect",
    ),
    "a large constant": (
        [("ConstantOfShape", ["to"], "z"), *CONV, ("Add", ["c", "z"], "y")],
        {"to": np.array([1 << 20, 1 << 20])}, "makes a constant of 1,099,511,627,776 values",
    ),
    "a quantised network": ([*CONV, ("QuantizeLinear", ["c", "k"], "y")], {}, "quantised"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_has_no_form_is_refused_in_one_line(tmp_path: Path, case: str) -> None:
    ops, more, said = REFUSED[case]
    path = saved(tmp_path / "m.onnx", [*ops, *HEAD], {**WEIGHTS, **more})
    with pytest.raises(BadInput, match=said) as caught:
        convert(path, Wanted())
    line = str(caught.value)
    assert "\n" not in line and line.startswith(str(path))


def test_an_output_of_one_row_is_refused(tmp_path: Path) -> None:
    last = ("Gemm", ["f", "w", "b"], "g", {"transB": 1})
    ops = [*CONV, ("Relu", ["c"], "y"), *HEAD[:-1], last, ("Reshape", ["g", "to"], "logits")]
    path = saved(tmp_path / "m.onnx", ops, {**WEIGHTS, "to": np.array([-1])})
    with pytest.raises(BadInput, match="has all images in one row"):
        convert(path, Wanted())


def test_standardised_weights_are_computed(tmp_path: Path) -> None:
    """A batch norm of the kernel itself, by its own moments, as weight standardisation exports."""
    ops = [
        ("Reshape", ["k", "flat"], "k1"),
        ("BatchNormalization", ["k1", "S", "O", "M", "V"], "k2", {"training_mode": 1}),
        ("Reshape", ["k2", "shape"], "k3"), ("Conv", ["images", "k3"], "c"), ("Relu", ["c"], "y"),
    ]  # fmt: skip
    zeros, ones = np.zeros(4, np.float32), np.ones(4, np.float32)
    more = {"flat": np.array([1, 4, 27]), "shape": np.array([4, 3, 3, 3]), "S": floats(4, seed=7),
            "O": zeros, "M": zeros, "V": ones}  # fmt: skip
    # Far from their mean float32 would lose digits: they are rounded once.
    weights = {**WEIGHTS, "k": WEIGHTS["k"] + np.float32(100)}
    made, found = imported(tmp_path, [*ops, *HEAD], {**weights, **more})
    assert found.exact is not None and found.exact < 3e-7
    kernel = made.weights["conv1.kernel"].astype(np.float64)
    np.testing.assert_allclose(kernel.mean(axis=(0, 1, 2)), 0, atol=1e-7)
    np.testing.assert_allclose(kernel.std(axis=(0, 1, 2)), np.abs(more["S"]), rtol=1e-3)


def test_a_norm_in_pieces_loses_no_digit(tmp_path: Path) -> None:
    """As Keras writes one on PyTorch, whose one offset is between two numbers of float32."""
    parts = {name: floats(1, 4, 1, 1, seed=seed, low=0.5) for seed, name in enumerate("BMSO", 5)}
    ops = [*CONV, ("Add", ["c", "B"], "c1"), ("Sub", ["c1", "M"], "c2"), ("Mul", ["c2", "S"], "c3"),
           ("Add", ["c3", "O"], "c4"), ("Relu", ["c4"], "y")]  # fmt: skip
    made, found = imported(tmp_path, [*ops, *HEAD], {**WEIGHTS, **parts})
    assert [node.kind for node in made.architecture.nodes][:3] == ["conv", "batch_norm", "relu"]
    assert found.exact is not None and found.exact < 1e-13


def test_what_differs_from_the_file_is_never_taken(tmp_path: Path) -> None:
    path = saved(tmp_path / "m.onnx", [*CONV, ("Relu", ["c"], "y"), *HEAD], WEIGHTS)
    made = convert(path, Wanted())
    made.weights["dense1.bias"][0] += 0.01
    with pytest.raises(BadInput, match=r"differs from it by .* in float64; it cannot be imported"):
        check(made)


def test_a_network_that_magnifies_rounding_is_told_from_a_wrong_one(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    ops = [*CONV, ("Add", ["c", "far"], "d"), ("Relu", ["d"], "r"), ("Sub", ["r", "far"], "y")]
    path = saved(tmp_path / "m.onnx", [*ops, *HEAD], {**WEIGHTS, "far": np.float32([[[1e5]]])})
    made = convert(path, Wanted())
    with pytest.raises(BadInput, match=r"in float32; in float64 they agree .*--unchecked") as told:
        check(made)
    assert "\n" not in str(told.value)


def test_nodes_are_named_by_kind_and_order_and_no_name_stands_twice(tmp_path: Path) -> None:
    """Sixty-one ReLUs and a ReLU6: `relu61` could be either."""
    ops = [("Conv", ["images", "k"], "v0", {"pads": [1, 1, 1, 1]})]
    for number in range(61):
        ops.append(("Relu", [f"v{number}"], f"r{number}"))
        ops.append(("Conv", [f"r{number}", "n"], f"v{number + 1}"))
    ops.append(("Clip", ["v61", "zero", "six"], "y"))
    weights = {**WEIGHTS, "n": floats(4, 4, 1, 1), "zero": ZERO, "six": SIX}
    made = convert(saved(tmp_path / "m.onnx", [*ops, *HEAD], weights), Wanted())
    names = [node.name for node in made.architecture.nodes]
    assert len(set(names)) == len(names) and "relu62" in names


def test_evaluators_leave_no_temporary_file(tmp_path: Path, monkeypatch) -> None:
    pytest.importorskip("onnxruntime")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setattr(tempfile, "tempdir", None)
    _, found = imported(tmp_path, [*CONV, ("Relu", ["c"], "y"), *HEAD], WEIGHTS)
    assert found.single is not None and not list(scratch.iterdir())


def test_a_batch_that_no_memory_holds_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="a batch of 1000000000 images is fixed in it"):
        imported(tmp_path, [*CONV, ("Relu", ["c"], "y"), *HEAD], WEIGHTS, shape=(10**9, 3, 8, 6))
