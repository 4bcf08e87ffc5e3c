"""The shipped way of running a network: onnxruntime-node through run_onnx.mjs."""

import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from paths import TRAINING


def run(model, inputs, output="features", width=2048, threads=2, batch=8):
    """Output `output` [N,width] of the ONNX file over inputs [N,1,H,W], and pictures a second."""
    inputs = np.ascontiguousarray(inputs, "<f4")
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "in.f32"), Path(folder, "out.f32")
        inputs.tofile(source)
        command = ["node", TRAINING / "run_onnx.mjs", model, source, target]
        command += ["--output", output, "--shape", ",".join(map(str, inputs.shape[1:]))]
        command += ["--threads", str(threads), "--batch", str(batch)]
        printed = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
        values = np.fromfile(target, "<f4").reshape(len(inputs), width)
    return values, json.loads(printed)["filmsPerSecond"]


def read_head(path):
    """Weight [3,2048] and bias [3] of a head.bin."""
    values = np.fromfile(path, "<f4")
    return values[:-3].reshape(3, -1), values[-3:]


def softmax(logits, temperature=1.0):
    scaled = np.asarray(logits, np.float64) / temperature
    scaled = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return scaled / scaled.sum(axis=1, keepdims=True)
