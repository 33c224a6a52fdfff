"""pytorch_grad_cam 1.5.7 finer_cam: reused host, probe small. Exit status 1: it differs."""
import torch
from torch import nn
try:
    import torchvision
except RuntimeError:  # its binary does not fit this PyTorch, of which nothing is needed here
    for name in ("nms", "qnms"):
        torch.library.define(f"torchvision::{name}", "(Tensor a, Tensor b, float c) -> Tensor")
from pytorch_grad_cam import FinerCAM, GradCAM

relu = nn.ReLU()
model = nn.Sequential(nn.Conv2d(1, 2, kernel_size=(2, 2), stride=(1, 1)), relu, nn.Conv2d(2, 2, kernel_size=(2, 2), stride=(1, 1)), relu, nn.Flatten(start_dim=1, end_dim=-1), nn.Linear(in_features=12, out_features=4, bias=True)).eval()
values = [[3, 2, -3, 3, 3, 2, 2, -2], [-2, -3], [2, 2, -3, 0, 1, 2, 2, 3, 3, -3, 3, 2, 1, 3, -1, -3], [1, 0], [-1, 3, -1, 1, 1, -2, 3, -1, -1, 1, 0, -3, 2, 2, 3, -3, -2, 0, 0, -2, 2, 3, 2, 2, 1, 0, -1, 3, -3, -3, 2, -2, -1, -2, 3, 3, -1, 0, 0, 1, 0, -3, -3, 2, 3, -3, 0, -1], [-3, -3, -3, 3]]
for tensor, value in zip(model.state_dict().values(), values):
    tensor.copy_(torch.tensor(value).reshape(tensor.shape))
layer = model[3]
images = torch.tensor([1, 5, 2, 2, 3, 3, 7, 7, 2, 4, 6, 4, 5, 8, 2, 2, 6, 8, 3, 3], dtype=torch.float32)
images = images.reshape(1, 1, 5, 4)
targets = [1]
found = [FinerCAM(model, [layer], base_method=GradCAM)(images[n : n + 1], target_idx=k)[0] for n, k in enumerate(targets)]
found = torch.as_tensor(found).detach().numpy()
expected = [0.176954731, 0.29753086, 0.538683116, 0.65925926, 0.10617283, 0.244115219, 0.519999981, 0.657942355, 0, 0.163991764, 0.491975278, 0.655967057, 0.599999964, 0.552016377, 0.456049323, 0.408065766, 0.999999881, 0.810699463, 0.432098687, 0.242798313]
apart = abs(found.ravel() - expected).max()
print("expected", expected, "\nfound", found.ravel().tolist())
print("largest difference", apart)
raise SystemExit(bool(not apart <= 1e-05 * max(map(abs, expected))))
