"""The columns of a row: name, group, unit, meaning and type.

`results/README.md` is made from these, and rows are checked against them (`fault.py`).
"""

from __future__ import annotations

from typing import NamedTuple

from bench.record import conformed
from implementations.contract import DEVICES as DEVICES
from implementations.contract import MODES as MODES

SCHEMA = 1
STATUSES = ("ok", "skipped", "wrong", "failed", "timeout", "oom")
ANSWERED = ("ok", "skipped", "wrong")
"""The statuses that another try would not change."""


class Field(NamedTuple):
    """One column."""

    group: str
    name: str
    unit: str
    meaning: str


FIELDS = tuple(
    Field(*line)
    for line in [
        ("identity", "schema", "", "version of this dictionary"),
        ("identity", "run_id", "", "the run: its file's name"),
        ("identity", "cell_id", "", "stable hash of the toggles"),
        ("identity", "code_hash", "", "hash of the builder and framework module that ran"),
        ("identity", "round", "", "number of the process round, from 0"),
        ("identity", "started_at", "UTC", "when the row was written"),
        ("identity", "machine_id", "", "the node that timed it; empty: the machine of the run"),
        ("what", "stage", "", "train, agree, time, contrast, judge, conform, precision or oracle"),
        ("what", "task", "", "heatmap, forward, train_step, train, likeness or judge"),
        ("what", "framework", "", "jax, pytorch, keras or reference"),
        ("what", "backend", "", "Keras' backend"),
        ("what", "column", "", "framework and backend, as tables name it"),
        ("what", "method", "", "attribution method, or a library's offer"),
        ("what", "library", "", "third-party library; empty for our own"),
        ("what", "explainer", "", "whose heatmaps a metric is of, as tables name it"),
        ("what", "options", "", "options that differ from their defaults"),
        ("what", "score", "", "logit, probability or log_probability"),
        ("what", "dataset", "", "data set"),
        ("what", "architecture", "", "architecture"),
        ("what", "weights", "", "trained, random, initial, nudged, or whose training they are of"),
        ("what", "layer", "", "layer that was asked for; empty: the default"),
        ("what", "node", "", "node whose output the heatmap reads: the layer, resolved"),
        ("what", "order", "", "that node's position in the architecture, from 1"),
        ("what", "depth", "", "the same among the spatial nodes: 0 the first, 1 the last"),
        ("what", "image_hw", "pixels", "height and width of an image: 8x8"),
        ("what", "classes", "", "classes of the network"),
        ("what", "grid", "", "grid of times that the cell belongs to: quick, default or full"),
        ("what", "varies", "", "factors in which it differs from the base of its run's times"),
        ("what", "like", "", "of a library's explainer: our method of the same kind"),
        ("what", "same_with", "", "of a library's explainer: the options that give our map"),
        ("what", "difference", "", "of a library's explainer: how its numbers differ from ours"),
        ("what", "batch", "images", "batch size"),
        ("what", "optimizer", "", "matched, native or sgd"),
        ("what", "epochs", "", "epochs of training"),
        ("what", "steps", "", "where only so many steps are trained, whatever the epochs"),
        ("toggles", "device", "", "cpu or gpu"),
        ("toggles", "mode", "", "eager, compiled, xla or tuned"),
        ("toggles", "precision", "", "float32, tf32, bfloat16 or float64"),
        ("toggles", "layout", "", "memory layout of images on the device"),
        ("toggles", "threads", "", "0: every core the process may use"),
        ("toggles", "allocator", "", "of older runs; empty: freed memory is kept, as ever since"),
        ("toggles", "memory_format", "", "of older runs; empty: the best one, as ever since"),
        ("toggles", "seed", "", "seed of initial weights and batch order"),
        ("status", "status", "", ", ".join(STATUSES)),
        ("status", "reason", "", "why it is not ok"),
        ("status", "notes", "", "caveats"),
        ("status", "verified", "", "data files had their published digests"),
        ("agreement", "against", "", "what it was compared with"),
        ("agreement", "weights_sha", "", "digest of the weights"),
        ("agreement", "inputs_sha", "", "digest of images and targets"),
        ("agreement", "maps_sha", "", "digest of the heatmaps"),
        ("agreement", "n_images", "images", "images compared"),
        ("agreement", "compared", "", "what was compared: logits, activations, ..., upsampled"),
        ("agreement", "max_abs", "", "largest absolute difference"),
        ("agreement", "max_rel", "", "worst image: max |a-b| / max |reference signed map|"),
        ("agreement", "worst_image", "", "which image that is, from 0"),
        ("agreement", "median_rel", "", "median over images of the same"),
        ("agreement", "rmse", "", "root mean square difference"),
        ("agreement", "pearson_median", "", "over images"),
        ("agreement", "pearson_min", "", "over images"),
        ("agreement", "spearman_median", "", "over images"),
        ("agreement", "spearman_min", "", "over images"),
        ("agreement", "topk_iou", "", "median overlap of the top 10 % of positions"),
        ("agreement", "zero_map_share", "", "share of images whose map is zero (or constant)"),
        ("agreement", "share_within", "", "share of images within the tolerance"),
        ("agreement", "kinks", "", "images above it: index, error, kink, bound, error followed"),
        ("agreement", "nan_count", "", "values that are not finite"),
        ("agreement", "agree", "", "whether the gate is passed"),
        ("agreement", "tolerance", "", "of max_rel"),
        ("cost", "import_s", "s", "importing the framework, its optional extras left out"),
        ("cost", "build_s", "s", "building the network and the explainer"),
        ("cost", "compiler_s", "s", "starting the compiler: a process' first compilation, tiny"),
        ("cost", "compile_s", "s", "first call less one steady call"),
        ("cost", "compile_count", "", "compilations, all before the clock ran"),
        ("cost", "cache", "", "cold; warm: of a later round, whose readying is no figure"),
        ("cost", "samples_ns", "ns", "of all visits, at most 50, evenly spread over time"),
        ("cost", "median_ms", "ms", "median of all samples"),
        ("cost", "iqr_ms", "ms", "interquartile range of all samples"),
        ("cost", "min_ms", "ms", "least of all samples"),
        ("cost", "p95_ms", "ms", "95th percentile of all samples"),
        ("cost", "images_per_s", "1/s", "batch / median"),
        ("cost", "flops", "", "floating-point operations of one call, by the architecture"),
        ("cost", "peak_share", "", "flops / median / the machine's measured peak, 0 to 1"),
        ("cost", "cores_in_use", "", "CPU time / wall time while timed"),
        ("cost", "page_faults", "", "pages of memory got from the system in a call while timed"),
        ("cost", "evaluations", "", "images through the model for each image explained"),
        ("cost", "pullbacks", "", "images pulled back through it for each image explained"),
        ("cost", "heads", "", "of these evaluations, those that begin at the layer"),
        ("cost", "peak_rss_mb", "MB", "peak resident memory of the process so far"),
        ("cost", "peak_device_mb", "MB", "peak device memory of a call, less what was held"),
        ("cost", "call_memory_mb", "MB", "peak memory of a call, less what was held"),
        ("cost", "cell_s", "s", "wall time of the whole cell"),
        ("quality", "metric", "", "name of the metric"),
        ("quality", "at", "", "of a curve: share removed, shown or drawn anew, 0 to 1"),
        ("quality", "value", "", "its value over the images where it is defined"),
        ("quality", "statistic", "", "what of these images: mean or median"),
        ("quality", "ci_lo", "", "lower end of its 95 % bootstrap interval over images"),
        ("quality", "ci_hi", "", "upper end of it"),
        ("quality", "unit", "", "its unit"),
        ("quality", "n", "images", "images it was taken over"),
        ("quality", "undefined", "images", "images for which it is undefined"),
        ("quality", "efficiency", "", "seconds of the evaluations alone / seconds of the metric"),
        ("quality", "apart", "", "a difference: told apart; a verdict: the metric tells anything"),
        ("quality", "letters", "", "of an explainer: those that share one are not told apart"),
        ("quality", "subset", "", "all, correct or wrong classifications"),
        ("training", "epoch", "", "epoch, from 1"),
        ("training", "losses", "", "mean loss per image of each step"),
        ("training", "train_loss", "", "mean loss of the epoch"),
        ("training", "test_accuracy", "", "share of test images classified correctly"),
        ("training", "confusion", "", "rows: true class; columns: predicted class"),
        ("training", "step_ms", "ms", "time of the epoch / its steps"),
        ("training", "artefact", "", "file the row points to"),
        *(("conform", *line) for line in conformed.FIELDS),
        ("noise", "load_before", "", "one-minute load before the samples"),
        ("noise", "load_after", "", "one-minute load after the samples"),
        ("noise", "busy_others", "", "cores used by others while timed, on the host too"),
        ("noise", "cpu_mhz", "MHz", "clock after the samples"),
        ("noise", "stable", "", "false where other work was seen"),
    ]
)  # fmt: skip

COLUMNS = tuple(field.name for field in FIELDS)
COUNTS = ("round", "batch", "epochs", "steps", "threads", "seed", "epoch", "order", "classes")
NESTED = ("samples_ns", "losses", "confusion", "kinks", "agree", "stable", "verified", "apart")
_TEXT = (
    "against", "weights_sha", "inputs_sha", "maps_sha", "compared", "cache", "metric", "unit",
    "subset", "statistic", "letters",
)  # fmt: skip
_NUMBERED = ("agreement", "cost", "quality", "training", "noise")
_OTHERS = (*COUNTS, *NESTED, *_TEXT, "artefact")
_MEASURED = (f.name for f in FIELDS if f.group in _NUMBERED and f.name not in _OTHERS)
NUMBERS = ("depth", "size", *_MEASURED)
