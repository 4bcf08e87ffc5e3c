"""The shipped int8 network as the float32 network it was rounded from, up to that rounding: every weight is
its level times its scale, and no activation is rounded. Same layers, same shapes, same arithmetic in float32.

    float-twin.py backbone.onnx twin.onnx
"""

import sys

import numpy
import onnx
from onnx import helper, numpy_helper

model = onnx.load(sys.argv[1])
graph = model.graph
constants = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
same, nodes, made = {}, [], {}

for node in graph.node:
    inputs = [same.get(name, name) for name in node.input]
    if node.op_type == "QuantizeLinear":
        same[node.output[0]] = inputs[0]
    elif node.op_type == "DequantizeLinear" and inputs[0] in constants:
        levels, scale, zero = (constants[name] for name in inputs)
        shape = (-1,) + (1,) * (levels.ndim - 1)
        value = (levels.astype(numpy.float32) - zero.reshape(shape)) * scale.reshape(shape)
        made[node.output[0]] = value.astype(numpy.float32)
    elif node.op_type == "DequantizeLinear":
        same[node.output[0]] = inputs[0]
    else:
        kept = onnx.NodeProto()
        kept.CopyFrom(node)
        del kept.input[:]
        kept.input.extend(inputs)
        nodes.append(kept)

needed = {name for node in nodes for name in node.input}
constants.update(made)
twin = helper.make_model(
    helper.make_graph(
        nodes,
        "twin",
        list(graph.input),
        list(graph.output),
        [numpy_helper.from_array(constants[name], name) for name in needed if name in constants],
    ),
    opset_imports=list(model.opset_import),
)
twin.ir_version = model.ir_version
onnx.save(twin, sys.argv[2])
