"""captum 0.9.0 integrated_gradients: float64 host, probe rational. Exit status 1: it differs."""
import torch
from torch import nn
from captum.attr import IntegratedGradients

model = nn.Sequential(nn.Conv2d(1, 2, kernel_size=(2, 2), stride=(1, 1)), nn.ReLU(), nn.Flatten(start_dim=1, end_dim=-1), nn.Linear(in_features=12, out_features=4, bias=True)).eval()
values = [[2, 3, 3, 3, 3, 0, 3, -3], [0, 1], [-2, -2, -3, 1, -1, 0, 1, -3, 3, 0, -3, -1, -1, 0, 2, 3, 3, 0, -2, 0, -1, 1, -3, 3, 1, -1, 3, 1, -2, 2, 1, 3, 2, -1, 0, 3, 2, 3, 3, -2, 1, 0, 3, 0, 3, 1, 0, -1], [-2, -2, -2, 0]]
for tensor, value in zip(model.state_dict().values(), values):
    tensor.copy_(torch.tensor(value).reshape(tensor.shape))
layer = model[1]
images = torch.tensor([3, 3, 3, 0, 4, 2, 4, 1, 1, 4, 0, 0], dtype=torch.float32)
images = images.reshape(1, 1, 4, 3)
model, images = model.double(), images.double()
targets = [1]
found = IntegratedGradients(model).attribute(images.requires_grad_(), target=torch.tensor(targets)).sum(1)
found = torch.as_tensor(found).detach().numpy()
expected = [-12.245175481088568, -9.0000000000000018, 0, 0, 56.326900641451424, 17.999999999999996, 0, 38.999999999999986, 6.0000000000000009, 0, 0, 0]
apart = abs(found.ravel() - expected).max()
print("expected", expected, "\nfound", found.ravel().tolist())
print("largest difference", apart)
raise SystemExit(bool(not apart <= 1e-09 * max(map(abs, expected))))
