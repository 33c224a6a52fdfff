import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from residual import CONV, NORM, POOL, RESIDUAL, changed, extended, refusal

from implementations.architecture import graph, registered
from implementations.architecture.graph import cut, document, layers, parse, read, resolve_layer
from implementations.architecture.shapes import summary
from implementations.errors import BadInput


def node_names(nodes):
    return [node.name for node in nodes]


def test_a_cut_inside_a_branch_hands_over_what_the_head_reads_past_it():
    split = cut(parse(RESIDUAL, "test"), "conv2")
    assert node_names(split.features) == ["conv1", "norm1", "relu1", "conv2"]
    assert split.rest == ("conv1", "input", "relu1")
    assert node_names(split.head) == ["add1", "concat1", "gap1", "dense1"]


def test_a_cut_at_the_input_leaves_the_whole_network():
    architecture = parse(RESIDUAL, "test")
    split = cut(architecture, "input")
    assert (split.features, split.rest, split.head) == ((), (), architecture.nodes)


def test_a_cut_at_the_output_leaves_no_head():
    assert cut(parse(RESIDUAL, "test"), "dense1").head == ()


@given(st.sampled_from(registered.names()), st.data())
def test_a_cut_has_every_node_that_the_logits_need_on_one_side(name, data):
    architecture = registered.get(name)
    layer = data.draw(st.sampled_from(node_names(architecture.nodes)))
    split = cut(architecture, layer)
    both = node_names(split.features) + node_names(split.head)
    assert sorted(both) == sorted(node_names(architecture.nodes))
    available = {layer, *split.rest}
    for node in split.head:
        assert available.issuperset(node.inputs)
        available.add(node.name)


@pytest.mark.parametrize("name", registered.names())
def test_the_json_form_is_the_architecture(name):
    architecture = registered.get(name)
    form = json.loads(json.dumps(document(architecture)))
    again = parse(form, "test")
    assert again == architecture
    # Settings stand outside a node's hash, so they are compared by themselves too.
    assert [n.settings for n in again.nodes] == [n.settings for n in architecture.nodes]


def test_what_a_file_leaves_away_is_filled_in_and_written_out():
    conv = document(parse(RESIDUAL, "test"))["nodes"][0]
    assert conv["inputs"] == ["input"]
    assert conv["kernel"] == (3, 3)
    assert (conv["padding"], conv["groups"], conv["bias"]) == ("same", 1, True)


def test_layer_names():
    architecture = parse(RESIDUAL, "test")
    assert layers(architecture) == ["conv1", "norm1", "relu1", "conv2", "add1", "concat1"]
    assert resolve_layer(architecture, None) == "concat1"
    assert resolve_layer(architecture, "conv1:pre") == "conv1"
    # conv1 is read by concat1 as well, so no ReLU stands for it.
    assert resolve_layer(architecture, "conv1") == "conv1"
    assert resolve_layer(parse(changed(5, inputs=["add1", "input"]), "t"), "conv1") == "relu1"
    assert resolve_layer(registered.get("cnn-gap"), None) == "relu4"
    assert resolve_layer(registered.get("cnn-gap"), "conv4:pre") == "conv4"


def chain(*nodes):
    """A network of these (name, kind, inputs), conv of four filters, and its end."""
    made = [
        {"name": name, "kind": kind, "inputs": inputs}
        | ({"filters": 4, "kernel": 3} if kind == "conv" else {})
        | ({"size": 2, "stride": 1, "padding": "same"} if kind == "max_pool" else {})
        for name, kind, inputs in nodes
    ]
    made.append({"name": "gap1", "kind": "global_average_pool", "inputs": nodes[-1][0]})
    made.append({"name": "dense1", "kind": "dense", "units": 3, "inputs": "gap1"})
    return parse({"name": "c", "input_shape": [6, 6, 4], "classes": 3, "nodes": made}, "c")


@pytest.mark.parametrize(
    ("nodes", "default"),
    [
        # A residual network's last block, with its batch norm, sum and ReLU.
        ([("conv1", "conv", "input"), ("norm1", "batch_norm", "conv1"),
          ("add1", "add", ["norm1", "input"]), ("relu1", "relu", "add1")], "relu1"),
        # A densely connected one's last ReLU, behind the join of all.
        ([("conv1", "conv", "input"), ("concat1", "concat", ["input", "conv1"]),
          ("norm1", "batch_norm", "concat1"), ("relu1", "relu", "norm1")], "relu1"),
        # A pool makes another map, whatever its size.
        ([("conv1", "conv", "input"), ("relu1", "relu", "conv1"),
          ("pool1", "max_pool", "relu1"), ("relu2", "relu", "pool1")], "relu1"),
        # The logits are reached past this ReLU too, from the convolution itself.
        ([("conv1", "conv", "input"), ("relu1", "relu", "conv1"),
          ("pool1", "max_pool", "conv1"), ("add1", "add", ["relu1", "pool1"])], "add1"),
        ([("conv1", "conv", "input"), ("relu1", "relu", "conv1"), ("pool1", "max_pool", "conv1"),
          ("pool2", "max_pool", "relu1"), ("add1", "add", ["pool1", "pool2"])], "conv1"),
    ],
)  # fmt: skip
def test_the_default_layer_is_what_people_mean_by_the_last_convolution(nodes, default):
    assert resolve_layer(chain(*nodes), None) == default


@pytest.mark.parametrize("name", ["conv9", "gap1", "relu1:pre", "dense1"])
def test_layers_that_are_not_there(name):
    with pytest.raises(BadInput, match=f"unknown layer of residual '{name}'"):
        resolve_layer(parse(RESIDUAL, "test"), name)


def test_a_network_without_convolutions_has_no_layer():
    with pytest.raises(BadInput, match="no convolution"):
        resolve_layer(registered.get("mlp-512-100"), None)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ([], "an architecture is a JSON object"),
        (None, "an architecture is a JSON object"),
        ({"nodes": []}, "an architecture needs 'input_shape'"),
        (changed(schema=2), "schema must be 1, the one read here, not 2"),
        (changed(schema=True), "schema must be 1"),
        (changed(name=7), "name must be a line of text, not 7"),
        (changed(name="two\nlines"), "name must be a line of text"),
        (changed(input_shape=[6, 6]), "input_shape must be [height, width, channels]"),
        (changed(input_shape=[6, 6, 0]), "input_shape must be"),
        (changed(input_shape=[6, True, 2]), "input_shape must be"),
        (changed(classes=1), "classes must be an integer of at least 2, not 1"),
        (changed(classes=3.0), "classes must be an integer"),
        (changed(classes=4), "'dense1' gives shape (3,)"),
        (changed(nodes=[]), "nodes must be a list of at least one node"),
        (changed(nodes={"conv1": {}}), "nodes must be a list"),
        (changed(nodes=[3]), "node 0: a node is an object"),
        (changed(layers=[]), "unknown setting 'layers'"),
        (changed(CONV, kind="convolution"), "node 0 'conv1': unknown kind"),
        (changed(CONV, kind=[]), "node 0 'conv1': kind must be the name of a kind, not []"),
        (changed(CONV, strides=2), "unknown setting 'strides'; did you mean stride"),
        (changed(2, rate=2), "node 2 'relu1': a relu has no settings, so no 'rate'"),
        (changed(NORM, inputs=["conv2"]), "node 1 'norm1': unknown input 'conv2'"),
        (changed(NORM, inputs=[]), "node 1 'norm1': inputs must be the names of the nodes"),
        (changed(NORM, inputs=5), "inputs must be"),
        (changed(NORM, inputs=[["input"]]), "inputs must be"),
        (changed(NORM, inputs={"conv1": 1}), "inputs must be"),
        (changed(NORM, name="conv1"), "stands twice"),
        (changed(NORM, name="input"), "stands twice"),
        (changed(NORM, name="training"), "node 1 'training': PyTorch needs the name"),
        (changed(NORM, name="norm.1"), "name must be letters, digits, _ and -, not 'norm.1'"),
        (changed(NORM, name=""), "name must be"),
        (changed(NORM, name=7), "node 1: name must be"),
    ],
)
def test_broken_architectures_are_named(form, message):
    assert message in refusal(form)


def test_a_node_that_does_not_reach_the_logits_is_named():
    form = changed(5, inputs=["conv1", "input"])
    assert "node 4 'add1' does not reach the logits ('dense1'" in refusal(form)


def test_shape_errors_name_the_file_and_the_node():
    line = refusal(changed(CONV, kernel=9, padding="valid"))
    assert line.startswith("my.json: node 'conv1' (conv) cannot read (6, 6, 2): a window of 9")


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["input", "conv1", "same", *graph.KINDS]),
    lambda value: st.lists(value, max_size=3) | st.dictionaries(st.text(max_size=5), value),
    max_leaves=4,
)


def places(value, path=()):
    """The path of everything in a JSON value."""
    yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*path, key))


FULL = json.loads(
    json.dumps(document(parse(extended({**POOL, "stride": 1, "padding": "same"}), "full")))
)
SETTING_NAMES = sorted({name for kind in graph.KINDS.values() for name in kind.settings})


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_mutated_architecture_is_parsed_or_refused_in_one_line(data):
    form = json.loads(json.dumps(FULL))
    for _ in range(data.draw(st.integers(1, 3))):
        *path, last = data.draw(st.sampled_from([p for p in places(form) if p]))
        place = form
        for key in path:
            place = place[key]
        action = data.draw(st.sampled_from(["replace", "delete", "add"]))
        if action == "delete":
            del place[last]
        elif action == "replace" or isinstance(place, list):
            place[last] = data.draw(JSON)
        else:
            place[data.draw(st.sampled_from(SETTING_NAMES))] = data.draw(JSON)
        if len(list(places(form))) < 2:
            break
    try:
        architecture = parse(form, "my.json")
    except BadInput as refused:
        assert str(refused).startswith("my.json: ")
        assert "\n" not in str(refused)
    else:
        written = json.loads(json.dumps(document(architecture)))
        assert parse(written, "test") == architecture
        assert sum(row[3] for row in summary(architecture)) >= 0
        for layer in layers(architecture):
            assert resolve_layer(architecture, layer) in layers(architecture)


def test_files(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(RESIDUAL))
    assert read(path) == parse(RESIDUAL, "test")
    assert registered.get(str(path)).name == "residual"
    for content in ("{", "[1]", "\x00", "[" * 100_000, f'{{"classes": {"1" * 5000}}}'):
        path.write_text(content)
        with pytest.raises(BadInput, match=r"mine\.json"):
            read(path)
    with pytest.raises(BadInput, match=r"absent\.json"):
        read(tmp_path / "absent.json")


def test_unknown_names_offer_the_nearest_or_all():
    assert graph.unknown("thing", "convv", ["conv", "dense"]).endswith("did you mean conv?")
    assert graph.unknown("thing", "xyz", ["conv", "dense"]).endswith("one of: conv, dense")
