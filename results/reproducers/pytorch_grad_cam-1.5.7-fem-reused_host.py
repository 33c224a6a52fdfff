"""pytorch_grad_cam 1.5.7 fem: reused host, probe small. Exit status 1: it differs."""
import torch
from torch import nn
try:
    import torchvision
except RuntimeError:  # its binary does not fit this PyTorch, of which nothing is needed here
    for name in ("nms", "qnms"):
        torch.library.define(f"torchvision::{name}", "(Tensor a, Tensor b, float c) -> Tensor")
from pytorch_grad_cam import FEM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

relu = nn.ReLU()
model = nn.Sequential(nn.Conv2d(1, 2, kernel_size=(2, 2), stride=(1, 1)), relu, nn.Conv2d(2, 2, kernel_size=(2, 2), stride=(1, 1)), relu, nn.Flatten(start_dim=1, end_dim=-1), nn.Linear(in_features=12, out_features=4, bias=True)).eval()
values = [[3, 2, -3, 3, 3, 2, 2, -2], [-2, -3], [2, 2, -3, 0, 1, 2, 2, 3, 3, -3, 3, 2, 1, 3, -1, -3], [1, 0], [-1, 3, -1, 1, 1, -2, 3, -1, -1, 1, 0, -3, 2, 2, 3, -3, -2, 0, 0, -2, 2, 3, 2, 2, 1, 0, -1, 3, -3, -3, 2, -2, -1, -2, 3, 3, -1, 0, 0, 1, 0, -3, -3, 2, 3, -3, 0, -1], [-3, -3, -3, 3]]
for tensor, value in zip(model.state_dict().values(), values):
    tensor.copy_(torch.tensor(value).reshape(tensor.shape))
layer = model[3]
images = torch.tensor([1, 5, 2, 2, 3, 3, 7, 7, 2, 4, 6, 4, 5, 8, 2, 2, 6, 8, 3, 3], dtype=torch.float32)
images = images.reshape(1, 1, 5, 4)
targets = [1]
found = FEM(model, [layer])(images, [ClassifierOutputTarget(each) for each in targets])
found = torch.as_tensor(found).detach().numpy()
expected = [0, 0.0509708687, 0.152912606, 0.203883475, 0.12621358, 0.225242696, 0.423300929, 0.522330045, 0.315533949, 0.486650437, 0.828883412, 0.9999999, 0.289320359, 0.375242681, 0.547087324, 0.633009645, 0.271844633, 0.300970844, 0.359223265, 0.388349476]
apart = abs(found.ravel() - expected).max()
print("expected", expected, "\nfound", found.ravel().tolist())
print("largest difference", apart)
raise SystemExit(bool(not apart <= 1e-05 * max(map(abs, expected))))
