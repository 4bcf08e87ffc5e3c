"""The cached films with labels, parts and thorax boxes, and tensors of them."""

import numpy as np

from cache import read_cache
from films import LABELS
from paths import work_folder
from preprocess import SIZE, view_of
from split import read_split


class Dataset:
    """Rows are in the order of results/split.csv.

    `boxes` are the thorax boxes as fractions of the trimmed film; `large_of` gives the row of
    `large` for the films that have an original.
    """

    def __init__(self):
        rows = read_split()
        cache = read_cache()
        self.names = [row["film"] for row in rows]
        self.labels = np.array([LABELS.index(row["label"]) for row in rows])
        self.parts = np.array([row["part"] for row in rows])
        self.patients = np.array([row["patient"] for row in rows])
        self.small, self.trims = cache["small"], cache["trims"]
        self.large, self.large_trims = cache["large"], cache["large_trims"]
        self.large_of = {int(film): n for n, film in enumerate(cache["rows"])}
        self.boxes = np.load(work_folder() / "boxes.npy").astype(np.float64)

    def pixels(self, film, large):
        """The trimmed film (uint8), from its original if asked and there."""
        if large and film in self.large_of:
            n = self.large_of[film]
            picture, (left, top, right, bottom) = self.large[n], self.large_trims[n]
        else:
            picture, (left, top, right, bottom) = self.small[film], self.trims[film]
        return picture[top:bottom, left:right]

    def source(self, film, large):
        """The trimmed film (uint8) and its thorax box in pixels."""
        pixels = self.pixels(film, large)
        height, width = pixels.shape
        return pixels, self.boxes[film] * [width, height, width, height]

    def view(self, film, large=True, size=SIZE):
        """The plain view of a film."""
        pixels, box = self.source(film, large)
        return view_of(pixels.astype(np.float32) / 255, box, size)
