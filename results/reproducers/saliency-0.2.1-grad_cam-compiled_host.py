"""saliency 0.2.1 grad_cam: compiled host, probe rational. Exit status 1: it differs."""
import torch
from torch import nn
import saliency.core as saliency

model = nn.Sequential(nn.Conv2d(1, 2, kernel_size=(2, 2), stride=(1, 1)), nn.ReLU(), nn.Flatten(start_dim=1, end_dim=-1), nn.Linear(in_features=12, out_features=4, bias=True)).eval()
values = [[2, 3, 3, 3, 3, 0, 3, -3], [0, 1], [-2, -2, -3, 1, -1, 0, 1, -3, 3, 0, -3, -1, -1, 0, 2, 3, 3, 0, -2, 0, -1, 1, -3, 3, 1, -1, 3, 1, -2, 2, 1, 3, 2, -1, 0, 3, 2, 3, 3, -2, 1, 0, 3, 0, 3, 1, 0, -1], [-2, -2, -2, 0]]
for tensor, value in zip(model.state_dict().values(), values):
    tensor.copy_(torch.tensor(value).reshape(tensor.shape))
layer = model[1]
images = torch.tensor([3, 4, 0, 4, 2, 2, 3, 1, 4, 0, 1, 1], dtype=torch.float32)
images = images.reshape(1, 1, 4, 3)
model = torch.compile(model, backend="aot_eager"); model(images)
targets = [2]
def call(x, call_model_args, expected_keys):  # as its notebook for PyTorch has it
    x = torch.tensor(x, dtype=images.dtype).movedim(3, 1).requires_grad_()
    read = [x]
    with layer.register_forward_hook(lambda *given: read.append(given[2])), torch.enable_grad():
        score = model(x)[:, call_model_args]
    read = read[-1] if "CONVOLUTION" in expected_keys[0] else x
    slopes = torch.autograd.grad(score.sum(), read)[0].movedim(1, 3)
    values = score if "OUTPUT" in expected_keys[0] else read.movedim(1, 3)
    found = {key: slopes if "GRADIENTS" in key else values for key in expected_keys}
    return {key: value.detach().numpy() for key, value in found.items()}
found = [saliency.GradCam().GetMask(image, call, target)[..., 0] for image, target in zip(images.detach().movedim(1, 3).numpy(), targets)]
found = torch.as_tensor(found).detach().numpy()
print("expected a map of each image, found", found.shape)
