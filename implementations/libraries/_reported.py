"""What libraries' issues say of the deviations that were found, as of November 2026.

A deviation is looked for by its symptom: the library, the offer, and a word of the condition.
"""

from __future__ import annotations

from typing import NamedTuple

NONE = "none found"
BASE = "base"
RULED = ("guided_backprop", "deconvolution", "guided_grad_cam")
HOOKS = (
    'pytorch/pytorch#117758, "torch.compile ignores forward hooks after compilation is triggered"'
)


class Reported(NamedTuple):
    """What was found for a library's offers, all where none is named, under a condition."""

    library: str
    offers: tuple[str, ...]
    condition: str
    said: str


REPORTED = (
    Reported("captum", RULED, "functional", f"{NONE}; its page asks for modules of ReLUs"),
    Reported("captum", RULED, "compiled", f"{NONE} of its own; {HOOKS}"),
    Reported("captum", ("deep_lift",), "reused",
             'meta-pytorch/captum#1082, "DeepLift / DeepLiftShap incorrect with common ReLU '
             'usage"'),
    Reported("captum", ("deep_lift",), BASE,
             'meta-pytorch/captum#1276, "Incorrect indexing for max pooling layers with DeepLIFT"'),
    Reported("captum", (), "inplace",
             'meta-pytorch/captum#156, "Undesirable behavior of LayerActivation in networks with '
             'inplace ReLUs"'),
    Reported("pytorch_grad_cam", ("eigen_cam", "eigen_grad_cam"), BASE,
             'jacobgil/pytorch-grad-cam#315, "eigen cam generate wrong results"'),
    Reported("pytorch_grad_cam", ("score_cam",), "dead",
             'jacobgil/pytorch-grad-cam#214, "Nan in ScoreCAM and 0 value for GradCAMPlusPlus"'),
    Reported("pytorch_grad_cam", (), "inplace", NONE),
    Reported("pytorch_grad_cam", (), "compiled", f"{NONE} of its own; {HOOKS}"),
    Reported("pytorch_grad_cam", ("ablation_cam",), BASE, NONE),
    Reported("torchcam", (), "inplace",
             'frgfm/torch-cam#72, "Autograd Warning", and #80, "Fixed gradient-based CAMs for '
             'architectures with inplace ops"'),
    Reported("torchcam", (), "compiled", f"{NONE} of its own; {HOOKS}"),
    Reported("torchcam", ("grad_cam_plus_plus", "smooth_grad_cam_plus_plus"), BASE, NONE),
    Reported("shap", ("deep",), "reused",
             'shap/shap#1479, "Deep Explainer fails on Resnet50 pretrained model."'),
    Reported("shap", ("deep",), "functional",
             'shap/shap#3938, "DeepExplainer additivity error, reproducible with simple MNIST '
             'model"'),
    Reported("tf_explain", ("grad_cam",), BASE, 'sicara/tf-explain#77, "Unguided Grad CAM"'),
)  # fmt: skip
"""The first that fits counts."""


def reported(library: str, offer: str, condition: str) -> str:
    """What was found, or that nothing was; empty where its symptom was not looked for."""
    for each in REPORTED:
        named = not each.offers or offer in each.offers
        if each.library == library and named and each.condition in condition:
            return each.said
    return ""
