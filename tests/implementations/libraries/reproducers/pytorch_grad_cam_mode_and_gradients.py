"""GradCAM leaves a model in evaluation mode, and its own gradients in the weights' .grad.

In the library's issues: jacobgil/pytorch-grad-cam#488,
"How to extract cam during training without creating issues to the bakpropagation", open.
"""

import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

torch.manual_seed(0)
model = torch.nn.Sequential(
    torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(64, 2)
).train()
for weight in model.parameters():
    weight.grad = torch.ones_like(weight)
with GradCAM(model, [model[1]]) as explainer:
    explainer(torch.rand(1, 3, 6, 6), [ClassifierOutputTarget(1)])
kept = all((weight.grad == 1).all() for weight in model.parameters())
print("expected: training, gradients kept: (True, True)")
print(f"found: {(model.training, kept)}")
