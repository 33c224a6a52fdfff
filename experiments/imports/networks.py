"""The networks that are tried: sources, their names, and the file that an exporter writes of one.

Weights are random and so are the norms' factors; their statistics are those of random images, as if
trained. Images are small where the network allows it: the graph is the same.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SMALL = 64
SIZES = {
    # What pools to a fixed size, or has tokens of one.
    "alexnet": 224, "vgg11_bn": 224, "vgg19": 224, "vit_b_16": 224, "swin_t": 224, "maxvit_t": 224,
    # What has no padding.
    "inception_v3": 107, "inception_v4": 107, "inception_resnet_v2": 107, "InceptionV3": 107,
    "InceptionResNetV2": 107, "Xception": 107, "xception41": 107, "selecsls42b": 96,
}  # fmt: skip
TORCHVISION = (
    "alexnet squeezenet1_1 resnet18 mobilenet_v2 mobilenet_v3_small mobilenet_v3_large mnasnet1_0 "
    "shufflenet_v2_x1_0 regnet_x_400mf regnet_y_400mf efficientnet_b0 densenet121 googlenet "
    "googlenet:transform_input resnet50 resnext50_32x4d wide_resnet50_2 inception_v3 "
    "efficientnet_v2_s convnext_tiny vgg11_bn vgg19 vit_b_16 swin_t maxvit_t"
).split()
KERAS = (
    "MobileNet MobileNetV2 MobileNetV3Small EfficientNetB0 EfficientNetV2B0 ResNet50 ResNet50V2 "
    "DenseNet121 ConvNeXtTiny Xception InceptionV3 VGG16 NASNetMobile InceptionResNetV2"
).split()
TIMM = (
    "resnet18 resnet26d seresnet18 skresnet18 resnest14d gcresnext26ts eca_resnet33ts resnetv2_50 "
    "resnetv2_50x1_bit resnetblur18 seresnext26d_32x4d res2net50_14w_8s densenet121 dla34 dpn48b "
    "efficientnet_b0 efficientnet_lite0 efficientnetv2_rw_t tf_efficientnetv2_b0 mixnet_s "
    "mnasnet_100 semnasnet_075 fbnetc_100 spnasnet_100 mobilenetv2_100 mobilenetv3_small_100 "
    "mobilenetv4_conv_small hardcorenas_a lcnet_050 tinynet_e ghostnet_100 regnetx_002 regnety_002 "
    "regnetz_b16 repvgg_a0 repghostnet_050 mobileone_s0 fastvit_t8 convnext_atto convnextv2_atto "
    "convmixer_768_32 inception_v3 inception_v4 inception_next_atto xception41 vgg11_bn "
    "ese_vovnet19b_dw cspresnet50 cspdarknet53 darknet53 hrnet_w18_small tresnet_m rexnet_100 "
    "selecsls42b nf_regnet_b0 gernet_s starnet_s1 hgnetv2_b0 botnet26t_256 poolformer_s12 "
    "vit_tiny_patch16_224 mixer_s32_224 mobilevit_xxs edgenext_xx_small"
).split()
FLAX = ("cnn", "resnet", "resnet:nchw")


def zoo() -> list[str]:
    """The graphs that the package onnx ships."""
    import onnx

    folder = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
    return [path.stem for path in sorted(folder.glob("*.onnx"))]


def size(name: str) -> int:
    """Height and width of its images."""
    return SIZES.get(name.partition(":")[0], SMALL)


def scale(name: str) -> int:
    """What a network's own scaling takes the largest value of an image for."""
    return 255 if name.startswith(("Eff", "ConvNeXt", "MobileNetV3")) else 1


def _torch(name: str, library: str) -> tuple[Any, Any]:
    """A network of a library of PyTorch's with its norms calibrated, and an image."""
    import torch

    for operator in ("nms", "qnms"):  # a build of PyTorch without its compiled part
        sketch = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        with contextlib.suppress(RuntimeError):
            torch.library.define(f"torchvision::{operator}", sketch)
    torch.manual_seed(0)
    plain, _, flag = name.partition(":")
    if library == "timm":
        import timm

        model = timm.create_model(plain, pretrained=False)
    else:
        import torchvision

        more: dict[str, Any] = {"weights": None}
        if plain in ("googlenet", "inception_v3"):
            more |= {"aux_logits": False, "init_weights": True, "transform_input": bool(flag)}
        model = getattr(torchvision.models, plain)(**more)
    fixed = getattr(model, "default_cfg", {}).get("fixed_input_size")
    side = 224 if fixed else size(name)
    if plain == "botnet26t_256":
        side = 256
    images = torch.rand(16 if side < 200 else 4, 3, side, side)
    norms = [m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    with torch.no_grad():
        for key, value in model.named_parameters():
            if "gamma" in key or "layer_scale" in key:
                value.uniform_(0.5, 1.5)
        for norm in norms:
            if norm.affine:
                norm.weight.uniform_(0.8, 1.2)
                norm.bias.normal_(0, 0.1)
            norm.momentum = 1.0
        if norms:
            model.train()(images)
        for norm in norms:  # few images of a pixel may have no variance
            norm.running_var.clamp_(min=1e-2)
    return model.eval(), images[:1]


def legacy(name: str, path: Path, library: str = "torchvision") -> None:
    """PyTorch's older exporter."""
    import torch

    model, image = _torch(name, library)
    free = {0: "batch"}
    torch.onnx.export(
        model, (image,), str(path), dynamo=False, input_names=["images"], output_names=["logits"],
        dynamic_axes={"images": free, "logits": free},
    )  # fmt: skip


def dynamo(name: str, path: Path) -> None:
    """PyTorch's newer exporter."""
    import torch

    model, image = _torch(name, "torchvision")
    torch.onnx.export(
        model, (image,), str(path), dynamo=True, external_data=False, input_names=["images"],
        output_names=["logits"], dynamic_shapes=({0: "batch"},), verbose=False,
    )  # fmt: skip


def keras_onnx(name: str, path: Path) -> None:
    """Keras' own exporter, by way of its backend's."""
    import keras

    keras.utils.set_random_seed(0)
    side = size(name)
    make = getattr(keras.applications, name)
    model = make(weights=None, input_shape=(side, side, 3))
    images = scale(name) * np.random.default_rng(0).random((16, side, side, 3), np.float32)
    draw = np.random.default_rng(1)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
        for value in layer.trainable_variables:
            if value.name == "gamma":
                value.assign(draw.uniform(0.5, 1.5, value.shape))
    model(images, training=True)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.moving_variance.assign(keras.ops.maximum(layer.moving_variance, 1e-2))
    model(images[:1])
    if os.environ["KERAS_BACKEND"] == "torch":
        given = keras.InputSpec(shape=(1, side, side, 3), dtype="float32")
        model.export(str(path), format="onnx", input_signature=[given], verbose=False)
    else:
        model.export(str(path), format="onnx", verbose=False)


def flax_onnx(name: str, path: Path) -> None:
    """jax2onnx, of networks written in Flax NNX."""
    import jax2onnx

    from experiments.imports import flax_networks

    plain, _, layout = name.partition(":")
    more = {"inputs_as_nchw": [0]} if layout else {}
    given = [("B", SMALL, SMALL, 3)]
    jax2onnx.to_onnx(
        flax_networks.make(plain), given, return_mode="file", output_path=str(path), **more
    )


def shipped(name: str, path: Path) -> None:
    """A file that is there already."""
    import onnx

    folder = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
    path.write_bytes((folder / f"{name}.onnx").read_bytes())


SOURCES: dict[str, tuple[Callable[[], list[str]], Callable[[str, Path], None], dict[str, str]]] = {
    "torchvision, legacy": (lambda: list(TORCHVISION), legacy, {}),
    "timm, legacy": (lambda: list(TIMM), lambda name, path: legacy(name, path, "timm"), {}),
    "onnx zoo": (zoo, shipped, {}),
    "flax, jax2onnx": (lambda: list(FLAX), flax_onnx, {}),
    "keras[torch]": (lambda: list(KERAS), keras_onnx, {"KERAS_BACKEND": "torch"}),
    "keras[tensorflow]": (lambda: list(KERAS), keras_onnx, {"KERAS_BACKEND": "tensorflow"}),
    "torchvision, dynamo": (lambda: list(TORCHVISION), dynamo, {}),
}
"""Source -> its networks, what writes one's file, and the environment that takes."""
