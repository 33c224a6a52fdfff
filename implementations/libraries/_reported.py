"""What libraries' issues say of the deviations that were found, as of November 2026.

A deviation is looked for by its symptom: the library, the offer, and a word of the condition.
"""

from __future__ import annotations

from typing import NamedTuple

NONE = "none found"
BASE = "base"
RULED = ("guided_backprop", "deconvolution", "guided_grad_cam")
UNSEARCHED = ("softmax host, probe saturated", "train host, probe norm")
"""What is no library's doing: float32 has lost 1 - p, a model was left in training mode."""
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
    Reported("captum", ("deep_lift",), "probe",
             'meta-pytorch/captum#1276, "Incorrect indexing for max pooling layers with DeepLIFT"'),
    Reported("captum", ("deep_lift",), "functional",
             'meta-pytorch/captum#1082, "DeepLift / DeepLiftShap incorrect with common ReLU '
             'usage"'),
    Reported("captum", ("lrp",), "compiled",
             'none found of its own; meta-pytorch/captum#867, "LRP in training process: '
             'loss.backward() problem", ends in the same error'),
    Reported("captum", ("lrp", "integrated_gradients"), "float64", NONE),
    Reported("captum", (), "inplace",
             'meta-pytorch/captum#156, "Undesirable behavior of LayerActivation in networks with '
             'inplace ReLUs"'),
    Reported("pytorch_grad_cam", ("eigen_cam", "eigen_grad_cam"), BASE,
             'jacobgil/pytorch-grad-cam#315, "eigen cam generate wrong results"'),
    Reported("pytorch_grad_cam", ("score_cam",), "dead",
             'jacobgil/pytorch-grad-cam#214, "Nan in ScoreCAM and 0 value for GradCAMPlusPlus"'),
    Reported("pytorch_grad_cam", ("shapley_cam",), "",
             'jacobgil/pytorch-grad-cam#582, "ShapleyCAM HVP term silently collapses to zero on '
             'ReLU networks"'),
    Reported("pytorch_grad_cam", ("finer_cam",), "frozen",
             'none found of FinerCAM; jacobgil/pytorch-grad-cam#80, "element 0 of tensors does not '
             'require grad and does not have a grad_fn", of Grad-CAM'),
    Reported("pytorch_grad_cam", (), "float64",
             'none found of float64; jacobgil/pytorch-grad-cam#494, "Address cv2.resize float16 '
             'issue in scale_cam_image", has the cast to float32'),
    Reported("pytorch_grad_cam", (), "reused",
             f'{NONE}; openai/CLIP#239, "Don\'t reuse nn.ReLU modules", has why'),
    Reported("pytorch_grad_cam", ("full_grad",), "probe", NONE),
    Reported("pytorch_grad_cam", ("guided_backprop",), "functional", NONE),
    Reported("pytorch_grad_cam", (), "inplace", NONE),
    Reported("pytorch_grad_cam", (), "compiled", f"{NONE} of its own; {HOOKS}"),
    Reported("pytorch_grad_cam", ("ablation_cam",), BASE, NONE),
    Reported("torchcam", (), "inplace",
             'frgfm/torch-cam#72, "Autograd Warning", and #80, "Fixed gradient-based CAMs for '
             'architectures with inplace ops"'),
    Reported("torchcam", ("xgrad_cam",), "float64", NONE),
    Reported("torchcam", (), "compiled", f"{NONE} of its own; {HOOKS}"),
    Reported("torchcam", ("grad_cam_plus_plus", "smooth_grad_cam_plus_plus"), BASE, NONE),
    Reported("shap", ("deep",), "inplace",
             'shap/shap#3466, "BUG: Backward hook with shap.DeepExplainer on simple models with '
             'PyTorch", and #3565'),
    Reported("shap", ("deep",), "softmax",
             'shap/shap#3938, "DeepExplainer additivity error, reproducible with simple MNIST '
             'model"'),
    Reported("shap", ("deep",), "tiny",
             'shap/shap#1479, "Deep Explainer fails on Resnet50 pretrained model.", has a fork '
             'that mends max pooling'),
    Reported("shap", ("deep",), "reused",
             'shap/shap#1479, "Deep Explainer fails on Resnet50 pretrained model."'),
    Reported("shap", ("deep",), "functional",
             'shap/shap#3938, "DeepExplainer additivity error, reproducible with simple MNIST '
             'model"'),
    Reported("saliency", ("grad_cam",), "compiled", f"{NONE} of its own; {HOOKS}"),
    Reported("saliency", ("grad_cam", "integrated_gradients"), "float64", NONE),
    Reported("tf_explain", (), "nested",
             'sicara/tf-explain#138, "Got graph disconnected error when using a pre-trained '
             'sequential model."'),
    Reported("tf_explain", (), "sequential",
             'none found of its own; keras-team/keras#20116, "The layer sequential has never been '
             'called and thus has no defined output."'),
    Reported("xplique", ("guided_backprop", "deconvolution"), "nested",
             'none found of its own; tensorflow/tensorflow#37680, "Guided Backprop Gradcam with TF '
             '2.0 for Transfer Learning"'),
    Reported("xplique", ("fem",), "layer before", NONE),
    Reported("xplique", ("fem",), "black", NONE),
    Reported("xplique", ("fem",), "tiny", NONE),
    Reported("xplique", (), "nested",
             'none found of its own; tensorflow/tensorflow#44462, "GradCAM and nested models"'),
    Reported("tf_keras_vis", (), "nested",
             'keisen/tf-keras-vis#71, "Graph disconected: transfer-learning model with custom '
             'dense layers"'),
    Reported("tf_keras_vis", ("grad_cam_plus_plus",), "probe", NONE),
    Reported("eli5", (), "nested",
             'none found of its own; keras-team/keras#16355, "Extract Nested Layers from '
             'Encapsulated Model"'),
    Reported("tf_explain", ("grad_cam",), BASE, 'sicara/tf-explain#77, "Unguided Grad CAM"'),
)  # fmt: skip
"""The first that fits counts."""


def reported(library: str, offer: str, condition: str) -> str:
    """What was found, or that nothing was; empty where its symptom was not looked for."""
    if condition in UNSEARCHED:
        return ""
    for each in REPORTED:
        named = not each.offers or offer in each.offers
        if each.library == library and named and each.condition in condition:
            return each.said
    return ""
