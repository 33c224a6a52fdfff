"""captum 0.9.0 deconvolution: functional host, probe rational, layer before the ReLU. Exit status 1: it differs."""
import torch
from torch import nn
from captum.attr import Deconvolution

class Function(nn.Module):
    def forward(self, x):
        return torch.relu(x)
model = nn.Sequential(nn.Conv2d(1, 2, kernel_size=(2, 2), stride=(1, 1)), Function(), nn.Flatten(start_dim=1, end_dim=-1), nn.Linear(in_features=12, out_features=4, bias=True)).eval()
values = [[2, 3, 3, 3, 3, 0, 3, -3], [0, 1], [-2, -2, -3, 1, -1, 0, 1, -3, 3, 0, -3, -1, -1, 0, 2, 3, 3, 0, -2, 0, -1, 1, -3, 3, 1, -1, 3, 1, -2, 2, 1, 3, 2, -1, 0, 3, 2, 3, 3, -2, 1, 0, 3, 0, 3, 1, 0, -1], [-2, -2, -2, 0]]
for tensor, value in zip(model.state_dict().values(), values):
    tensor.copy_(torch.tensor(value).reshape(tensor.shape))
layer = model[0]
images = torch.tensor([3, 4, 0, 4, 2, 2, 3, 1, 4, 0, 1, 1], dtype=torch.float32)
images = images.reshape(1, 1, 4, 3)
targets = [2]
found = Deconvolution(model).attribute(images.requires_grad_(), target=torch.tensor(targets)).abs().amax(1)
found = torch.as_tensor(found).detach().numpy()
expected = [5, 12, 0, 18, 20, 6, 15, 19, 9, 0, 15, 3]
apart = abs(found.ravel() - expected).max()
print("expected", expected, "\nfound", found.ravel().tolist())
print("largest difference", apart)
raise SystemExit(bool(not apart <= 1e-05 * max(map(abs, expected))))
