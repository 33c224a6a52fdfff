"""captum 0.9.0 deep_lift: reused host, probe small. Exit status 1: it differs."""
import torch
from torch import nn
from captum.attr import DeepLift

relu = nn.ReLU()
model = nn.Sequential(nn.Conv2d(1, 2, kernel_size=(2, 2), stride=(1, 1)), relu, nn.Conv2d(2, 2, kernel_size=(2, 2), stride=(1, 1)), relu, nn.Flatten(start_dim=1, end_dim=-1), nn.Linear(in_features=12, out_features=4, bias=True)).eval()
values = [[3, 2, -3, 3, 3, 2, 2, -2], [-2, -3], [2, 2, -3, 0, 1, 2, 2, 3, 3, -3, 3, 2, 1, 3, -1, -3], [1, 0], [-1, 3, -1, 1, 1, -2, 3, -1, -1, 1, 0, -3, 2, 2, 3, -3, -2, 0, 0, -2, 2, 3, 2, 2, 1, 0, -1, 3, -3, -3, 2, -2, -1, -2, 3, 3, -1, 0, 0, 1, 0, -3, -3, 2, 3, -3, 0, -1], [-3, -3, -3, 3]]
for tensor, value in zip(model.state_dict().values(), values):
    tensor.copy_(torch.tensor(value).reshape(tensor.shape))
layer = model[3]
images = torch.tensor([4, 4, 4, 3, 8, 3, 5, 3, 4, 8, 1, 5, 3, 6, 6, 2, 6, 6, 4, 1], dtype=torch.float32)
images = images.reshape(1, 1, 5, 4)
targets = [2]
found = DeepLift(model).attribute(images.requires_grad_(), target=torch.tensor(targets)).sum(1)
found = torch.as_tensor(found).detach().numpy()
print("expected a map of each image, found", found.shape)
