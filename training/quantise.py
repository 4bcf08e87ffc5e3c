"""Step "quantise": the trained network as int8 ONNX (QDQ), with head.bin.

Weights are symmetric int8 per output channel, activations uint8 per tensor with zero point 0 (they
come out of ReLU; the picture is in [0,1]), their scales from the values that calibration films
(none held back) reach. Kernels are rounded so that their outputs change least, not their weights. Everything up to the
feature map is whole numbers, so two engines agree exactly. Parts of one concatenation share one scale;
pools keep the scale of their input. `featureMap` is float again, the head is float32.

    python3 quantise.py [CHECKPOINT] [--out DIR] [--films 160]
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from architecture import inception_v3
from dataset import Dataset
from export import Graph, pool_features, write_head
from network import InceptionV3, use_all_cores
from paths import MODEL, work_folder

SEED = 3
# The picture is in [0,1].
IMAGE_SCALE = 1 / 255
CALIBRATION_FILMS = 160
# Films that the kernels are rounded by.
ROUNDING_FILMS = 64
DAMPING = 0.01
COLUMNS = 128
# Few activations of a film lie above; they are cut off, and all others are rounded less coarsely.
RANGE_QUANTILE = 0.9999


class _RangeOps:
    """Interpreter that runs the network and remembers the range of every tensor.

    A tensor is a pair (values, group). Convolutions open a group, pools keep it, concatenations
    join those of their parts (union-find over `parent`); a group has one scale. `largest` has the
    values that a film's activations reach at RANGE_QUANTILE.
    """

    def __init__(self, network):
        self.network = network
        self.largest = []
        self.parent = []
        self.next = 0

    def begin(self, block):
        pass

    def root(self, group):
        while self.parent[group] != group:
            group = self.parent[group]
        return group

    def conv(self, x, outputs, kernel, stride, padding):
        i = self.next
        self.next += 1
        values = torch.nn.functional.conv2d(
            x[0], self.network.weights[i], self.network.biases[i], stride, padding
        ).relu_()
        self.parent.append(i)
        kept = max(1, round((1 - RANGE_QUANTILE) * values[0].numel()))
        self.largest.append(values.flatten(1).topk(kept, dim=1).values[:, -1].max().item())
        return values, i

    def max_pool(self, x):
        return torch.nn.functional.max_pool2d(x[0], 3, 2), x[1]

    def average_pool(self, x):
        pooled = torch.nn.functional.avg_pool2d(x[0], 3, 1, 1, count_include_pad=False)
        return pooled, x[1]

    def concat(self, parts):
        groups = sorted({self.root(group) for _, group in parts})
        for group in groups[1:]:
            self.parent[group] = groups[0]
        return torch.cat([values for values, _ in parts], dim=1), groups[0]


def activation_scales(network, images):
    """Scale of the output of each of the 94 convolutions, from images [N,1,299,299]."""
    largest = np.zeros(94)
    with torch.no_grad():
        for batch in images.split(8):
            ops = _RangeOps(network)
            inception_v3(ops, (batch.to(memory_format=torch.channels_last), None))
            largest = np.maximum(largest, ops.largest)
    roots = [ops.root(i) for i in range(94)]
    shared = [max(largest[j] for j in range(94) if roots[j] == roots[i]) for i in range(94)]
    return np.array(shared) / 255


def weight_scales(weight):
    """Scale of each output channel [outputs,1,1,1] that brings its largest weight to 127."""
    return (weight.abs().amax(dim=(1, 2, 3), keepdim=True) / 127).clamp(min=1e-12)


class _RoundingOps:
    """Interpreter that rounds the network's kernels one after the other, each as its inputs ask for.

    A tensor is (values of the rounded network so far, their scale). `kernels` gets the levels (int8) and
    scales of every convolution.
    """

    def __init__(self, network, scales):
        self.network = network
        self.scales = scales
        self.kernels = []

    def begin(self, block):
        pass

    def conv(self, x, outputs, kernel, stride, padding):
        i = len(self.kernels)
        weight, bias = self.network.weights[i], self.network.biases[i]
        levels, scale = rounded_kernel(weight, products_of(x[0], kernel, stride, padding))
        self.kernels.append((levels.to(torch.int8).numpy(), scale.ravel().numpy()))
        values = torch.nn.functional.conv2d(x[0], levels * scale, bias, stride, padding)
        return to_levels(values.relu_(), self.scales[i]), self.scales[i]

    def max_pool(self, x):
        return torch.nn.functional.max_pool2d(x[0], 3, 2), x[1]

    def average_pool(self, x):
        pooled = torch.nn.functional.avg_pool2d(x[0], 3, 1, 1, count_include_pad=False)
        return to_levels(pooled, x[1]), x[1]

    def concat(self, parts):
        return torch.cat([values for values, _ in parts], dim=1), parts[0][1]


def to_levels(values, scale):
    """Values as uint8 at this scale would hold them."""
    return (values / scale).round().clamp(0, 255) * scale


def products_of(values, kernel, stride, padding):
    """Sum over places of the products of all pairs of a kernel's inputs, [I*h*w, I*h*w]."""
    total = 0
    for picture in values.split(1):
        seen = torch.nn.functional.unfold(picture, kernel, padding=padding, stride=stride)[0]
        total = total + seen @ seen.T
    return total


def rounded_kernel(weight, products):
    """Levels and scales [O,1,1,1] of a kernel: what rounding one weight does to the output is made good
    by the weights after it (GPTQ, Frantar et al. 2022).

    A weight that training moved by less than half a level would else go back to where it was.
    """
    scale = weight_scales(weight)
    step, left = scale.reshape(-1, 1), weight.reshape(len(weight), -1).clone()
    damped = products.double()
    damped.diagonal().add_(DAMPING * damped.diagonal().mean() + 1e-9)
    inverse = torch.linalg.cholesky(torch.cholesky_inverse(torch.linalg.cholesky(damped)), upper=True)
    inverse = inverse.float()
    levels = torch.zeros_like(left)
    for start in range(0, left.shape[1], COLUMNS):
        end = min(start + COLUMNS, left.shape[1])
        errors = torch.zeros(len(left), end - start)
        for j in range(start, end):
            levels[:, j] = (left[:, j] / step[:, 0]).round().clamp(-127, 127)
            error = (left[:, j] - levels[:, j] * step[:, 0]) / inverse[j, j]
            left[:, j:end] -= error[:, None] * inverse[j, j:end]
            errors[:, j - start] = error
        left[:, end:] -= errors @ inverse[start:end, end:]
    return levels.reshape(weight.shape), scale


def rounded_kernels(network, scales, images):
    """Levels and scales of the 94 kernels, from images [N,1,299,299]."""
    ops = _RoundingOps(network, [float(scale) for scale in scales])
    with torch.no_grad():
        inception_v3(ops, (to_levels(images, IMAGE_SCALE), IMAGE_SCALE))
    return ops.kernels


class _Int8Ops:
    """Interpreter that writes QDQ nodes. A tensor is (name of the float value, its scale)."""

    def __init__(self, graph, kernels, state, scales):
        self.graph = graph
        self.kernels = kernels
        self.state = state
        self.scales = scales
        self.next = 0
        self.pools = 0
        self.block = ""

    def begin(self, block):
        self.block = block

    def _requantised(self, name, scale):
        """QuantizeLinear then DequantizeLinear at `scale`, zero point 0."""
        parameters = [
            self.graph.constant(f"{name}.scale", np.float32(scale)),
            self.graph.constant(f"{name}.zero", np.uint8(0)),
        ]
        self.graph.add("QuantizeLinear", [name, *parameters], f"{name}.q")
        return self.graph.add("DequantizeLinear", [f"{name}.q", *parameters], f"{name}.dq")

    def conv(self, x, outputs, kernel, stride, padding):
        i = self.next
        self.next += 1
        bias = self.state[f"biases.{i}"].numpy()
        source, source_scale = x
        inputs = [source, *self._int8_parameters(i, bias, source_scale)]
        self.graph.add(
            "Conv", inputs, f"conv{i}", kernel_shape=kernel, strides=stride, pads=[*padding, *padding]
        )
        self.graph.add("Relu", [f"conv{i}"], f"relu{i}")
        scale = self.scales[i]
        return self._requantised(f"relu{i}", scale), scale

    def _int8_parameters(self, i, bias, source_scale):
        levels, scale = self.kernels[i]
        zero = np.zeros(len(scale), np.int8)
        bias_scale = (scale * np.float32(source_scale)).astype(np.float32)
        bias_levels = np.rint(bias / bias_scale).clip(-(2**31) + 1, 2**31 - 1).astype(np.int32)
        names = []
        for name, array, step, zeros in (
            (f"conv{i}.weight", levels, scale, zero),
            (f"conv{i}.bias", bias_levels, bias_scale, np.zeros(len(scale), np.int32)),
        ):
            inputs = [
                self.graph.constant(f"{name}.levels", array),
                self.graph.constant(f"{name}.scale", step),
                self.graph.constant(f"{name}.zero", zeros),
            ]
            names.append(self.graph.add("DequantizeLinear", inputs, name, axis=0))
        return names

    def _pool(self, kind, x, **attributes):
        self.pools += 1
        name = self.graph.add(kind, [x[0]], f"pool{self.pools}", kernel_shape=[3, 3], **attributes)
        return self._requantised(name, x[1]), x[1]

    def max_pool(self, x):
        return self._pool("MaxPool", x, strides=[2, 2])

    def average_pool(self, x):
        return self._pool("AveragePool", x, strides=[1, 1], pads=[1] * 4, count_include_pad=0)

    def concat(self, parts):
        if self.block == "mixed10":
            return self.graph.add("Concat", [name for name, _ in parts], "featureMap", axis=1)
        name = self.graph.add("Concat", [name for name, _ in parts], self.block, axis=1)
        return self._requantised(name, parts[0][1]), parts[0][1]


def export_int8(kernels, state, scales, path):
    graph = Graph()
    ops = _Int8Ops(graph, kernels, state, scales)
    pool_features(graph, inception_v3(ops, (ops._requantised("image", IMAGE_SCALE), IMAGE_SCALE)))
    graph.save(path, "Inception V3 fine-tuned on chest films, int8 (QDQ)")


def quantise(checkpoint, out, count=CALIBRATION_FILMS):
    """Writes backbone.onnx and head.bin of a checkpoint into the folder `out`."""
    state = torch.load(checkpoint)["state"]
    network = InceptionV3().eval().to(memory_format=torch.channels_last)
    network.load_state_dict(state)
    dataset = Dataset()
    allowed = np.flatnonzero(dataset.parts != "held-back")
    chosen = np.random.default_rng(SEED).choice(allowed, min(count, len(allowed)), replace=False)
    images = torch.from_numpy(np.stack([dataset.view(film).tensor for film in chosen]))[:, None]
    out.mkdir(parents=True, exist_ok=True)
    scales = activation_scales(network, images)
    kernels = rounded_kernels(network, scales, images[:ROUNDING_FILMS])
    export_int8(kernels, state, scales, out / "backbone.onnx")
    write_head(state, out / "head.bin")
    print(f"{out / 'backbone.onnx'}: {(out / 'backbone.onnx').stat().st_size / 1e6:.1f} MB")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("checkpoint", type=Path, nargs="?", default=work_folder() / "final.pt")
    parser.add_argument("--out", type=Path, default=MODEL)
    parser.add_argument("--films", type=int, default=CALIBRATION_FILMS)
    options = parser.parse_args()
    use_all_cores()
    quantise(options.checkpoint, options.out, options.films)


if __name__ == "__main__":
    main()
