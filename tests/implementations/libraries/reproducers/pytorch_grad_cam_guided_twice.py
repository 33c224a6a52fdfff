"""GuidedBackpropReLUModel reads .grad of the caller's tensor, which adds up over calls.

In the library's issues: jacobgil/pytorch-grad-cam#401,
"Unexpected behavior of repeated guided_backprop", open.
"""

import torch
from pytorch_grad_cam import GuidedBackpropReLUModel

torch.manual_seed(0)
model = torch.nn.Sequential(
    torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(64, 2)
)
image = torch.rand(1, 3, 6, 6)
explainer = GuidedBackpropReLUModel(model)
first = explainer(image, 1).copy()
second = explainer(image, 1).copy()
print("expected: the second call gives what the first gave, a factor of 1")
print(f"found: {abs(second).max() / abs(first).max():.3f}")
