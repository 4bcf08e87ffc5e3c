"""Inception V3 (Szegedy et al. 2016) as Keras builds it, written once for every interpreter.

`inception_v3(ops, image)` calls `ops.conv`, `ops.max_pool`, `ops.average_pool` and `ops.concat` in
the order in which Keras creates the layers, so the n-th convolution here is `conv2d_n` there. The
PyTorch network (network.py), the ONNX export (export.py) and the int8 export (quantise.py) are
three such interpreters. Every convolution is followed by ReLU; batch normalisation is folded away.
"""

from typing import NamedTuple


class Conv(NamedTuple):
    """Shape of one convolution. `kernel`, `stride` and `padding` are (vertical, horizontal)."""

    index: int
    inputs: int
    outputs: int
    kernel: tuple
    stride: tuple
    padding: tuple
    block: str


BLOCKS = ["stem"] + [f"mixed{i}" for i in range(11)]


def inception_v3(ops, image):
    """The last feature map (8 by 8 by 2048 for a 299 by 299 picture) of a grey `image`."""

    def conv(x, outputs, rows, columns, stride=1, same=True):
        padding = (rows // 2, columns // 2) if same else (0, 0)
        return ops.conv(x, outputs, (rows, columns), (stride, stride), padding)

    def pooled(x, outputs):
        return conv(ops.average_pool(x), outputs, 1, 1)

    ops.begin("stem")
    x = conv(image, 32, 3, 3, stride=2, same=False)
    x = conv(x, 32, 3, 3, same=False)
    x = conv(x, 64, 3, 3)
    x = ops.max_pool(x)
    x = conv(x, 80, 1, 1, same=False)
    x = conv(x, 192, 3, 3, same=False)
    x = ops.max_pool(x)

    for block, pool in (("mixed0", 32), ("mixed1", 64), ("mixed2", 64)):
        ops.begin(block)
        one = conv(x, 64, 1, 1)
        five = conv(conv(x, 48, 1, 1), 64, 5, 5)
        double = conv(conv(conv(x, 64, 1, 1), 96, 3, 3), 96, 3, 3)
        x = ops.concat([one, five, double, pooled(x, pool)])

    ops.begin("mixed3")
    three = conv(x, 384, 3, 3, stride=2, same=False)
    double = conv(conv(conv(x, 64, 1, 1), 96, 3, 3), 96, 3, 3, stride=2, same=False)
    x = ops.concat([three, double, ops.max_pool(x)])

    for block, width in (("mixed4", 128), ("mixed5", 160), ("mixed6", 160), ("mixed7", 192)):
        ops.begin(block)
        one = conv(x, 192, 1, 1)
        seven = conv(conv(conv(x, width, 1, 1), width, 1, 7), 192, 7, 1)
        double = conv(conv(conv(x, width, 1, 1), width, 7, 1), width, 1, 7)
        double = conv(conv(double, width, 7, 1), 192, 1, 7)
        x = ops.concat([one, seven, double, pooled(x, 192)])

    ops.begin("mixed8")
    three = conv(conv(x, 192, 1, 1), 320, 3, 3, stride=2, same=False)
    seven = conv(conv(conv(x, 192, 1, 1), 192, 1, 7), 192, 7, 1)
    seven = conv(seven, 192, 3, 3, stride=2, same=False)
    x = ops.concat([three, seven, ops.max_pool(x)])

    for block in ("mixed9", "mixed10"):
        ops.begin(block)
        one = conv(x, 320, 1, 1)
        three = conv(x, 384, 1, 1)
        three = [conv(three, 384, 1, 3), conv(three, 384, 3, 1)]
        double = conv(conv(x, 448, 1, 1), 384, 3, 3)
        double = [conv(double, 384, 1, 3), conv(double, 384, 3, 1)]
        x = ops.concat([one, *three, *double, pooled(x, 192)])

    return x


class _ShapeOps:
    """Interpreter over channel counts alone: lists the convolutions."""

    def __init__(self):
        self.convs = []
        self.block = ""

    def begin(self, block):
        self.block = block

    def conv(self, channels, outputs, kernel, stride, padding):
        index = len(self.convs)
        self.convs.append(Conv(index, channels, outputs, kernel, stride, padding, self.block))
        return outputs

    def max_pool(self, channels):
        return channels

    def average_pool(self, channels):
        return channels

    def concat(self, parts):
        return sum(parts)


def convolutions(image_channels=1):
    """The 94 convolutions in creation order."""
    ops = _ShapeOps()
    inception_v3(ops, image_channels)
    return ops.convs
