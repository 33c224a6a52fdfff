"""pytorch_grad_cam 1.5.7 grad_cam: reused host, probe small. Exit status 1: it differs."""
import torch
from torch import nn
try:
    import torchvision
except RuntimeError:  # its binary does not fit this PyTorch, of which nothing is needed here
    for name in ("nms", "qnms"):
        torch.library.define(f"torchvision::{name}", "(Tensor a, Tensor b, float c) -> Tensor")
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

relu = nn.ReLU()
model = nn.Sequential(nn.Conv2d(1, 2, kernel_size=(2, 2), stride=(1, 1)), relu, nn.Conv2d(2, 2, kernel_size=(2, 2), stride=(1, 1)), relu, nn.Flatten(start_dim=1, end_dim=-1), nn.Linear(in_features=12, out_features=4, bias=True)).eval()
values = [[3, 2, -3, 3, 3, 2, 2, -2], [-2, -3], [2, 2, -3, 0, 1, 2, 2, 3, 3, -3, 3, 2, 1, 3, -1, -3], [1, 0], [-1, 3, -1, 1, 1, -2, 3, -1, -1, 1, 0, -3, 2, 2, 3, -3, -2, 0, 0, -2, 2, 3, 2, 2, 1, 0, -1, 3, -3, -3, 2, -2, -1, -2, 3, 3, -1, 0, 0, 1, 0, -3, -3, 2, 3, -3, 0, -1], [-3, -3, -3, 3]]
for tensor, value in zip(model.state_dict().values(), values):
    tensor.copy_(torch.tensor(value).reshape(tensor.shape))
layer = model[3]
images = torch.tensor([4, 4, 4, 3, 8, 3, 5, 3, 4, 8, 1, 5, 3, 6, 6, 2, 6, 6, 4, 1], dtype=torch.float32)
images = images.reshape(1, 1, 5, 4)
targets = [2]
found = GradCAM(model, [layer])(images, [ClassifierOutputTarget(each) for each in targets])
found = torch.as_tensor(found).detach().numpy()
expected = [0, 0, 0, 0, 0.39999996, 0.29999997, 0.09999999, 0, 0.9999999, 0.749999925, 0.249999975, 0, 0.39999996, 0.29999997, 0.09999999, 0, 0, 0, 0, 0]
apart = abs(found.ravel() - expected).max()
print("expected", expected, "\nfound", found.ravel().tolist())
print("largest difference", apart)
raise SystemExit(bool(not apart <= 1e-05 * max(map(abs, expected))))
