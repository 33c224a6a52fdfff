from __future__ import annotations

from bench.subject import networks


def test_an_architecture_is_contrasted_where_the_true_masks_are() -> None:
    asked = [
        networks.Network("digits", "cnn-32-16-8", "all"),
        networks.Network("digits", "cnn-gap", "pytorch"),
        networks.Network("shapes", "cnn-32-16-8", "jax"),
    ]
    found = networks.contrasted(asked, {"shapes"})
    assert found == [("shapes", "cnn-32-16-8"), ("digits", "cnn-gap")]
    assert networks.contrasted(asked, ())[0] == ("digits", "cnn-32-16-8")
    flat = networks.Network("mnist", "mlp-512-100", "pytorch")
    assert networks.contrasted([flat, *asked], {"shapes"}) == found
    assert networks.once(asked) == [("digits", "cnn-32-16-8")]
