import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from implementations.architecture import registered
from implementations.architecture.graph import parse
from implementations.architecture.shapes import capacity, operations, parameters, summary
from implementations.architecture.window import window
from implementations.errors import BadInput

SHAPE = (6, 6, 4)


def chain(*nodes, classes=2):
    named, before = [], "input"
    for position, node in enumerate(nodes):
        named.append({"name": f"node{position}", "inputs": [before], **node})
        before = f"node{position}"
    form = {"name": "test", "input_shape": SHAPE, "classes": classes, "nodes": named}
    return parse(form, "test")


def classified(*nodes):
    return chain(*nodes, {"kind": "flatten"}, {"kind": "dense", "units": 2})


def only(node, shape):
    """The window of one node over an input."""
    return window(classified(node).nodes[0], shape)


def test_same_padding_puts_the_odd_cell_at_the_end():
    even = only({"kind": "conv", "filters": 1, "kernel": [2, 3], "stride": 2}, (6, 6, 4))
    assert (even.size, even.pads) == ((3, 3), ((0, 0), (0, 1)))


def test_ceil_rounding_adds_cells_that_no_window_starts_in():
    pool = {"kind": "max_pool", "size": 2, "stride": 2, "rounding": "ceil", "padding": 0}
    assert only(pool, (5, 6, 1)).pads == ((0, 1), (0, 0))
    assert only(pool, (5, 6, 1)).size == (3, 3)
    # 6 + 1 + 1, stride 7: a second window would start in the padding, so there is none.
    padded = {**pool, "stride": 7, "padding": 1}
    assert only(padded, (6, 6, 1)).size == (1, 1)


@given(
    st.integers(1, 12), st.integers(1, 4), st.integers(1, 4), st.integers(1, 3),
    st.tuples(st.integers(0, 3), st.integers(0, 3)), st.sampled_from(["same", "pairs"]),
)  # fmt: skip
def test_convolution_windows(n, kernel, stride, dilation, pads, padding):
    extent = (kernel - 1) * dilation + 1
    assume(padding == "same" or n + sum(pads) >= extent)
    conv = {"kind": "conv", "filters": 1, "kernel": 1, "stride": stride, "dilation": dilation}
    node = classified({**conv}).nodes[0]
    settings = {**node.settings, "kernel": (kernel, kernel),
                "padding": "same" if padding == "same" else (pads, pads)}  # fmt: skip
    place = window(type(node)(node.name, node.kind, node.inputs, settings), (n, n, 1))
    (before, after), out = place.pads[0], place.size[0]
    last = (out - 1) * stride + extent
    assert last <= before + n + after
    if padding == "same":
        assert out == math.ceil(n / stride)
        assert after - before in (0, 1)
    else:
        assert (before, after) == pads
        assert last + stride > before + n + after


@given(
    st.integers(1, 8), st.integers(1, 4), st.integers(1, 4),
    st.tuples(st.integers(0, 4), st.integers(0, 4)), st.sampled_from(["floor", "ceil"]),
    st.booleans(),
)  # fmt: skip
def test_every_window_of_a_pool_covers_a_pixel_or_it_is_refused(n, size, stride, pads, mode, same):
    pool = {"kind": "max_pool", "size": size, "stride": stride, "rounding": mode}
    node = classified({**pool, "padding": "same"}).nodes[0]
    settings = {**node.settings, "padding": "same" if same else (pads, pads)}
    node = type(node)(node.name, node.kind, node.inputs, settings)
    try:
        place = window(node, (n, n, 1))
    except ValueError as error:
        # Too much padding on a side for a window, or too little for one to fit at all.
        assert not same
        assert max(pads) >= size or n + sum(pads) < size
        assert "window" in str(error)
        return
    starts = [index * stride - place.pads[0][0] for index in range(place.size[0])]
    assert all(start < n and start + size > 0 for start in starts)


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([{"kind": "dense", "units": 2}], r"'node0' \(dense\) cannot read .*flatten"),
        ([{"kind": "flatten"}, {"kind": "conv", "filters": 1, "kernel": 3}], r"'node1' \(conv\)"),
        ([{"kind": "conv", "filters": 1, "kernel": 9, "padding": "valid"}], "does not fit 6"),
        ([{"kind": "conv", "filters": 4, "kernel": 3, "groups": 3}], "groups 3 must divide"),
        ([{"kind": "max_pool", "size": 2, "stride": 1, "padding": 2}], "nothing but padding"),
        (
            [{"kind": "average_pool", "size": 2, "stride": 1, "padding": [[0, 0], [0, 2]]}],
            r"'node0' \(average_pool\) .* nothing but padding",
        ),
        ([{"kind": "normalise", "mean": [0], "deviation": [1]}], "need 4 values"),
        (
            [{"kind": "normalise", "mean": [0] * 4, "deviation": [1] * 4, "order": [0, 1, 2, 2]}],
            "order must rearrange",
        ),
        ([{"kind": "add"}], "joins two nodes or more"),
        ([{"kind": "relu", "inputs": ["input", "input"]}], "reads one node, not 2"),
        (
            [
                {"kind": "max_pool", "size": 2, "stride": 2},
                {"kind": "add", "inputs": ["node0", "input"]},
            ],
            r"'node1' \(add\) cannot read \(3, 3, 4\) and \(6, 6, 4\): the shapes do not match",
        ),
    ],
)
def test_shape_errors_name_the_node(nodes, message):
    with pytest.raises(BadInput, match=message):
        classified(*nodes)


def test_parameters_and_operations_by_hand():
    architecture = chain(
        {"kind": "conv", "filters": 8, "kernel": [3, 1], "groups": 2, "stride": 2},
        {"kind": "batch_norm"},
        {"kind": "global_average_pool"},
        {"kind": "dense", "units": 2, "bias": False},
    )
    norm = {f"node1.{part}": (8,) for part in ("scale", "offset", "mean", "variance")}
    assert parameters(architecture) == {
        "node0.kernel": (3, 1, 2, 8), "node0.bias": (8,), **norm, "node3.kernel": (8, 2),
    }  # fmt: skip
    assert operations(architecture) == 2 * 3 * 3 * (3 * 1 * 2 * 8) + 2 * 8 * 2
    assert [row[3] for row in summary(architecture)] == [56, 32, 0, 16]


def test_squeezenet_has_its_published_size():
    architecture = registered.get("squeezenet-1.0")
    assert sum(row[3] for row in summary(architecture)) == 1_248_424
    shapes = architecture.shapes
    assert shapes["pool1"] == (55, 55, 96)
    assert shapes["pool8"] == (13, 13, 512)
    assert shapes["conv10"] == (15, 15, 1000)


def test_a_pass_on_a_cpu_holds_what_its_largest_node_leaves_room_for():
    architecture = registered.get("cnn-gap")
    assert max(map(math.prod, architecture.shapes.values())) == 28 * 28 * 64
    assert capacity(architecture) == 2**22 // (28 * 28 * 64)
    assert capacity(architecture, on_gpu=True) == 2**19 // 28**2
    assert capacity(registered.get("mlp-512-100")) == 2**19 // 28**2
    assert capacity(registered.get("cnn-gap", (1000, 1000, 3))) == 1
