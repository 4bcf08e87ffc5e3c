"""The shipped way of running a network: onnxruntime-node through run_onnx.mjs."""

import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from paths import TRAINING


FEATURES = 2048


def features_of(model, views, threads=2, batch=8):
    """Features [N,2048] of views (preprocess.View) by the network in an ONNX file, and views a second.

    They are the mean of the feature map over what of its cells is film.
    """
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, name) for name in ("tensors.f32", "cells.f32", "features.f32")]
        for path, parts in zip(files, zip(*views)):
            np.stack(parts).astype("<f4").tofile(path)
        command = ["node", TRAINING / "run_onnx.mjs", model, *files]
        command += ["--threads", str(threads), "--batch", str(batch)]
        printed = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
        features = np.fromfile(files[2], "<f4").reshape(len(views), FEATURES)
    return features, json.loads(printed)["filmsPerSecond"]


def read_head(path):
    """Weight [3,2048] and bias [3] of a head.bin."""
    values = np.fromfile(path, "<f4")
    return values[:-3].reshape(3, -1), values[-3:]


def softmax(logits, temperature=1.0):
    scaled = np.asarray(logits, np.float64) / temperature
    scaled = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return scaled / scaled.sum(axis=1, keepdims=True)
