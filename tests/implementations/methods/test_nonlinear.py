import pytest

from implementations import methods
from implementations.architecture.graph import parse


def network(kind):
    nodes = [
        {"name": "conv1", "kind": "conv", "inputs": "input", "filters": 2, "kernel": 3},
        {"name": "bent", "kind": kind, "inputs": "conv1"},
        {"name": "gap1", "kind": "global_average_pool", "inputs": "bent"},
        {"name": "dense1", "kind": "dense", "inputs": "gap1", "units": 3},
    ]
    form = {"name": "test", "input_shape": [6, 6, 1], "classes": 3, "nodes": nodes}
    return parse(form, "test")


@pytest.mark.parametrize(
    ("method", "kind", "why"),
    [
        ("guided_backprop", "relu6", None),
        ("guided_backprop", "sigmoid", None),
        ("guided_backprop", "silu", "defined for ReLUs; node 'bent' is silu"),
        ("guided_grad_cam", "hard_swish", "defined for ReLUs; node 'bent' is hard_swish"),
        ("full_grad", "relu6", None),
        ("full_grad", "sigmoid", "piecewise linear; node 'bent' is sigmoid"),
        ("grad_cam", "silu", None),
    ],
)
def test_methods_say_what_they_are_not_defined_for(method, kind, why):
    said = methods.load(method).card.applies(network(kind), "bent")
    assert said is None if why is None else why in said


def test_the_layer_after_a_convolution_is_past_its_activation():
    from implementations.architecture.graph import resolve_layer

    assert resolve_layer(network("silu"), None) == "bent"
