"""The commands there are: what each is asked, what it does, and examples of it."""

from __future__ import annotations

from bench.cli.arguments import Command
from bench.cli.options import Single
from bench.subject.request import PARTS, STAGES, Request
from bench.subject.stages import stages

EXPLAIN = (
    "explain --framework {} --architecture {} --weights weights.safetensors --images images.npy"
)

STAGE = "cli.whole:run_stage"
OWN = {
    "list": Command("cli.catalogue:show_list", Single, "everything that can be named",
                    ["list", "list --json"]),
    "show": Command("cli.catalogue:show", Single, "an architecture: its layers and their sizes",
                    ["show --architecture cnn-gap", "show --architecture my-network.json --json"]),
    "import": Command(
        "cli.importing:run", Single, "a network of your own, from an ONNX file",
        ["import my-network.onnx --out my-network",
         "import my-network.onnx --out my-network --mean 0.485 0.456 0.406 "
         "--deviation 0.229 0.224 0.225"]),
    "predict": Command(
        "cli.predicting:run", Single, "the classes of your images, ranked, by one network",
        ["predict --framework pytorch --network my-network --images photographs/ --top 5",
         "predict --framework pytorch --network my-network --images images.npy "
         "--expect logits.npy"]),
    "export": Command(
        "cli.exporting:run", Single, "a network as an ONNX file",
        ["export --network my-network --out my-network.onnx",
         "export --architecture cnn-gap --weights weights.safetensors --out cnn-gap.onnx"]),
    "train": Command(
        "cli.single:train", Single, "train one network in one framework",
        ["train --framework jax --dataset digits --architecture cnn-32-16-8 --epochs 32 --seed 0 "
         "--out weights.safetensors"]),
    "explain": Command(
        "cli.single:explain", Single, "heatmaps of your images, by one method in one framework",
        [EXPLAIN.format("pytorch", "cnn-32-16-8") + " --method grad_cam --out heatmaps.safetensors",
         EXPLAIN.format("keras --backend jax", "my-network.json") + " --method "
         "integrated_gradients --option points=100 --targets targets.npy "
         "--out heatmaps.safetensors",
         "explain --framework jax --network my-network --method grad_cam --images cat.jpg "
         "--picture cat.png --size 256 256 --out heatmaps.safetensors",
         "explain --framework jax --network my-network --method grad_cam --images cat.jpg "
         "--methods core --classes top3 --picture sheet.png --out heatmaps.safetensors",
         "explain --framework jax --network my-network --method expected_gradients "
         "--images cat.jpg --baselines training/ --out heatmaps.safetensors"]),
    "prototype": Command(
        "cli.prototype:run", Single, "what a network takes for each class, and the picture",
        ["prototype --framework jax --network my-network --out prototypes.safetensors",
         "prototype --framework pytorch --architecture cnn-gap --weights weights.safetensors "
         "--dataset digits --start eight.npy --classes 3 1 --option steps=2000 "
         "--out prototypes.safetensors"]),
    "diagnose": Command(
        "cli.diagnosing:diagnose", Single, "why heatmaps differ: the conventions that give yours",
        ["diagnose --architecture cnn-gap --weights weights.safetensors --images images.npy "
         "--heatmap mine.npy",
         "diagnose --architecture cnn-gap --weights weights.safetensors --images images.npy "
         "--heatmap mine.npy --against theirs.npy --layer conv4"]),
    "compare": Command(
        "cli.whole:run_compare", Request, f"the main job: {', '.join(PARTS)}, report",
        ["compare", "compare --dataset fashion_mnist",
         "compare --dataset fashion_mnist --stages train"], STAGES),
    "report": Command("cli.whole:run_report", Request, "tables, pictures and pages of your runs",
                      ["report", "report --baseline time-20261128T103458-0797011f"]),
    "publish": Command(
        "cli.whole:run_publish", Request, "your runs into the published ones, and their tables",
        ["publish compare-20261128T101500-0797011f-1a2b3c4d", "publish"]),
    "sweep": Command(
        STAGE, Request, "agreement everywhere: every method, layer and mode",
        ["sweep --dataset digits --architectures cnn-gap"], STAGES),
}  # fmt: skip
"""Those that are no stage's."""
COMMANDS = {
    **{each.name: Command(STAGE, Request, each.title, each.examples or (each.name,), STAGES)
       for each in stages()},
    **OWN,
}  # fmt: skip
