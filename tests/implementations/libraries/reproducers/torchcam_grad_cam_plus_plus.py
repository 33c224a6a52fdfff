"""GradCAMpp divides its alphas in a copy that is dropped: a weight is the sum of cubes.

In the library's issues: none found.
"""

import torch
from torchcam.methods import GradCAMpp

torch.manual_seed(0)
model = torch.nn.Sequential(
    torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(64, 2)
)
image = torch.rand(1, 3, 6, 6, requires_grad=True)
with GradCAMpp(model, model[1]) as explainer:
    (found,) = explainer(1, model(image), normalized=False)
    a, g = explainer.hook_a[0], explainer.hook_g[0]
total = a.sum((2, 3), keepdim=True)
alpha = torch.where(g != 0, g**2 / (2 * g**2 + total * g**3), 0.0)
weights = (alpha * g.relu()).sum((2, 3), keepdim=True)
expected = (weights * a).sum(1).relu()
print(f"expected: the peak of equation 19, {expected.max():.6f}")
print(f"found: {found.max():.6f}")
