"""How a user calls what a library offers: the lines of a file that reproduces its map by itself.

`CALLS[library]` has the import and, by offer, an expression. Its names are `model`, `images`,
`targets` (a list) and `layer`: a module in PyTorch, in Keras a layer's name. It gives maps
(N, h, w) or (N, H, W). An offer that is not here has no such file, and so no verdict of a defect;
at settings of its own it is named with them, as a method is.
"""

from __future__ import annotations

from typing import NamedTuple


class Call(NamedTuple):
    """The import that an expression needs, and the expression."""

    imports: str
    found: str


def _captum(
    name: str, rest: str, layer: bool = False, leaf: bool = True, settings: str = ""
) -> Call:
    given = "model, layer" if layer else "model"
    images = "images.requires_grad_()" if leaf else "images"
    found = f"{name}({given}).attribute({images}, target=torch.tensor(targets){settings}){rest}"
    return Call(f"from captum.attr import {name}", found)


_FITTED = """try:
    import torchvision
except RuntimeError:  # its binary does not fit this PyTorch, of which nothing is needed here
    for name in ("nms", "qnms"):
        torch.library.define(f"torchvision::{name}", "(Tensor a, Tensor b, float c) -> Tensor")
"""
"""What lets pytorch-grad-cam, which asks for torchvision's transforms alone, be imported."""


def _cam(name: str, seed: str = "") -> Call:
    return Call(
        f"{_FITTED}from pytorch_grad_cam import {name}\n"
        f"from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget\n{seed}",
        f"{name}(model, [layer])(images, [ClassifierOutputTarget(each) for each in targets])",
    )


def _torchcam(name: str, seed: str = "") -> Call:
    return Call(
        f"from torchcam.methods import {name}\n\nextractor = {name}(model, layer)\n{seed}",
        "extractor(targets, model(images.requires_grad_()))[0]",
    )


def _keras_vis(module: str, name: str) -> Call:
    return Call(
        f"from tf_keras_vis.{module} import {name}\n"
        "from tf_keras_vis.utils.scores import CategoricalScore",
        f"{name}(model)(CategoricalScore(targets), images, penultimate_layer=layer, "
        "seek_penultimate_conv_layer=False)",
    )


def _xplique(name: str, layer: bool = False) -> Call:
    given = "model, conv_layer=layer" if layer else "model"
    return Call(
        f"from xplique.attributions import {name}",
        f"{name}({given}).explain(images, numpy.eye(model.output_shape[-1])[targets])",
    )


_PAIR = """import saliency.core as saliency

def call(x, call_model_args, expected_keys):  # as its notebook for PyTorch has it
    x = torch.tensor(x, dtype=images.dtype).movedim(3, 1).requires_grad_()
    read = [x]
    with layer.register_forward_hook(lambda *given: read.append(given[2])), torch.enable_grad():
        score = model(x)[:, call_model_args]
    read = read[-1] if "CONVOLUTION" in expected_keys[0] else x
    slopes = torch.autograd.grad(score.sum(), read)[0].movedim(1, 3)
    values = score if "OUTPUT" in expected_keys[0] else read.movedim(1, 3)
    found = {key: slopes if "GRADIENTS" in key else values for key in expected_keys}
    return {key: value.detach().numpy() for key, value in found.items()}
"""


def _pair(name: str, rest: str, settings: str = "") -> Call:
    return Call(
        _PAIR,
        f"[saliency.{name}().GetMask(image, call, target{settings}){rest} for image, target in "
        "zip(images.detach().movedim(1, 3).numpy(), targets)]",
    )


_LARGEST = ".abs().amax(1)"
CALLS: dict[str, dict[str, Call]] = {
    "captum": {
        "layer_grad_cam": _captum("LayerGradCam", "[:, 0]", layer=True, leaf=False),
        "layer_gradient_x_activation": _captum(
            "LayerGradientXActivation", ".sum(1)", layer=True, leaf=False
        ),
        "saliency": _captum("Saliency", _LARGEST),
        "input_x_gradient": _captum("InputXGradient", ".sum(1)"),
        "integrated_gradients": _captum("IntegratedGradients", ".sum(1)"),
        "guided_backprop": _captum("GuidedBackprop", _LARGEST),
        "deconvolution": _captum("Deconvolution", _LARGEST),
        "guided_grad_cam": _captum("GuidedGradCam", _LARGEST, layer=True),
        "guided_grad_cam[interpolate_mode=bilinear]": _captum(
            "GuidedGradCam", _LARGEST, layer=True, settings=', interpolate_mode="bilinear"'
        ),
        "deep_lift": _captum("DeepLift", ".sum(1)"),
        "lrp": Call(
            "from captum.attr import LRP\nfrom captum.attr._utils.lrp_rules import EpsilonRule\n\n"
            "for each in model.modules():\n    if isinstance(each, nn.Flatten):\n"
            "        each.rule = EpsilonRule()  # Captum has none for it",
            _captum("LRP", ".sum(1)").found,
        ),
    },
    "shap": {
        "deep": Call(
            "import shap",
            "shap.DeepExplainer(model, 0 * images[:1]).shap_values(images)"
            "[range(len(targets)), ..., targets].sum(1)",
        ),
    },
    "pytorch_grad_cam": {
        "grad_cam": _cam("GradCAM"),
        "hires_cam": _cam("HiResCAM"),
        "grad_cam_element_wise": _cam("GradCAMElementWise"),
        "layer_cam": _cam("LayerCAM"),
        "grad_cam_plus_plus": _cam("GradCAMPlusPlus"),
        "xgrad_cam": _cam("XGradCAM"),
        "shapley_cam": _cam("ShapleyCAM"),
        "eigen_cam": _cam("EigenCAM"),
        "eigen_grad_cam": _cam("EigenGradCAM"),
        "fem": _cam("FEM"),
        "finer_cam": Call(
            f"{_FITTED}from pytorch_grad_cam import FinerCAM, GradCAM",
            "[FinerCAM(model, [layer], base_method=GradCAM)(images[n : n + 1], target_idx=k)[0]"
            " for n, k in enumerate(targets)]",
        ),
        "guided_backprop": Call(
            f"{_FITTED}from pytorch_grad_cam import GuidedBackpropReLUModel",
            "[abs(GuidedBackpropReLUModel(model, 'cpu')(images[n : n + 1], target)).max(-1)"
            " for n, target in enumerate(targets)]",
        ),
        "score_cam": _cam("ScoreCAM"),
        "ablation_cam": _cam("AblationCAM"),
        "random_cam": _cam("RandomCAM", "import numpy\n\nnumpy.random.seed(0)"),
        "full_grad": Call(
            f"{_FITTED}from pytorch_grad_cam import FullGrad\n"
            "from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget",
            "FullGrad(model, [])(images, [ClassifierOutputTarget(each) for each in targets])",
        ),
    },
    "torchcam": {
        "grad_cam": _torchcam("GradCAM"),
        "grad_cam_plus_plus": _torchcam("GradCAMpp"),
        "xgrad_cam": _torchcam("XGradCAM"),
        "layer_cam": _torchcam("LayerCAM"),
        "score_cam": _torchcam("ScoreCAM"),
        "finer_cam": _torchcam("FinerCAM"),
        "smooth_grad_cam_plus_plus": _torchcam("SmoothGradCAMpp", "torch.manual_seed(0)"),
    },
    "tf_keras_vis": {
        "grad_cam": _keras_vis("gradcam", "Gradcam"),
        "grad_cam_plus_plus": _keras_vis("gradcam_plus_plus", "GradcamPlusPlus"),
        "layer_cam": _keras_vis("layercam", "Layercam"),
        "score_cam": _keras_vis("scorecam", "Scorecam"),
        "saliency": Call(
            "from tf_keras_vis.saliency import Saliency\n"
            "from tf_keras_vis.utils.scores import CategoricalScore",
            "Saliency(model)(CategoricalScore(targets), images)",
        ),
    },
    "eli5": {
        "grad_cam": Call(
            "from eli5 import explain_prediction",
            "[explain_prediction(model, image[None], targets=[target], layer=layer)"
            ".targets[0].heatmap for image, target in zip(images, targets)]",
        ),
    },
    "tf_explain": {
        "grad_cam": Call(
            "from tf_explain.core.grad_cam import GradCAM",
            "[GradCAM.generate_ponderated_output(*GradCAM.get_gradients_and_filters(model, "
            "image[None], layer, target, True))[0] for image, target in zip(images, targets)]",
        ),
        "smooth_grad": Call(
            "from tf_explain.core.smoothgrad import SmoothGrad",
            "[SmoothGrad().explain((image[None], None), model, target)"
            " for image, target in zip(images, targets)]",
        ),
    },
    "saliency": {
        "gradient_saliency": _pair("GradientSaliency", ".__abs__().max(-1)"),
        "integrated_gradients": _pair("IntegratedGradients", ".sum(-1)"),
        "grad_cam": _pair("GradCam", "[..., 0]"),
        "grad_cam[should_resize=false]": _pair("GradCam", "[..., 0]", ", should_resize=False"),
    },
    "xplique": {
        "grad_cam": _xplique("GradCAM", layer=True),
        "grad_cam_plus_plus": _xplique("GradCAMPP", layer=True),
        "fem": _xplique("FEM", layer=True),
        "saliency": _xplique("Saliency"),
        "gradient_input": _xplique("GradientInput"),
        "guided_backprop": _xplique("GuidedBackprop"),
        "deconvolution": _xplique("DeconvNet"),
    },
}


def call(library: str, offer: str) -> Call | None:
    """How an offer, its settings in its name or not, is called; None where that is not written."""
    return CALLS.get(library, {}).get(offer)
