"""Run by test_identities_in_columns.py, one process a column: how far each identity is from true.

Arguments: framework, precision, how many cases, and the file to write: a float an identity, the
largest error over the peak of what it should be. Hypothesis draws the cases: a convolutional
network, with and without biases, a linear one, and three images.
"""

from __future__ import annotations

import sys
from itertools import permutations
from pathlib import Path

import numpy as np
from asked import GROWTH, LINEAR, UNMOVED, Asked, Drawn, Found, networks, quarters
from games import Game
from hypothesis import Phase, given, settings

from implementations import methods
from implementations.architecture import graph
from implementations.architecture import weights as neutral
from implementations.arrays import resize

SHAPLEY = ("kernel_shap", "partition_shap", "permutation_shap")
SCALE = 3.0
ORDER = [2, 0, 1]


def each(plain: Asked, framework: str, precision: str, drawn: Drawn, found: Found) -> None:
    """What holds of every method, each in a way of its own."""
    scaled, blank, moved, even = (
        Asked(framework, precision, drawn, drawn.changed(*change))
        for change in ((SCALE, 0), (0, 0), (1, 2), (0, 1 / drawn.architecture.classes))
    )
    for name in methods.names():
        own = plain.map(name)
        found.same(f"8 another order: {name}", plain.map(name, some=ORDER), own[ORDER])
        if plain.drawn(name, 0) != plain.drawn(name, 1):
            found.same(f"8 one seed: {name}", plain.map(name, seed=0), own)
            another = plain.map(name, seed=1)
            # Of a head that is linear its noise is not seen.
            assert name == "smooth_grad_cam_plus_plus" or not np.allclose(another, own), name
    for name, power in GROWTH.items():
        own = plain.map(name)
        if power is not None:
            asked = LINEAR.get(name, {})
            expected = SCALE**power * plain.map(name, **asked)
            found.same(f"2 the head times t: {name}", scaled.map(name, **asked), expected)
        zero = 0 * own
        if name in UNMOVED:
            zero = own
        elif name == "rise":
            zero = even.map(name, score="logit")
        elif name == "score_cam":
            zero = plain.stages(name)["activations"].mean(axis=-1)
        found.same(f"2 a head of zeros: {name}", blank.map(name), zero)
        if name != "lrp":  # whose biases take their shares
            found.same(f"3 a constant: {name}", moved.map(name), own)
        for score in ("probability", "log_probability"):
            if score in methods.load(name).card.scores:
                made = moved.map(name, score=score)
                found.same(f"3 {score}: {name}", made, plain.map(name, score=score))
    found.same("2 full_grad rescaled", scaled.map("full_grad"), plain.map("full_grad"))
    risen = Asked(framework, precision, drawn, drawn.changed(0, 2)).map("rise", score="logit")
    found.same("3 rise", moved.map("rise", score="logit"), plain.map("rise", score="logit") + risen)


def curved(framework: str, precision: str, drawn: Drawn, found: Found) -> None:
    """What holds of a network of convolutions."""
    same = found.same
    plain, scaled, level = (
        Asked(framework, precision, drawn, tensors)
        for tensors in (None, drawn.changed(SCALE), drawn.unbiased())
    )
    images, side = drawn.images, drawn.images.shape[1]
    each(plain, framework, precision, drawn, found)
    cam, grad = plain.stages("cam"), plain.map("grad_cam")
    same("8 alone", plain.map("grad_cam", some=[1]), grad[[1]])
    kernel, means = cam["weights"], cam["activations"].mean(axis=(1, 2))
    for name in ("grad_cam", "hires_cam", "xgrad_cam"):
        same(f"1 {name}", plain.map(name), cam["signed"] / cam["signed"][0].size)
    for identity, factor, grown in (("1 ++", 1, plain), ("2 ++", SCALE, scaled)):
        rising = factor * np.maximum(kernel, 0)
        made = grown.stages("grad_cam_plus_plus")["weights"]
        same(identity, made, rising / (2 + rising * means))
    same("1 ablation", plain.stages("ablation_cam")["weights"], kernel * means)

    scores, cell = plain.scores(images), (side // 2) ** 2
    risen = scores - plain.scores(0 * images)
    for name in SHAPLEY:
        same(f"4 {name}", plain.map(name).sum(axis=(1, 2)) / cell, risen)
    for grey in ("0", "0.375"):
        from_grey = scores - plain.scores(0 * images + float(grey))
        lifted = plain.map("deep_lift", baseline=grey).sum(axis=(1, 2))
        same(f"4 deep_lift from {grey}", lifted, from_grey)
    same("4 full_grad", plain.stages("full_grad")["completeness_gap"] + scores, scores)
    for name in ("hires_cam", "xgrad_cam", "gradient_x_input"):
        same(f"4 {name}", level.map(name).sum(axis=(1, 2)), level.scores(images))
    kept = level.map("lrp", bias="false", epsilon="0").sum(axis=(1, 2))
    same("4 lrp", kept, level.scores(images))

    times = level.map("gradient_x_input")
    same("5 lrp", level.map("lrp", composite="epsilon", epsilon="0"), times)
    same("5 deep_lift", level.map("deep_lift"), times)
    same("5 integrated_gradients", level.map("integrated_gradients"), times)
    same("5 shapley_cam", plain.map("shapley_cam", score="logit"), grad)
    every = plain.map("grad_cam[targets=all]")
    own = np.take_along_axis(every, plain.targets[:, None, None, None], axis=3)[..., 0]
    finer = own - 0.6 * (every.sum(axis=3) - own) / (every.shape[3] - 1)
    same("5 finer_cam", plain.map("finer_cam"), finer)
    same("5 grad_cam_all_classes", plain.map("grad_cam_all_classes"), every)
    same("5 layer_cam", plain.map("layer_cam", positive="product"), plain.map("layer_cam"))
    still, saliency = {"spread": "0"}, plain.stages("saliency")["heatmap"]
    same("5 smooth_grad", plain.stages("smooth_grad", **still)["heatmap"], saliency)
    same("5 squared, still", plain.map("smooth_grad_squared", **still), saliency**2)
    same("5 var_grad", plain.map("var_grad", **still), 0 * saliency)
    smooth = plain.map("smooth_grad_cam_plus_plus", **still)
    same("5 smooth ++", smooth, plain.map("grad_cam_plus_plus"))
    if images.shape[3] == 1:  # before the largest colour is taken
        squared = plain.map("var_grad") + plain.map("smooth_grad", form="square")
        same("5 smooth_grad_squared", plain.map("smooth_grad_squared"), squared)
    upsampled = resize(plain.stages("grad_cam")["heatmap"], (side, side))
    guided = plain.stages("guided_backprop")["heatmap"] * upsampled
    same("5 guided_grad_cam", plain.stages("guided_grad_cam")["heatmap"], guided)
    lost = np.empty(images.shape[:3])
    for place in quarters(side):
        hidden = images.copy()
        hidden[:, *place] = 0
        lost[:, *place] = (scores - plain.scores(hidden))[:, None, None]
    half = {"window": str(side // 2), "stride": str(side // 2)}
    same("5 occlusion", plain.map("occlusion", **half), lost)

    other = Asked(framework, precision, drawn, drawn.changed(-2, 1))
    for name in UNMOVED:
        targets = (plain.targets + 1) % drawn.architecture.classes
        same(f"9 {name}", other.map(name, targets=targets), plain.map(name))
    games(plain, found)


def games(plain: Asked, found: Found) -> None:
    """The game of four cells that a network plays: the values' definitions, of all its sets."""
    members = np.array([[t >> cell & 1 for cell in range(4)] for t in range(16)], bool)
    half = plain.images.shape[1] // 2
    shown = np.kron(members.reshape(-1, 2, 2), np.ones((half, half)))[..., None]
    scores = np.stack([plain.scores(plain.images * mask) for mask in shown])
    shapley, owen = np.empty((3, 4)), np.empty((3, 4))
    for n in range(3):
        game = Game(4)
        game.values = scores[:, n]
        shapley[n], owen[n] = game.shapley(), game.owen(((0, 1), (2, 3)))
    paths = methods.load("permutation_shap").module.paths
    orders = np.array(list(permutations(range(4))), np.int32)
    for name, expected, draws in (
        ("kernel_shap", shapley, None),
        ("permutation_shap", shapley, {"orders": orders, **paths(orders)}),
        ("partition_shap", owen, None),
    ):
        cells = plain.stages(name, draws=draws)["heatmap"][:, ::half, ::half].reshape(3, 4)
        found.same(f"7 {name}", cells, expected)


def linear(framework: str, precision: str, drawn: Drawn, found: Found) -> None:
    """Of a linear network the closed forms: its weights w, alone or times what is changed."""
    nodes = [
        {"name": "flatten1", "kind": "flatten", "inputs": "input"},
        {"name": "dense1", "kind": "dense", "units": 5, "inputs": "flatten1"},
        {"name": "dense2", "kind": "dense", "units": 3, "inputs": "dense1"},
    ]
    side = drawn.images.shape[1]
    form = {"name": "linear", "input_shape": [side, side, 1], "classes": 3, "nodes": nodes}
    straight = graph.parse(form, "linear")
    tensors = dict(neutral.randomise(straight, int(drawn.images.sum())))
    drawn = Drawn(straight, tensors, drawn.images[..., :1])
    asked = Asked(framework, precision, drawn)
    product = tensors["dense1.kernel"].astype(float) @ tensors["dense2.kernel"].astype(float)
    w = product.T[asked.targets].reshape(3, side, side)
    x = drawn.images[..., 0].astype(float)
    cells = np.empty_like(w)
    for place in quarters(side):
        cells[:, *place] = (w * x)[:, *place].sum(axis=(1, 2), keepdims=True)
    for name in SHAPLEY:
        found.same(f"6 {name}", asked.map(name), cells)
    found.same("6 lime", asked.map("lime", alpha="0", width="1"), cells)
    half = {"window": str(side // 2), "stride": str(side // 2)}
    found.same("6 occlusion", asked.map("occlusion", **half), cells)
    for name in ("smooth_grad", "saliency"):
        found.same(f"6 {name}", asked.map(name, form="signed"), w)
    found.same("6 smooth_grad_squared", asked.map("smooth_grad_squared"), w**2)
    found.same("6 var_grad", asked.map("var_grad"), 0 * w)
    for name in ("integrated_gradients", "deep_lift", "gradient_x_input"):
        found.same(f"6 {name}", asked.map(name), w * x)
    method = methods.load("expected_gradients")
    baselines = method.draws(method.resolve({"samples": "4"}), straight, "input", 0)["baselines"]
    mean = baselines.mean(axis=0)[..., 0]
    found.same("6 expected_gradients", asked.map("expected_gradients"), (x - mean) * w)


def degenerate(framework: str, precision: str, drawn: Drawn, found: Found) -> None:
    """Channels that are the same everywhere, and a head next to nothing."""
    nodes = [
        {"name": "pool1", "kind": "max_pool", "size": 3, "stride": 3, "inputs": "input"},
        {"name": "gap1", "kind": "global_average_pool", "inputs": "pool1"},
        {"name": "dense1", "kind": "dense", "units": 4, "inputs": "gap1"},
    ]
    form = {"name": "flat", "input_shape": [11, 11, 3], "classes": 4, "nodes": nodes}
    flat = graph.parse(form, "flat")
    tensors = dict(neutral.randomise(flat, 1))
    for level in np.linspace(0.1, 1, 8):
        images = (level * np.ones((3, 11, 11, 3)) * [1, 0.7, 0.3]).astype(np.float32)
        asked = Asked(framework, precision, Drawn(flat, tensors, images))
        for name, more in (("fem", {}), ("eigen_cam", {"centred": "true"})):
            made = asked.map(name, layer="pool1", **more)
            found.same(f"0 {name}", made, 0 * made)
        weights = asked.stages("score_cam", layer="pool1")["weights"]
        found.same("0 score_cam", weights, 0 * weights + 1 / weights.shape[1])
    tiny = 1e-25 if precision == "float32" else 1e-170
    plain = Asked(framework, precision, drawn)
    faint = Asked(framework, precision, drawn, drawn.changed(tiny))
    found.same("0 eigen_grad_cam", faint.map("eigen_grad_cam") / tiny, plain.map("eigen_grad_cam"))


def main(framework: str, precision: str, cases: int, out: Path) -> None:
    found = Found()

    @settings(
        max_examples=cases, deadline=None, derandomize=True, database=None,
        phases=[Phase.generate],
    )  # fmt: skip
    @given(networks())
    def case(drawn: Drawn) -> None:
        curved(framework, precision, drawn, found)
        linear(framework, precision, drawn, found)
        degenerate(framework, precision, drawn, found)

    case()
    neutral.save(out, {name: np.array(gap) for name, gap in found.items()})


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
