"""AblationCAM before a ReLU: what a channel is replaced by depends on its place in the batch.

In the library's issues: none found.
"""

import numpy as np
import torch
from pytorch_grad_cam import AblationCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.Flatten(), torch.nn.Linear(64, 2))
image, found = torch.rand(1, 3, 6, 6), []
for batch_size in (1, 32):
    with AblationCAM(model, [model[0]], batch_size=batch_size) as explainer:
        found.append(explainer(image, [ClassifierOutputTarget(1)]))
print("expected: the same map whatever the batch size, 0.000 apart")
print(f"found: {np.abs(found[0] - found[1]).max():.3f}")
