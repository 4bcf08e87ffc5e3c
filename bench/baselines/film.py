"""What a script of a hospital does with a film: pydicom (gdcm for the pixels), window, resize, PyTorch."""

import json

import numpy
import pydicom
import torch
from PIL import Image

LABELS = ["normal", "bacterial-pneumonia", "viral-pneumonia"]


def classify(network, path):
    film = pydicom.dcmread(path)
    pixels = film.pixel_array.astype(numpy.float32)
    low, high = numpy.percentile(pixels[::8, ::8], [0.5, 99.5])
    grey = numpy.clip((pixels - low) / max(high - low, 1), 0, 1)
    if film.PhotometricInterpretation == "MONOCHROME1":
        grey = 1 - grey
    small = Image.fromarray((grey * 255).astype(numpy.uint8)).resize((299, 299), Image.BILINEAR)
    tensor = torch.from_numpy(numpy.asarray(small, numpy.float32) / 255).reshape(1, 1, 299, 299)
    with torch.no_grad():
        shares = network(tensor)[0].tolist()
    return json.dumps({"file": path, "label": LABELS[int(numpy.argmax(shares))], "probabilities": shares})
