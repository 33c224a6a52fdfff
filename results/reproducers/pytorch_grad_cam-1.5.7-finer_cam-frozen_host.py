"""pytorch_grad_cam 1.5.7 finer_cam: frozen host, probe rational. Exit status 1: it differs."""
import torch
from torch import nn
try:
    import torchvision
except RuntimeError:  # its binary does not fit this PyTorch, of which nothing is needed here
    for name in ("nms", "qnms"):
        torch.library.define(f"torchvision::{name}", "(Tensor a, Tensor b, float c) -> Tensor")
from pytorch_grad_cam import FinerCAM, GradCAM

model = nn.Sequential(nn.Conv2d(1, 2, kernel_size=(2, 2), stride=(1, 1)), nn.ReLU(), nn.Flatten(start_dim=1, end_dim=-1), nn.Linear(in_features=12, out_features=4, bias=True)).eval()
values = [[2, 3, 3, 3, 3, 0, 3, -3], [0, 1], [-2, -2, -3, 1, -1, 0, 1, -3, 3, 0, -3, -1, -1, 0, 2, 3, 3, 0, -2, 0, -1, 1, -3, 3, 1, -1, 3, 1, -2, 2, 1, 3, 2, -1, 0, 3, 2, 3, 3, -2, 1, 0, 3, 0, 3, 1, 0, -1], [-2, -2, -2, 0]]
for tensor, value in zip(model.state_dict().values(), values):
    tensor.copy_(torch.tensor(value).reshape(tensor.shape))
layer = model[1]
images = torch.tensor([3, 4, 0, 4, 2, 2, 3, 1, 4, 0, 1, 1], dtype=torch.float32)
images = images.reshape(1, 1, 4, 3)
model.requires_grad_(False)
targets = [2]
found = [FinerCAM(model, [layer], base_method=GradCAM)(images[n : n + 1], target_idx=k)[0] for n, k in enumerate(targets)]
found = torch.as_tensor(found).detach().numpy()
print("expected a map of each image, found", found.shape)
