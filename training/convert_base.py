"""Step "convert": the Inception V3 that npm nsfwjs carries (MIT) as folded PyTorch weights.

Reads the TensorFlow.js LayersModel out of the package (per-tensor uint8: value = q * scale + min),
checks every shape against architecture.py, folds each batch normalisation (no gamma, epsilon 1e-3)
into the convolution before it and the repetition grey -> RGB into the first kernel, and writes
`base.pt`: the state of network.InceptionV3 plus the raw uint8 kernels for the lossless export.

    python3 convert_base.py [--package node_modules/nsfwjs] [--out DIR]
"""

import argparse
import base64
import json
import subprocess
from pathlib import Path

import numpy as np
import torch

from architecture import convolutions
from network import InceptionV3
from paths import work_folder

EPSILON = 1e-3
READ_PACKAGE = """
const path = require('node:path');
const folder = path.resolve(process.argv[1], 'dist/models/inception_v3');
const model = require(path.join(folder, 'model.min.js'));
const shards = model.weightsManifest[0].paths.map((name) => {
  const shard = require(path.join(folder, name.endsWith('.js') ? name : `${name}.min.js`));
  return typeof shard === 'string' ? shard : Object.values(shard)[0];
});
process.stdout.write(JSON.stringify({ specs: model.weightsManifest[0].weights, shards }));
"""


def read_package(package):
    """Names to (uint8 values, scale, min) of every tensor in the package's weight shards."""
    output = subprocess.run(
        ["node", "-e", READ_PACKAGE, str(package)], check=True, stdout=subprocess.PIPE
    ).stdout
    manifest = json.loads(output)
    stored = b"".join(base64.b64decode(shard) for shard in manifest["shards"])
    tensors, offset = {}, 0
    for spec in manifest["specs"]:
        count = int(np.prod(spec["shape"]))
        values = np.frombuffer(stored, np.uint8, count, offset).reshape(spec["shape"])
        offset += count
        quantization = spec["quantization"]
        tensors[spec["name"]] = (values, quantization["scale"], quantization["min"])
    if offset != len(stored):
        raise SystemExit(f"the shards hold {len(stored)} bytes, the manifest names {offset}")
    return tensors


def real(tensor):
    values, scale, minimum = tensor
    return values.astype(np.float64) * scale + minimum


def convert(package):
    """State dict of the folded network, and the raw kernels for the lossless export."""
    tensors = read_package(package)
    network = InceptionV3()
    raw = []
    for spec in convolutions(image_channels=3):
        number = spec.index + 1
        stored = tensors[f"conv2d_{number}/kernel"]
        expected = (*spec.kernel, spec.inputs, spec.outputs)
        if stored[0].shape != expected:
            raise SystemExit(f"conv2d_{number} has shape {stored[0].shape}, expected {expected}")
        name = f"batch_normalization_{number}"
        gain = 1 / np.sqrt(real(tensors[f"{name}/moving_variance"]) + EPSILON)
        bias = real(tensors[f"{name}/beta"]) - real(tensors[f"{name}/moving_mean"]) * gain
        kernel = (real(stored) * gain).transpose(3, 2, 0, 1)
        if spec.index == 0:
            kernel = kernel.sum(axis=1, keepdims=True)
        network.weights[spec.index].data = torch.from_numpy(kernel.astype(np.float32))
        network.biases[spec.index].data = torch.from_numpy(bias.astype(np.float32))
        zero = round(-stored[2] / stored[1])
        if not (0 <= zero <= 255 and abs(zero * stored[1] + stored[2]) < 1e-6):
            raise SystemExit(f"conv2d_{number}: zero is not one of its 256 levels")
        raw.append(
            {
                "q": np.ascontiguousarray(stored[0].transpose(3, 2, 0, 1)),
                "zero": zero,
                "scale": (stored[1] * gain).astype(np.float32),
            }
        )
    torch.nn.init.zeros_(network.head.weight)
    torch.nn.init.zeros_(network.head.bias)
    return network.state_dict(), raw


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--package", type=Path, default=Path("node_modules/nsfwjs"))
    parser.add_argument("--out", type=Path, default=work_folder())
    options = parser.parse_args()
    state, raw = convert(options.package)
    options.out.mkdir(parents=True, exist_ok=True)
    torch.save({"state": state, "raw": raw}, options.out / "base.pt")
    print(f"94 convolutions written to {options.out / 'base.pt'}")


if __name__ == "__main__":
    main()
