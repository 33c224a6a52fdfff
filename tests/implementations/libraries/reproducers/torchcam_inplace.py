"""TorchCAM's GradCAM before an in-place ReLU gives the map after it, and says nothing.

In the library's issues: frgfm/torch-cam#72, "Autograd Warning";
frgfm/torch-cam#80 made it run on in-place layers, and it is closed.
"""

import torch
from torchcam.methods import GradCAM

found = []
for inplace in (False, True):
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(inplace), torch.nn.Flatten(),
        torch.nn.Linear(64, 2),
    )  # fmt: skip
    image = torch.rand(1, 3, 6, 6, requires_grad=True)
    with GradCAM(model, model[0]) as explainer:
        found.append(explainer(1, model(image))[0].numpy())
print("expected: the same map of the convolution in place or not, 0.000 apart")
print(f"found: {abs(found[0] - found[1]).max():.3f}")
