"""A convention in words: what tables say of a library's map is made of its data."""

from __future__ import annotations

from implementations.conventions import Convention

RULED = {
    "guided_backprop": ("guided", "saliency"), "deconvolution": ("deconvolution", "saliency"),
}  # fmt: skip
"""Methods of ours that are another behind other ReLUs."""
SAME = "The same formula"
WORDS = {
    "formula": {"": "formula {}"},
    "rule": {"": "behind {} ReLUs"},
    "gradient": {
        "positive part": "only what is positive of gradients",
        "positive where active": "only positive gradients at positive activations",
        "magnitude": "the magnitude of gradients",
    },
    "sign": {"as it falls": "of whatever sign the decomposition gives"},
    "rectify": {
        "none": "no ReLU", "before resizing": "what is negative lost",
        "after resizing": "the ReLU after resizing", "magnitude": "its magnitude",
        "both": "a ReLU before and after resizing",
    },
    "resize": {
        "bilinear": "bilinear to the image's size",
        "align corners": "bilinear with aligned corners to the image's size",
        "SciPy's zoom": (
            "SciPy's zoom of order 1 to the image's size, which aligns corners and whose rounding "
            "zeroes the last row or column of some sizes (32 to 224)"
        ),
        "": "{} to the image's size",
    },
    "normalise": {
        "min_max plus epsilon": "min-max with {epsilon:g} added to the range",
        "min_max twice plus epsilon": (
            "min-max before resizing and after, each with {epsilon:g} added to the range"
        ),
        "max plus epsilon": "divided by its maximum and {epsilon:g}, so a faint map fades away",
    },
}  # fmt: skip
"""Factor -> value -> what is said of it; the empty one stands for all others."""


def canonical(like: str, *, at_input: bool) -> Convention:
    """Our own method's map at its own size."""
    rule, formula = RULED.get(like, ("plain", like))
    rectify = "none" if at_input else "before resizing"
    return Convention(rule=rule, formula=formula, rectify=rectify, resize="none")


def told(convention: Convention, like: str, *, at_input: bool) -> str:
    """In what a convention differs from our method `like` at its own size, as one sentence."""
    ours = canonical(like, at_input=at_input)
    said = [] if convention.formula != ours.formula else [SAME]
    for name in convention.differs(ours):
        if name != "epsilon":
            value = getattr(convention, name)
            words = WORDS.get(name, {})
            form = words.get(value) or words.get("") or name + " {}"
            said.append(form.format(value, epsilon=convention.epsilon))
    text = "; ".join(said)
    return text[:1].upper() + text[1:] + "."
