"""Inception V3 in PyTorch: grey film in, feature map and three logits out."""

import os

import torch
from torch import nn
from torch.nn import functional as F

from architecture import BLOCKS, convolutions, inception_v3

FEATURES = 2048
CLASSES = 3


def use_all_cores():
    """Debian's PyTorch starts with one thread; denormal numbers would slow it down."""
    torch.set_num_threads(int(os.environ.get("DH_THREADS", os.cpu_count())))
    torch.set_flush_denormal(True)


class InceptionV3(nn.Module):
    """Input [N,1,H,W] in [0,1] (H = W = 299 when shipped). Batch normalisation is folded."""

    def __init__(self, dropout=0.4):
        super().__init__()
        specs = convolutions()
        self.blocks = [spec.block for spec in specs]
        self.weights = nn.ParameterList(
            [nn.Parameter(torch.zeros(s.outputs, s.inputs, *s.kernel)) for s in specs]
        )
        self.biases = nn.ParameterList([nn.Parameter(torch.zeros(s.outputs)) for s in specs])
        self.head = nn.Linear(FEATURES, CLASSES)
        self.dropout = nn.Dropout(dropout)

    def feature_map(self, image):
        """The last feature map, [N,2048,8,8] for 299 by 299."""
        return inception_v3(_TorchOps(self), image)

    def features(self, image):
        """Pooled features, [N,2048]: the mean of the feature map."""
        return self.feature_map(image).float().mean(dim=(2, 3))

    def forward(self, image):
        return self.head(self.dropout(self.features(image)))

    def freeze_through(self, block):
        """Stops training of the stem and every block up to and including `block`."""
        frozen = BLOCKS[: BLOCKS.index(block) + 1]
        for name, weight, bias in zip(self.blocks, self.weights, self.biases):
            weight.requires_grad_(name not in frozen)
            bias.requires_grad_(name not in frozen)


class _TorchOps:
    def __init__(self, network):
        self.network = network
        self.next = 0

    def begin(self, block):
        pass

    def conv(self, x, outputs, kernel, stride, padding):
        weight = self.network.weights[self.next]
        bias = self.network.biases[self.next]
        self.next += 1
        return F.relu(F.conv2d(x, weight, bias, stride, padding), inplace=True)

    def max_pool(self, x):
        return F.max_pool2d(x, 3, 2)

    def average_pool(self, x):
        return F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)

    def concat(self, parts):
        return torch.cat(parts, dim=1)
