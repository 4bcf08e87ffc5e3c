"""Step "parity": vectors for the TypeScript twin of preprocess.py, from pictures made by formula.

Writes parity/<name>.json. The localiser's part is in them once models/.../localiser.onnx is there.

    python3 parity.py
"""

import json

import numpy as np

from localiser import load_localiser
from paths import MODEL, PARITY
from preprocess import SIZE, normalise, prepare, resample, trim

PICTURES = {
    "plain": {"width": 320, "height": 260, "a": 0.05, "b": 0.03, "c": 0.9, "border": None},
    "border": {
        "width": 700,
        "height": 523,
        "a": 0.011,
        "b": 0.017,
        "c": 0.2,
        "border": {"left": 31, "top": 17, "right": 8, "bottom": 40, "value": 0.02},
    },
    "small": {"width": 90, "height": 131, "a": 0.1, "b": 0.2, "c": 1.3, "border": None},
}
EVERY = 997


def draw(picture):
    y, x = np.mgrid[0 : picture["height"], 0 : picture["width"]].astype(np.float64)
    film = 0.5 + 0.25 * np.sin(picture["a"] * x + picture["b"] * y)
    film += 0.15 * np.cos(picture["c"] * x * y / 1000) + 0.1 * ((7 * x + 13 * y) % 11) / 11 - 0.05
    film = np.clip(film, 0, 1)
    border = picture["border"]
    if border:
        film[: border["top"]] = border["value"]
        film[picture["height"] - border["bottom"] :] = border["value"]
        film[:, : border["left"]] = border["value"]
        film[:, picture["width"] - border["right"] :] = border["value"]
    return film.astype(np.float32)


def sampled(tensor):
    return [round(float(v), 7) for v in tensor.ravel()[::EVERY]]


def vector(picture, localise):
    film = draw(picture)
    left, top, right, bottom = trim(film)
    trimmed = film[top:bottom, left:right]
    height, width = trimmed.shape
    box = (-0.05 * width, 0.1 * height, 0.9 * width, 1.02 * height)
    result = {
        "picture": picture,
        "trim": [left, top, right, bottom],
        "every": EVERY,
        "fixedBox": {
            "box": list(box),
            "resampled": sampled(resample(trimmed, box, SIZE)),
            "normalised": sampled(normalise(resample(trimmed, box, SIZE))),
        },
    }
    if localise:
        view, found, believed = prepare(film, localise)
        result["prepared"] = {
            "box": [round(float(edge), 4) for edge in found],
            "believed": believed,
            "tensor": sampled(view.tensor),
            "cells": [round(float(share), 7) for share in view.cells.ravel()],
        }
    return result


def main():
    localise = None
    if (MODEL / "localiser.onnx").exists():
        localise = load_localiser()
    PARITY.mkdir(exist_ok=True)
    for name, picture in PICTURES.items():
        text = json.dumps(vector(picture, localise), indent=1)
        (PARITY / f"{name}.json").write_text(text + "\n")
        print(f"parity/{name}.json")


if __name__ == "__main__":
    main()
