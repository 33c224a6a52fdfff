"""pytorch_grad_cam 1.5.7 fem: float64 host, probe small. Exit status 1: it differs."""
import torch
from torch import nn
try:
    import torchvision
except RuntimeError:  # its binary does not fit this PyTorch, of which nothing is needed here
    for name in ("nms", "qnms"):
        torch.library.define(f"torchvision::{name}", "(Tensor a, Tensor b, float c) -> Tensor")
from pytorch_grad_cam import FEM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

model = nn.Sequential(nn.Conv2d(1, 2, kernel_size=(2, 2), stride=(1, 1)), nn.ReLU(), nn.Conv2d(2, 2, kernel_size=(2, 2), stride=(1, 1)), nn.ReLU(), nn.Flatten(start_dim=1, end_dim=-1), nn.Linear(in_features=12, out_features=4, bias=True)).eval()
values = [[3, 2, -3, 3, 3, 2, 2, -2], [-2, -3], [2, 2, -3, 0, 1, 2, 2, 3, 3, -3, 3, 2, 1, 3, -1, -3], [1, 0], [-1, 3, -1, 1, 1, -2, 3, -1, -1, 1, 0, -3, 2, 2, 3, -3, -2, 0, 0, -2, 2, 3, 2, 2, 1, 0, -1, 3, -3, -3, 2, -2, -1, -2, 3, 3, -1, 0, 0, 1, 0, -3, -3, 2, 3, -3, 0, -1], [-3, -3, -3, 3]]
for tensor, value in zip(model.state_dict().values(), values):
    tensor.copy_(torch.tensor(value).reshape(tensor.shape))
layer = model[3]
images = torch.tensor([1, 5, 2, 2, 3, 3, 7, 7, 2, 4, 6, 4, 5, 8, 2, 2, 6, 8, 3, 3], dtype=torch.float32)
images = images.reshape(1, 1, 5, 4)
model, images = model.double(), images.double()
targets = [1]
found = FEM(model, [layer])(images, [ClassifierOutputTarget(each) for each in targets])
found = torch.as_tensor(found).detach().numpy()
expected = [0, 0.050970868689320804, 0.15291260606796264, 0.20388347475728355, 0.12621357961165169, 0.22524269592233226, 0.42330092854369344, 0.52233004485437406, 0.31553394902912929, 0.48665043677184933, 0.82888341225728968, 0.9999999000000096, 0.28932035941747858, 0.37524268092233376, 0.54708732393204418, 0.63300964543689919, 0.27184463300971129, 0.30097084368932325, 0.35922326504854712, 0.38834947572815898]
apart = abs(found.ravel() - expected).max()
print("expected", expected, "\nfound", found.ravel().tolist())
print("largest difference", apart)
raise SystemExit(bool(not apart <= 1e-09 * max(map(abs, expected))))
