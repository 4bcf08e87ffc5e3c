"""The shipped network for PyTorch, in float32: weights are the int8 file's levels times their scales.

    network.py MODEL_FOLDER network.pt

writes a TorchScript file that a process loads in one call, so that the baselines pay for no conversion.
"""

import json
import os
import sys

import numpy
import onnx
import torch
from onnx import numpy_helper
from torch.nn import functional


class Network(torch.nn.Module):
    """Interprets the ONNX graph once, under torch.jit.trace, which keeps the operations alone."""

    def __init__(self, path):
        super().__init__()
        self.graph = onnx.load(path).graph
        self.constants = {each.name: numpy_helper.to_array(each) for each in self.graph.initializer}

    def forward(self, image):
        values = {self.graph.input[0].name: image}
        for node in self.graph.node:
            values[node.output[0]] = self.compute(node, values)
        return values["features"]

    def compute(self, node, values):
        attributes = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
        first = node.input[0]
        if node.op_type == "QuantizeLinear":
            return values[first]
        if node.op_type == "DequantizeLinear":
            if first not in self.constants:
                return values[first]
            levels, scale, zero = (self.constants[name] for name in node.input)
            shape = (-1,) + (1,) * (levels.ndim - 1)
            floats = (levels.astype(numpy.float32) - zero.reshape(shape)) * scale.reshape(shape)
            return torch.from_numpy(floats.astype(numpy.float32))
        inputs = [values[name] for name in node.input]
        pads = attributes.get("pads", [0, 0, 0, 0])
        stride = attributes.get("strides", [1, 1])
        if node.op_type == "Conv":
            return functional.conv2d(inputs[0], inputs[1], inputs[2], stride, (pads[0], pads[1]))
        if node.op_type == "Relu":
            return functional.relu(inputs[0])
        if node.op_type == "Concat":
            return torch.cat(inputs, attributes["axis"])
        if node.op_type == "MaxPool":
            return functional.max_pool2d(inputs[0], attributes["kernel_shape"], stride, pads[0])
        if node.op_type == "AveragePool":
            return functional.avg_pool2d(
                inputs[0], attributes["kernel_shape"], stride, pads[0], count_include_pad=False
            )
        if node.op_type == "GlobalAveragePool":
            return inputs[0].mean((2, 3), keepdim=True)
        if node.op_type == "Flatten":
            return inputs[0].flatten(1)
        raise ValueError(f"an operator that this script does not know: {node.op_type}")


class Classifier(torch.nn.Module):
    def __init__(self, network, weights, bias):
        super().__init__()
        self.network, self.weights, self.bias = network, weights, bias

    def forward(self, image):
        return torch.softmax(self.network(image) @ self.weights.T + self.bias, 1)


def main(folder, to):
    with open(os.path.join(folder, "manifest.json")) as file:
        labels = len(json.load(file)["labels"])
    head = numpy.fromfile(os.path.join(folder, "head.bin"), "<f4")
    weights = torch.from_numpy(head[:-labels].reshape(labels, -1).copy())
    bias = torch.from_numpy(head[-labels:].copy())
    classifier = Classifier(Network(os.path.join(folder, "backbone.onnx")), weights, bias).eval()
    with torch.no_grad():
        torch.jit.trace(classifier, torch.rand(1, 1, 299, 299), check_trace=False).save(to)


if __name__ == "__main__":
    main(*sys.argv[1:])
