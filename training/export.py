"""ONNX files: lossless uint8 base, fp32 reference, localiser. (The int8 network: quantise.py)

The networks have the input `image` [N,1,299,299] and the outputs `features` [N,2048], the mean
over `featureMap` [N,2048,8,8]; the localiser has `window` [N,1,64,64] and `box` [N,4].

    python3 export.py base --out FILE            the base as npm nsfwjs has it, uint8 kernels
    python3 export.py fp32 CHECKPOINT --out FILE
    python3 export.py localiser --out FILE
"""

import argparse
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from architecture import inception_v3
from paths import work_folder

OPSET = 13
IR_VERSION = 8
NETWORK_INPUTS = {"image": ["N", 1, 299, 299]}
NETWORK_OUTPUTS = {"features": ["N", 2048], "featureMap": ["N", 2048, 8, 8]}


class Graph:
    """Nodes and initialisers of an ONNX graph under construction."""

    def __init__(self):
        self.nodes = []
        self.initialisers = []

    def constant(self, name, array):
        self.initialisers.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def add(self, kind, inputs, output, **attributes):
        self.nodes.append(helper.make_node(kind, inputs, [output], output, **attributes))
        return output

    def save(self, path, description, inputs=NETWORK_INPUTS, outputs=NETWORK_OUTPUTS):
        """Checks the graph and writes it. Inputs and outputs: name to shape."""

        def described(shapes):
            return [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
                for name, shape in shapes.items()
            ]

        graph = helper.make_graph(
            self.nodes,
            "network",
            described(inputs),
            described(outputs),
            initializer=self.initialisers,
            doc_string=description,
        )
        model = helper.make_model(
            graph,
            producer_name="deep-health training",
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
        )
        onnx.checker.check_model(model)
        onnx.save(model, str(path))


def pool_features(graph, feature_map):
    """Adds the outputs `features` and `featureMap`."""
    if feature_map != "featureMap":
        raise ValueError("the last node must be named featureMap")
    graph.add("GlobalAveragePool", [feature_map], "pooled")
    graph.add("Flatten", ["pooled"], "features", axis=1)


class _FloatOps:
    """Interpreter that writes convolutions with weights given by `kernel(graph, index)`."""

    def __init__(self, graph, kernel, biases):
        self.graph = graph
        self.kernel = kernel
        self.biases = biases
        self.index = 0
        self.pools = 0
        self.block = ""

    def begin(self, block):
        self.block = block

    def conv(self, x, outputs, kernel, stride, padding):
        i = self.index
        self.index += 1
        weight = self.kernel(self.graph, i)
        bias = self.graph.constant(f"conv{i}.bias", self.biases[i])
        self.graph.add(
            "Conv",
            [x, weight, bias],
            f"conv{i}",
            kernel_shape=kernel,
            strides=stride,
            pads=[*padding, *padding],
        )
        return self.graph.add("Relu", [f"conv{i}"], f"relu{i}")

    def _pool(self, kind, x, **attributes):
        self.pools += 1
        return self.graph.add(kind, [x], f"pool{self.pools}", kernel_shape=[3, 3], **attributes)

    def max_pool(self, x):
        return self._pool("MaxPool", x, strides=[2, 2])

    def average_pool(self, x):
        return self._pool(
            "AveragePool", x, strides=[1, 1], pads=[1, 1, 1, 1], count_include_pad=0
        )

    def concat(self, parts):
        name = "featureMap" if self.block == "mixed10" else self.block
        return self.graph.add("Concat", parts, name, axis=1)


def export_base(base, path):
    """Kernels stay the package's uint8 levels; their scale per channel carries the folded BN."""
    state, raw = base["state"], base["raw"]

    def kernel(graph, i):
        if i == 0:
            return graph.constant("conv0.weight", state["weights.0"].numpy())
        name = f"conv{i}.weight"
        zero = np.full(len(raw[i]["scale"]), raw[i]["zero"], np.uint8)
        inputs = [
            graph.constant(f"{name}.levels", raw[i]["q"]),
            graph.constant(f"{name}.scale", raw[i]["scale"]),
            graph.constant(f"{name}.zero", zero),
        ]
        return graph.add("DequantizeLinear", inputs, name, axis=0)

    _export(state, kernel, path, "Inception V3 of npm nsfwjs 4.3.0 (MIT), uint8 kernels")


def export_fp32(state, path):
    """Float kernels: the reference for parity and int8 tests (87 MB, not for git)."""

    def kernel(graph, i):
        return graph.constant(f"conv{i}.weight", state[f"weights.{i}"].numpy())

    _export(state, kernel, path, "Inception V3, float reference")


def _export(state, kernel, path, description):
    graph = Graph()
    biases = [state[f"biases.{i}"].numpy() for i in range(94)]
    pool_features(graph, inception_v3(_FloatOps(graph, kernel, biases), "image"))
    graph.save(path, description)


def export_localiser(state, path):
    """The localiser of localiser.py (265 kB)."""
    graph = Graph()
    x = "window"
    count = sum(name.startswith("convs.") for name in state) // 2
    for i in range(count):
        names = [f"convs.{i}.weight", f"convs.{i}.bias"]
        inputs = [x, *(graph.constant(name, state[name].numpy()) for name in names)]
        graph.add(
            "Conv", inputs, f"conv{i}", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]
        )
        x = graph.add("Relu", [f"conv{i}"], f"relu{i}")
    x = graph.add("Flatten", [x], "flat", axis=1)
    for layer, output in (("hidden", "hidden"), ("box", "box")):
        names = [f"{layer}.weight", f"{layer}.bias"]
        inputs = [x, *(graph.constant(name, state[name].numpy()) for name in names)]
        x = graph.add("Gemm", inputs, output, transB=1)
        if layer == "hidden":
            x = graph.add("Relu", [x], "hiddenRelu")
    graph.save(path, "Thorax localiser", {"window": ["N", 1, 64, 64]}, {"box": ["N", 4]})


def write_head(state, path):
    """weights [3,2048] then bias [3], float32 little endian."""
    weight = state["head.weight"].numpy().astype("<f4")
    bias = state["head.bias"].numpy().astype("<f4")
    Path(path).write_bytes(weight.tobytes() + bias.tobytes())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("kind", choices=["base", "fp32", "localiser"])
    parser.add_argument("checkpoint", type=Path, nargs="?")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    defaults = {"base": "base.pt", "fp32": "final.pt", "localiser": "localiser.pt"}
    loaded = torch.load(options.checkpoint or work_folder() / defaults[options.kind])
    if options.kind == "base":
        export_base(loaded, options.out)
    elif options.kind == "fp32":
        export_fp32(loaded["state"], options.out)
    else:
        export_localiser(loaded, options.out)
    print(f"{options.out}: {options.out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
