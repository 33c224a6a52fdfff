"""What is asked of the commands that are of one network, and of those that only show."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.record.runs import LOCAL
from bench.subject import names, values
from bench.subject.drawn import RESAMPLED
from bench.subject.heatmaps import NORMALISERS
from bench.subject.request import Common, option
from implementations.architecture import pretrained, registered, scaling
from implementations.contract import MODES, PRECISIONS, SCORES
from implementations.errors import BadInput

OPTIMIZERS = ("matched", "native", "sgd")
SAVED = ("heatmap", "stages")
NEEDED = {
    **dict.fromkeys(
        ("explain", "predict", "export", "diagnose", "prototype"), ("architecture", "weights")),
    "train": ("architecture",), "show": ("architecture",),
}  # fmt: skip
"""Command -> what names its network."""
LAYOUTS = ("NCHW", "NHWC")


@dataclass(frozen=True, kw_only=True)
class Single(Common):
    """What is asked of the commands of one network: `explain`, `train`, `import` and the like."""

    # fmt: off
    framework: str = option(..., "jax, pytorch, keras, onnxruntime; or reference",
                            "explain predict train prototype")
    backend: str = option("", "of Keras: tensorflow, jax or torch",
                         "explain predict train prototype")
    architecture: str = option("", "a name, or a .json file",
                               "explain predict train show export diagnose prototype")
    network: str = option("", "a folder of architecture.json and weights.safetensors, instead of "
                          "both", "explain predict show export diagnose prototype")
    method: str = option(..., "as in grad_cam or grad_cam[reduction=mean]",
                         "explain diagnose", diagnose="grad_cam")
    library: str = option("", "a third-party library's method instead of our own", "explain")
    weights: str = option("", "neutral weights, .safetensors; a pretrained network has its own",
                          "explain predict export diagnose prototype")
    images: tuple[str, ...] = option(
        ..., "(N, H, W, C) float32 in [0, 1] or uint8, .npy; or pictures, or folders of them",
        "explain predict diagnose", tuple)
    scaling: str = option("", "of images in [0, 1], where the network does it not: imagenet, "
                          "symmetric (-1 to 1), 255 or caffe", "explain predict", scaling.scaling)
    targets: str | None = option(None, "(N,) classes, .npy; by default those predicted",
                                 "explain diagnose")
    baselines: tuple[str, ...] = option(
        (), "images as --images takes them, as of your training, that expected_gradients draws its "
        "baselines from; by default noise", "explain", tuple)
    expect: str | None = option(None, "your own logits of the images, (N, K), .npy, to be held "
                                "against ours", "explain predict")
    layer: str = option("", "by default the last convolution", "explain diagnose")
    heatmap: str = option(..., "the maps to be explained, (N, H, W) or (N, h, w), .npy", "diagnose")
    against: str | None = option(None, "other maps of the same images: how do the two differ?",
                                 "diagnose")
    seconds: float = option(60.0, "to search", "diagnose", values.seconds)
    score: str = option("", "of the target; by default the method's own", "explain",
                        values.word("score", SCORES))
    mode: str | None = option(None, "by default compiled, a library's eager", "explain prototype",
                              values.word("mode", MODES))
    precision: str | None = option(None, "by default float32", "explain prototype",
                                   values.word("precision", PRECISIONS))
    options: tuple[tuple[str, str], ...] = option(
        (), "NAME=VALUE of the method, or of prototypes; several times", "explain prototype",
        values.each(values.setting), name="option")
    batch: int = option(0, "by default by the method's cost", "explain", values.positive)
    normalise: str = option("none", "written scaled for display too", "explain",
                            values.word("normaliser", NORMALISERS))
    shards: int = option(0, "files, in the folder --out, with an index; a killed command goes on "
                         "from the last", "explain", values.positive)
    picture: Path | None = option(  # noqa: RUF009
        None, "image, map and overlay; of diagnose given, reproduced and difference; of prototypes "
        "by default beside --out; .png", "explain diagnose prototype", Path)
    methods: tuple[str, ...] = option(
        (), "of the picture, names or families (cam, core, all; the one method is cam/cam); by "
        "default --method", "explain", tuple)
    layers: tuple[str, ...] = option((), "of the picture, or all; by default --layer", "explain",
                                     tuple)
    classes: tuple[str, ...] = option(
        (), "of the picture: numbers, names, all, or top3; by default the targets; prototypes: "
        "numbers, by default all", "explain prototype", tuple)
    start: str | None = option(None, "image that a prototype begins as, or one a class: (H, W, C) "
                               "or (n, H, W, C), .npy, or a picture, or black; by default grey",
                               "prototype")
    means: str | None = option(None, "the classes' mean images, (K, H, W, C) .npy; black "
                               "without these and --dataset", "prototype")
    colormap: str = option("jet", "of the picture, one of matplotlib's", "explain")
    opacity: float = option(0.3, "of the map over the image, 0 to 1", "explain", values.number)
    limit: float = option(0.0, "let the opacity follow the map, up to this", "explain",
                          values.number, name="opacity-limit")
    image_share: float | None = option(None, "of the image in the overlay; by default what the map "
                                       "leaves", "explain", values.number)
    resample: str = option("bilinear", "how maps are drawn larger", "explain",
                           values.word("way", RESAMPLED))
    class_names: str = option("", "a data set's, or a file's: one a line, or a list in .json; by "
                              "default ImageNet's of 1000 classes", "explain predict")
    top: int = option(5, "classes shown", "predict", values.positive)
    save: str = option("heatmap", "heatmap or stages", "explain", values.word("what", SAVED))
    dataset: str = option(..., "trained on; of prototypes, to take its mean images",
                          "train prototype", names.pick_dataset, prototype="")
    seed: int = option(0, "of initial weights and batches", "train", values.seed)
    optimizer: str = option("native", ", ".join(OPTIMIZERS), "train",
                            values.word("optimizer", OPTIMIZERS))
    out: Path = option(..., "file to write; import: folder",  # noqa: RUF009
                       "explain train import export prototype", Path)
    model: str = option(..., "the ONNX file", "import", name="MODEL")
    name: str = option("", "the network's; by default the file's", "import")
    layout: str = option("", "of the images in the file; by default found by trying", "import",
                         values.word("layout", LAYOUTS))
    size: tuple[int, ...] = option((), "height and width, where they are free; of the picture",
                                   "import export explain", values.two)
    output: str = option("", "the value that gives the logits, of several outputs", "import")
    mean: tuple[float, ...] = option((), "of images in [0, 1], a number a channel", "import",
                                     values.each(values.number))
    deviation: tuple[float, ...] = option((), "of images in [0, 1], a number a channel", "import",
                                          values.each(values.above_zero))
    scale: float = option(0.0, "the largest value of its images, as 255; by default 1", "import",
                          values.above_zero)
    constants: int = option(0, "MiB of constants that the file may compute; by default 192, and "
                               "more where it holds as many", "import", values.positive)
    unchecked: bool = option(False, "do not hold what was made against the file", "import")
    json: bool = option(False, "for programs", "list show predict diagnose")
    # fmt: on

    def __post_init__(self) -> None:
        """A folder stands for its two files. Raises BadInput where no network is named, or two."""
        if self.network:
            if self.architecture or self.weights:
                raise BadInput("--network stands for --architecture and --weights; name one")
            object.__setattr__(self, "architecture", names.folder_file(self.network))
            weights = Path(self.network) / registered.WEIGHTS_IN_FOLDER
            object.__setattr__(self, "weights", str(weights))
        elif not self.weights and self.architecture in pretrained.FILES:
            there = pretrained.at_hand(self.architecture, LOCAL / "weights")
            object.__setattr__(self, "weights", str(there or ""))
        for field in ("architecture", "weights"):
            wanted = NEEDED.get(self.command, ())
            if field in wanted and not getattr(self, field):
                also = ", or --network FOLDER" if self.command != "train" else ""
                if field == "weights" and self.architecture in pretrained.FILES:
                    also = f", or {pretrained.how_to_get(self.architecture)}"
                raise BadInput(
                    f"name --{field}{also} (see `python -m bench {self.command} --help`)"
                )

    @property
    def file(self) -> str | None:
        """The file that the architecture is read from; None for a registered one."""
        return self.architecture if self.architecture.endswith(".json") else None

    @property
    def known(self) -> str:
        """What the architecture is known by. Raises BadInput."""
        known = registered.take(self.architecture)
        return scaling.take(known, self.scaling) if self.scaling else known
