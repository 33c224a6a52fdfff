from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from bench.report import shap_plots
from bench.subject.pages import class_names
from implementations.architecture import weights


@pytest.mark.parametrize("shape", [(8, 8), (8, 16), (16, 8)])
@pytest.mark.parametrize("outputs", [1, 3])
def test_no_name_reaches_into_another(tmp_path: Path, shape: tuple[int, int], outputs: int) -> None:
    names = class_names("photographs")
    longest = sorted(range(len(names)), key=lambda k: len(names[k]))[-3:]
    head, path = "photographs/efficientnet-lite0", tmp_path / "shap-1-m1.safetensors"
    generator = np.random.default_rng(0)
    weights.save(
        path,
        {
            "photographs/class_names": np.frombuffer("\n".join(names).encode(), np.uint8),
            f"{head}/images": generator.uniform(0, 1, (3, *shape, 3)).astype(np.float32),
            f"{head}/labels": np.array(longest, np.int32),
            f"{head}/outputs": np.array([longest[:outputs]] * 3, np.int32),
            f"{head}/partition/reference": generator.normal(size=(3, *shape, outputs)),
        },
    )
    ((_, figure),) = shap_plots.draw(path)
    figure.draw_without_rendering()
    (axis,) = figure.axes
    texts = [text.get_window_extent() for text in axis.texts]
    assert len(texts) == 3 * (1 + outputs)
    assert not any(one.overlaps(other) for one, other in combinations(texts, 2))
    (drawn,) = axis.images
    pixels = np.asarray(drawn.get_array())
    to_pixel = axis.transData.inverted()
    for box in texts:
        (left, foot), (right, head_) = to_pixel.transform(box)
        rows, columns = slice(max(round(head_), 0), round(foot)), slice(max(round(left), 0), None)
        assert (pixels[rows, columns][:, : round(right - left)] == 1).all(), "upon white alone"
