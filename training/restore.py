"""Step "restore": a model folder back into scratch, so that training can go on from what shipped.

The int8 weights multiplied out (at most half a level off, one level being 1/127 of a channel's
largest weight) with head.bin give `restored.pt`; localiser.onnx gives `localiser.pt`; and
`boxes.npy` holds the box that this localiser finds on every plain film, as fractions of the trimmed
film, in place of congeal.py's.

    python3 restore.py [--model ../models/pneumonia-inception-v3]
"""

import argparse
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from architecture import convolutions
from cache import read_cache
from localiser import Localiser, load_localiser
from paths import MODEL, work_folder
from preprocess import thorax_box
from runtime import read_head


def constants(path):
    """Name to array of every initialiser."""
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer}


def restored_state(model):
    """state_dict of network.InceptionV3 for quantise.py's backbone.onnx and head.bin."""
    stored = constants(model / "backbone.onnx")
    state = {}
    for i in range(len(convolutions())):
        for kind, part in (("weights", "weight"), ("biases", "bias")):
            levels = stored[f"conv{i}.{part}.levels"].astype(np.float32)
            scale = stored[f"conv{i}.{part}.scale"]
            scale = scale.reshape(-1, *[1] * (levels.ndim - 1))
            state[f"{kind}.{i}"] = torch.from_numpy(levels * scale)
    weight, bias = read_head(model / "head.bin")
    state["head.weight"] = torch.from_numpy(weight.copy())
    state["head.bias"] = torch.from_numpy(bias.copy())
    return state


def localiser_state(path):
    stored = constants(path)
    return {name: torch.from_numpy(stored[name].copy()) for name in Localiser().state_dict()}


def boxes_of(pictures, trims, localise):
    """Boxes [N,4] as fractions of the trimmed film."""
    boxes = np.zeros((len(pictures), 4))
    for n, (picture, (left, top, right, bottom)) in enumerate(zip(pictures, trims)):
        film = picture[top:bottom, left:right].astype(np.float32) / 255
        height, width = film.shape
        box, _ = thorax_box(film, localise)
        boxes[n] = np.array(box) / [width, height, width, height]
    return boxes


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", type=Path, default=MODEL)
    options = parser.parse_args()
    torch.set_num_threads(1)
    state = restored_state(options.model)
    torch.save({"state": state, "from": options.model.name}, work_folder() / "restored.pt")
    torch.save(localiser_state(options.model / "localiser.onnx"), work_folder() / "localiser.pt")
    cache = read_cache()
    boxes = boxes_of(cache["small"], cache["trims"], load_localiser())
    np.save(work_folder() / "boxes.npy", boxes)
    print(f"restored.pt: {len(state)} tensors; boxes.npy: {len(boxes)} boxes")


if __name__ == "__main__":
    main()
