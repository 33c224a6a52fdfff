"""pytorch_grad_cam 1.5.7 grad_cam_plus_plus: float64 host, probe rational. Exit status 1: it differs."""
import torch
from torch import nn
try:
    import torchvision
except RuntimeError:  # its binary does not fit this PyTorch, of which nothing is needed here
    for name in ("nms", "qnms"):
        torch.library.define(f"torchvision::{name}", "(Tensor a, Tensor b, float c) -> Tensor")
from pytorch_grad_cam import GradCAMPlusPlus
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

model = nn.Sequential(nn.Conv2d(1, 2, kernel_size=(2, 2), stride=(1, 1)), nn.ReLU(), nn.Flatten(start_dim=1, end_dim=-1), nn.Linear(in_features=12, out_features=4, bias=True)).eval()
values = [[2, 3, 3, 3, 3, 0, 3, -3], [0, 1], [-2, -2, -3, 1, -1, 0, 1, -3, 3, 0, -3, -1, -1, 0, 2, 3, 3, 0, -2, 0, -1, 1, -3, 3, 1, -1, 3, 1, -2, 2, 1, 3, 2, -1, 0, 3, 2, 3, 3, -2, 1, 0, 3, 0, 3, 1, 0, -1], [-2, -2, -2, 0]]
for tensor, value in zip(model.state_dict().values(), values):
    tensor.copy_(torch.tensor(value).reshape(tensor.shape))
layer = model[1]
images = torch.tensor([3, 4, 0, 4, 2, 2, 3, 1, 4, 0, 1, 1], dtype=torch.float32)
images = images.reshape(1, 1, 4, 3)
model, images = model.double(), images.double()
targets = [2]
found = GradCAMPlusPlus(model, [layer])(images, [ClassifierOutputTarget(each) for each in targets])
found = torch.as_tensor(found).detach().numpy()
expected = [0.99999989651277432, 0.75396152248423387, 0.50792314845569342, 0.96005936343589959, 0.56436768293003003, 0.16867600242416006, 0.59892819144171117, 0.29946409572085564, 0, 0.036983437861605954, 0.047551956593102858, 0.058120475324599657]
apart = abs(found.ravel() - expected).max()
print("expected", expected, "\nfound", found.ravel().tolist())
print("largest difference", apart)
raise SystemExit(bool(not apart <= 1e-09 * max(map(abs, expected))))
