"""A CAM used by `with` swallows an IndexError of the body: an unknown class is no error.

In the library's issues: none found; the message that it prints
instead is in jacobgil/pytorch-grad-cam#238.
"""

import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

model = torch.nn.Sequential(
    torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(64, 2)
)
found = "no error"
try:
    with GradCAM(model, [model[1]]) as explainer:
        explainer(torch.rand(1, 3, 6, 6), [ClassifierOutputTarget(7)])
except IndexError:
    found = "IndexError"
print("expected: IndexError")
print(f"found: {found}")
