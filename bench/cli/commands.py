"""The commands there are: what each is asked, what it does, and examples of it."""

from __future__ import annotations

from bench.cli.arguments import Command
from bench.cli.options import Single
from bench.subject.request import STAGES, Request

EXPLAIN = (
    "explain --framework {} --architecture {} --weights weights.safetensors --images images.npy"
)

COMMANDS = {
    "list": Command("cli.catalogue:show_list", Single, "everything that can be named",
                    ["list", "list --json"]),
    "train": Command(
        "cli.single:train", Single, "train one network in one framework",
        ["train --framework jax --dataset digits --architecture cnn-32-16-8 --epochs 32 --seed 0 "
         "--out weights.safetensors"]),
    "explain": Command(
        "cli.single:explain", Single, "heatmaps of your images, by one method in one framework",
        [EXPLAIN.format("pytorch", "cnn-32-16-8") + " --method grad_cam --out heatmaps.safetensors",
         EXPLAIN.format("keras --backend jax", "my-network.json") + " --method "
         "integrated_gradients --option points=100 --targets targets.npy "
         "--out heatmaps.safetensors"]),
    "agree": Command(
        "cli.whole:run_stage", Request, "every column against the float64 oracle",
        ["agree", "agree --dataset fashion_mnist --frameworks jax pytorch"], STAGES),
    "time": Command(
        "cli.whole:run_stage", Request, "milliseconds, compile seconds: agree, then clock",
        ["time --dataset digits --architectures cnn-32-16-8 --rounds 5",
         "time --grid allocator --frameworks jax pytorch"], STAGES),
    "contrast": Command("cli.whole:run_stage", Request, "our methods beside captum's and shap's",
                        ["contrast"], STAGES),
    "compare": Command(
        "cli.whole:run_compare", Request, "the main job: train, agree, time, contrast, report",
        ["compare", "compare --dataset fashion_mnist",
         "compare --dataset fashion_mnist --stages train"], STAGES),
    "report": Command("cli.whole:run_report", Request, "tables and pictures of the finished runs",
                      ["report"]),
    "publish": Command(
        "cli.whole:run_publish", Request, "your runs into the published ones, and their tables",
        ["publish compare-20261128T101500-0797011f-1a2b3c4d", "publish"]),
    "sweep": Command(
        "cli.whole:run_stage", Request, "agreement everywhere: every method, layer and mode",
        ["sweep --dataset digits --architectures cnn-gap"], STAGES),
}  # fmt: skip
