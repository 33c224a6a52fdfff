"""GuidedBackpropReLUModel leaves one new nn.ReLU in the place of all: flags and hooks are lost.

In the library's issues: none found; of a copy of it,
alimirzazadeh/SemisupervisedAttention#23, "Error when Target Layer is Relu".
"""

import torch
from pytorch_grad_cam import GuidedBackpropReLUModel

model = torch.nn.Sequential(
    torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(inplace=True), torch.nn.Conv2d(4, 4, 3),
    torch.nn.ReLU(inplace=True), torch.nn.Flatten(), torch.nn.Linear(16, 2),
)  # fmt: skip
calls = []
model[1].register_forward_hook(lambda *given: calls.append(1))
GuidedBackpropReLUModel(model)(torch.rand(1, 3, 6, 6), 1)
model(torch.rand(1, 3, 6, 6))
print("expected: two ReLUs, in place, the hook called once: (False, True, 1)")
print(f"found: {(model[1] is model[3], model[1].inplace, len(calls))}")
