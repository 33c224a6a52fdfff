"""ShapleyCAM used by `with` at a layer that flattening reads raises: it detaches a view in place.

In the library's issues: none found; pytorch/pytorch#25814,
"RuntimeError: Can't detach views in-place. Use detach() instead", has what that is.
"""

import torch
from pytorch_grad_cam import ShapleyCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

model = torch.nn.Sequential(
    torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(64, 2)
)
found = "no error"
try:
    with ShapleyCAM(model, [model[1]]) as explainer:
        explainer(torch.rand(1, 3, 6, 6), [ClassifierOutputTarget(1)])
except RuntimeError as error:
    found = str(error)
print("expected: no error")
print(f"found: {found}")
