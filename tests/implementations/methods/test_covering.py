"""A method with rules for some kinds of node refuses an architecture with others."""

from __future__ import annotations

from implementations.architecture.registered import get
from implementations.methods.covering import covered


def test_the_first_node_of_another_kind_is_the_reason() -> None:
    architecture = get("cnn-gap")
    kinds = {node.kind for node in architecture.nodes}
    assert covered(kinds)(architecture, "input") is None
    reason = covered(kinds - {"max_pool"})(architecture, "input")
    assert reason == "it has no rule for nodes of kind max_pool, as 'pool1' is"
