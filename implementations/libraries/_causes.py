"""The line of a library's code that a deviation comes from, and what it does there.

A deviation is looked for by the library, the offer and a word of the condition; a line by its text,
which its file is held to have (`tests/implementations/libraries/test_causes.py`).
"""

from __future__ import annotations

from typing import NamedTuple

HIDDEN = "softmax host, probe saturated"
"""No line of a library's: float32 has lost 1 - p."""
TRAINED = "train host, probe norm"
"""The user's own: no explainer is asked to leave a model's mode."""


class Cause(NamedTuple):
    """Why a library's offers, all where none is named, deviate under a condition."""

    library: str
    offers: tuple[str, ...]
    condition: str
    file: str
    text: str
    said: str


ONLY_MODULES = "only modules have the rule: a function keeps the plain gradient"
LAST_CALL = "a module that is called twice is hooked twice: lists mix the two calls"
SHARED = "on a CPU this is no copy: a ReLU in place overwrites what is kept"
SINGLE = "every map becomes float32"
INNER = "a layer's output inside a model in the model is no tensor of the outer one's graph"
CAM_HOOKS = "pytorch_grad_cam/activations_and_gradients.py"
IMAGE = "pytorch_grad_cam/utils/image.py"
DEEP = "captum/attr/_core/deep_lift.py"
SHAP = "shap/explainers/_deep/deep_pytorch.py"
GRADIENT = "torchcam/methods/gradient.py"
TIED = (
    "the change of a pooled value goes to its argmax, of tied ones the first, and is lost where "
    "that input has not changed"
)
CONSTANT = (
    "a channel that is the same everywhere is at its own threshold, mean plus no deviation, and is "
    "kept whole"
)
CAUSES = (
    Cause("captum", ("deep_lift",), "reused", DEEP, "module.input_ref = tuple(",
          "a module keeps what it read on itself, once"),
    Cause("captum", ("deep_lift",), "functional", DEEP,
          "return type(module) in SUPPORTED_NON_LINEAR.keys()", ONLY_MODULES),
    Cause("captum", ("deep_lift",), "probe", DEEP, "_, indices = pool_func(", TIED),
    Cause("captum", ("guided_backprop", "deconvolution", "guided_grad_cam"), "functional",
          "captum/attr/_core/guided_backprop_deconvnet.py", "if isinstance(module, torch.nn.ReLU):",
          ONLY_MODULES),
    Cause("captum", ("integrated_gradients",), "float64",
          "captum/attr/_core/integrated_gradients.py", "torch.tensor(step_sizes).float()",
          "the weights of the path's points are float32"),
    Cause("captum", ("lrp",), "compiled", "captum/attr/_utils/lrp_rules.py",
          "relevance = grad * inputs", "hooks on tensors that a compiled module changes in place"),
    Cause("captum", ("lrp",), "float64", "captum/attr/_utils/lrp_rules.py",
          "STABILITY_FACTOR = 1e-9", "1e-9 is added to every denominator"),
    Cause("pytorch_grad_cam", ("ablation_cam",), "reused",
          "pytorch_grad_cam/utils/find_layers.py", "model._modules[name] = new_layer",
          "one place of the module is replaced, the others keep it"),
    Cause("pytorch_grad_cam", (), "reused", CAM_HOOKS, "self.activations.append(", LAST_CALL),
    Cause("pytorch_grad_cam", ("guided_backprop",), "functional",
          "pytorch_grad_cam/guided_backprop.py", "GuidedBackpropReLUasModule())", ONLY_MODULES),
    Cause("pytorch_grad_cam", ("shapley_cam",), "inplace", CAM_HOOKS,
          "self.activations.append(activation)", SHARED),
    Cause("pytorch_grad_cam", (), "inplace", CAM_HOOKS,
          "self.activations.append(activation.cpu().detach())", SHARED),
    Cause("pytorch_grad_cam", ("xgrad_cam",), "float64", "pytorch_grad_cam/xgrad_cam.py",
          "eps = 1e-7", "1e-7 is added to the sum of activations, and every map becomes float32"),
    Cause("pytorch_grad_cam", (), "float64", IMAGE, "result = np.float32(result)", SINGLE),
    Cause("pytorch_grad_cam", ("finer_cam",), "frozen", "pytorch_grad_cam/finer_cam.py",
          "loss.backward(retain_graph=True)", "images ask for no gradient, and weights do not"),
    Cause("pytorch_grad_cam", ("full_grad",), "probe", IMAGE, "img = img / (1e-7 + np.max(img))",
          "1e-7 is added to the range of each channel's contribution: faint ones fade"),
    Cause("pytorch_grad_cam", ("shapley_cam",), "dead", "pytorch_grad_cam/shapley_cam.py",
          "if hvp is None:", "the logit is explained, whose second derivative is none"),
    Cause("torchcam", (), "compiled", GRADIENT,
          'raise RuntimeError("target score is not connected to every target layer") from exc',
          "the hooked module is not the one that a compiled model runs"),
    Cause("torchcam", (), "inplace", "torchcam/methods/core.py",
          "self.hook_a[idx] = output.detach()", SHARED),
    Cause("torchcam", ("xgrad_cam",), "float64", GRADIENT,
          "act.flatten(2).sum(-1).add(eps)", "1e-8 is added to the sum of activations"),
    Cause("shap", ("deep",), "inplace", SHAP, "model.register_full_backward_hook(backward_handle)",
          "a hooked module may not change what it reads"),
    Cause("shap", ("deep",), "reused", SHAP, "module.x = torch.nn.Parameter(input[0].detach())",
          "a module keeps what it read on itself, once"),
    Cause("shap", ("deep",), "functional", "shap/explainers/_deep/deep_utils.py",
          "assert maxdiff < TOLERANCE", ONLY_MODULES),
    Cause("shap", ("deep",), "softmax", "shap/explainers/_deep/deep_utils.py",
          "assert maxdiff < TOLERANCE", "a softmax by a function, no module, keeps its gradient"),
    Cause("shap", ("deep",), "tiny", SHAP, "_, indices = pool_to_function[", TIED),
    Cause("saliency", ("grad_cam",), "float64", "saliency/core/grad_cam.py",
          "dtype=np.float32)", SINGLE),
    Cause("saliency", ("integrated_gradients",), "float64",
          "saliency/core/integrated_gradients.py",
          "total_gradients = np.zeros_like(x_value, dtype=np.float32)",
          "the sum of gradients is float32"),
    Cause("eli5", (), "nested", "eli5/keras/gradcam.py",
          "outputs=[activation_layer.output, model.outputs[0]]", INNER),
    Cause("tf_explain", (), "nested", "tf_explain/core/grad_cam.py",
          "model.get_layer(layer_name).output", INNER),
    Cause("tf_explain", ("grad_cam",), "sequential", "tf_explain/core/grad_cam.py",
          "model.get_layer(layer_name).output, model.output",
          "in Keras 3 a keras.Sequential has `outputs`, and no `output` before it is called"),
    Cause("tf_explain", ("smooth_grad",), "sequential", "tf_explain/core/smoothgrad.py",
          "num_classes = model.output.shape[1]",
          "in Keras 3 a keras.Sequential has `outputs`, and no `output` before it is called"),
    Cause("xplique", ("guided_backprop", "deconvolution"), "nested",
          "xplique/commons/model_override.py",
          "cloned_model.layers[layer_id].call = relu_policy(max_value, threshold)",
          "only layers of the outer model have the rule: those inside keep the plain gradient"),
    Cause("xplique", ("fem",), "layer before", "xplique/attributions/fem.py",
          "weighted_feature_maps = tf.reduce_sum(tf.multiply(binary_masks, weights), axis=-1)",
          "no ReLU: before the layer's own a channel's mean may be negative"),
    Cause("xplique", ("fem",), "black", "xplique/attributions/fem.py",
          "binary_mask = tf.cast(feature_maps >= threshold, feature_maps.dtype)", CONSTANT),
    Cause("xplique", ("fem",), "tiny", "xplique/attributions/fem.py",
          "binary_mask = tf.cast(feature_maps >= threshold, feature_maps.dtype)", CONSTANT),
    Cause("xplique", (), "nested", "xplique/commons/model_override.py",
          "return model.get_layer(layer)", "a layer's name is looked for in the outer model alone"),
    Cause("tf_keras_vis", (), "nested", "tf_keras_vis/utils/model_modifiers.py",
          "return tf.keras.Model(inputs=model.inputs, outputs=outputs)", INNER),
    Cause("tf_keras_vis", ("grad_cam_plus_plus",), "probe", "tf_keras_vis/gradcam_plus_plus.py",
          "score_values = sum(tf.math.exp(o) for o in score_values)",
          "exp(score) has no number in float32 from a score of 89 on"),
    Cause("tf_keras_vis", ("grad_cam_plus_plus",), "", "tf_keras_vis/utils/__init__.py",
          "max_value - min_value + K.epsilon()",
          "1e-7 is added to the range of a map that has the factor exp(score)"),
)  # fmt: skip
"""The first that fits counts."""


def cause(library: str, offer: str, condition: str) -> str:
    """What a deviation comes from, with the file and its line's text; empty where not known."""
    if condition in (HIDDEN, TRAINED):
        return ""
    for each in CAUSES:
        named = not each.offers or offer in each.offers
        if each.library == library and named and each.condition in condition:
            return f"{each.said} ({each.file}: `{each.text}`)"
    return ""
