"""GradCAM before an in-place ReLU: activations after it (on a CPU) times gradients before it.

In the library's issues: none found; the same in Captum is
meta-pytorch/captum#156, closed.
"""

import numpy as np
import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

found = []
for inplace in (False, True):
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(inplace), torch.nn.Flatten(),
        torch.nn.Linear(64, 2),
    )  # fmt: skip
    image = torch.rand(1, 3, 6, 6)
    with GradCAM(model, [model[0]]) as explainer:
        found.append(explainer(image, [ClassifierOutputTarget(1)]))
print("expected: the same map of the convolution in place or not, 0.000 apart")
print(f"found: {np.abs(found[0] - found[1]).max():.3f}")
