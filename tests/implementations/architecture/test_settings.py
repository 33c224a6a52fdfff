import pytest
from residual import CONV, DENSE, NODE, NORM, NORMALISE, POOL, RESIDUAL, changed, extended, refusal

from implementations.architecture.graph import parse

SENSELESS = {
    CONV: {
        "filters": [0, -1, "2", 2.0, True, None, [4], 2**31, float("nan")],
        "groups": [0, -1, "1", True],
        "kernel": [0, "3x3", [3], [3, 3, 3], [3, 0], [3, "3"], [], {}, None, True],
        "stride": [0, [1, -1], 1.5],
        "dilation": [0, False],
        "padding": [
            "full",
            -1,
            2_000_000_000,
            [0, 4097],
            [0, -1],
            [[0, 0], [0, 0, 0]],
            [[[0]]],
            None,
            True,
            0.5,
        ],
        "bias": ["no", 0, None],
    },
    NORM: {
        "momentum": [-0.1, 1.1, "a", None, True, float("nan")],
        "epsilon": [0, -1e-3, "a", float("inf"), float("nan"), 1e-60, 10**400, [1]],
    },
    DENSE: {"units": [0, -1, "three", True], "bias": ["no"]},
}


@pytest.mark.parametrize(
    ("position", "setting", "value"),
    [
        (position, setting, value)
        for position, settings in SENSELESS.items()
        for setting, values in settings.items()
        for value in values
    ],
)
def test_senseless_settings_are_named(position, setting, value):
    node = RESIDUAL["nodes"][position]["name"]
    form = changed(position, **{setting: value})
    assert f"node {position} '{node}': {setting} must be" in refusal(form)


def test_a_node_that_makes_more_than_memory_holds_is_named():
    form = changed(CONV, filters=2**31 - 1)
    said = refusal(form)
    assert "numbers of an image; make it smaller" in said
    assert f"node '{RESIDUAL['nodes'][CONV]['name']}' (conv)" in said


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"kernel": 100_001}, "its windows would need 50000"),
        ({"dilation": 1_000_000_000}, "its windows would need"),
        ({"kernel": 8001, "filters": 1024}, "its kernel would be 8001 x 8001 x 2 x 1024 numbers"),
    ],
)
def test_what_no_memory_holds_is_told_when_the_graph_is_read(settings, told):
    said = refusal(changed(CONV, **settings))
    assert told in said and f"node '{RESIDUAL['nodes'][CONV]['name']}' (conv)" in said


def test_a_graph_of_a_million_nodes_is_no_network():
    form = {**RESIDUAL, "nodes": RESIDUAL["nodes"] * 1000}
    assert "nodes must be a list of at least one node and at most 4096" in refusal(form)


@pytest.mark.parametrize(
    ("node", "message"),
    [
        ({**NODE, "kind": "dropout", "rate": 1}, "rate must be a number from 0 to below 1, not 1"),
        ({**NODE, "kind": "dropout", "rate": -0.1}, "rate must be"),
        ({**NODE, "kind": "dropout", "rate": True}, "rate must be"),
        ({**NODE, "kind": "pad", "spatial": -1}, "spatial must be"),
        ({**NODE, "kind": "pad", "spatial": [[0, 0], [0, -1]]}, "spatial must be"),
        ({**NODE, "kind": "pad", "channels": [0, -2]}, "channels must be"),
        ({**POOL, "rounding": "up"}, "rounding must be 'floor' or 'ceil', not 'up'"),
        ({**POOL, "rounding": []}, "rounding must be"),
        ({**POOL, "stride": 0}, "stride must be"),
        ({**POOL, "count_padding": True}, "unknown setting 'count_padding'"),
        ({**POOL, "kind": "average_pool", "count_padding": 1}, "count_padding must be true or"),
        ({**NORMALISE, "deviation": [1, 0]}, "deviation must be"),
        ({**NORMALISE, "deviation": [1, -1]}, "deviation must be"),
        ({**NORMALISE, "deviation": 1}, "deviation must be"),
        ({**NORMALISE, "mean": [0, float("nan")]}, "mean must be a list of finite numbers"),
        ({**NORMALISE, "mean": []}, "mean must be"),
        ({**NORMALISE, "mean": "00"}, "mean must be"),
        ({**NORMALISE, "order": [0, 1.0]}, "order must be null or a list of channels"),
        ({**NORMALISE, "order": 0}, "order must be"),
    ],
)
def test_senseless_settings_of_other_kinds_are_named(node, message):
    assert f"node 0 'extra1': {message}" in refusal(extended(node))


def test_the_limits_themselves_are_taken():
    parse(changed(NORM, momentum=0, epsilon=1e-30), "test")
    parse(changed(NORM, momentum=1), "test")
    parse(extended({**NODE, "kind": "dropout", "rate": 0}), "test")
    assert parse(changed(CONV, padding=[1, [2, 0]]), "test")["conv1"]["padding"] == ((1, 1), (2, 0))


def test_a_setting_without_default_must_be_given():
    form = changed()
    del form["nodes"][DENSE]["units"]
    assert "node 7 'dense1': a dense needs 'units', an integer of at least 1" in refusal(form)
