"""pytorch_grad_cam 1.5.7 random_cam: reused host, probe small. Exit status 1: it differs."""
import torch
from torch import nn
try:
    import torchvision
except RuntimeError:  # its binary does not fit this PyTorch, of which nothing is needed here
    for name in ("nms", "qnms"):
        torch.library.define(f"torchvision::{name}", "(Tensor a, Tensor b, float c) -> Tensor")
from pytorch_grad_cam import RandomCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
import numpy

relu = nn.ReLU()
model = nn.Sequential(nn.Conv2d(1, 2, kernel_size=(2, 2), stride=(1, 1)), relu, nn.Conv2d(2, 2, kernel_size=(2, 2), stride=(1, 1)), relu, nn.Flatten(start_dim=1, end_dim=-1), nn.Linear(in_features=12, out_features=4, bias=True)).eval()
values = [[3, 2, -3, 3, 3, 2, 2, -2], [-2, -3], [2, 2, -3, 0, 1, 2, 2, 3, 3, -3, 3, 2, 1, 3, -1, -3], [1, 0], [-1, 3, -1, 1, 1, -2, 3, -1, -1, 1, 0, -3, 2, 2, 3, -3, -2, 0, 0, -2, 2, 3, 2, 2, 1, 0, -1, 3, -3, -3, 2, -2, -1, -2, 3, 3, -1, 0, 0, 1, 0, -3, -3, 2, 3, -3, 0, -1], [-3, -3, -3, 3]]
for tensor, value in zip(model.state_dict().values(), values):
    tensor.copy_(torch.tensor(value).reshape(tensor.shape))
layer = model[3]
images = torch.tensor([4, 4, 4, 3, 8, 3, 5, 3, 4, 8, 1, 5, 3, 6, 6, 2, 6, 6, 4, 1], dtype=torch.float32)
images = images.reshape(1, 1, 5, 4)
targets = [2]
numpy.random.seed(0)
found = RandomCAM(model, [layer])(images, [ClassifierOutputTarget(each) for each in targets])
found = torch.as_tensor(found).detach().numpy()
expected = [0.0278782416, 0.129399061, 0.332440734, 0.43396154, 0.416726887, 0.377639383, 0.299464434, 0.26037693, 0.999999881, 0.74999994, 0.24999997, 0, 0.675307631, 0.576579571, 0.37912342, 0.280395389, 0.458846182, 0.460966051, 0.465205729, 0.467325598]
apart = abs(found.ravel() - expected).max()
print("expected", expected, "\nfound", found.ravel().tolist())
print("largest difference", apart)
raise SystemExit(bool(not apart <= 1e-05 * max(map(abs, expected))))
