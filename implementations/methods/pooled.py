"""What a network pools before its logits: where class activation mapping has its channels."""

from __future__ import annotations

from implementations.architecture.graph import Architecture


def ending(architecture: Architecture) -> tuple[str, str | None] | None:
    """What is pooled and the dense node after it (None: the pooling gives the logits).

    None where the graph does not end in global average pooling, dropout or not, and one dense.
    """
    last = architecture[architecture.output]
    dense = last.name if last.kind == "dense" else None
    while last.kind == "dropout" or last.name == dense:
        if last.inputs[0] == "input":
            return None
        last = architecture[last.inputs[0]]
    return (last.inputs[0], dense) if last.kind == "global_average_pool" else None


def kernel_of(architecture: Architecture) -> str | None:
    """The weight whose columns are of classes; None where the pooling gives the logits."""
    end = ending(architecture)
    return f"{end[1]}.kernel" if end and end[1] else None


def applies(architecture: Architecture, layer: str) -> str | None:
    """Why a method of what is pooled cannot serve at this layer, or None."""
    end = ending(architecture)
    if end is None:
        return "its graph does not end in global average pooling and at most one dense layer"
    if layer != end[0]:
        return f"layer {layer!r} is not what is pooled; give --layer {end[0]}"
    return None
