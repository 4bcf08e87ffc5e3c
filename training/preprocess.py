"""Film to tensor, the reference: PREPROCESSING.md says the same in words and formulas.

A film is a 2-D float array in [0,1], bone white. Boxes are (left, top, right, bottom) in pixel
edges: a film of width W spans 0 to W. Everything here is deterministic.
"""

import numpy as np

SIZE = 299
LOCALISER_SIZE = 64
TRIM_DEVIATION = 0.015
TRIM_SHARE = 0.3
CONTRAST = 0.22
MIN_DEVIATION = 0.02


def trim(film):
    """The box left when near-uniform rows, then near-uniform columns, are cut from the borders.

    A row or column is near-uniform when its standard deviation is below TRIM_DEVIATION. At most
    TRIM_SHARE of the height or width goes from each side.
    """
    top, bottom = _trim_lines(film.std(axis=1, dtype=np.float64))
    left, right = _trim_lines(film[top:bottom].std(axis=0, dtype=np.float64))
    return left, top, right, bottom


def _trim_lines(deviations):
    count = len(deviations)
    most = int(count * TRIM_SHARE)
    start, end = 0, count
    while start < most and deviations[start] < TRIM_DEVIATION:
        start += 1
    while count - end < most and deviations[end - 1] < TRIM_DEVIATION:
        end -= 1
    return start, end


def triangle(length, start, end, size):
    """Matrix [size, length] that resamples `length` pixels between the edges start and end.

    Triangle filter of half-width max(scale, 1) with scale = (end - start) / size. Outside of the
    film its edge pixels are repeated: their weights are added to the first or last column.
    """
    scale = (end - start) / size
    support = max(scale, 1.0)
    centre = start + (np.arange(size) + 0.5) * scale
    first = np.floor(centre - support - 0.5).astype(int)
    k = first[:, None] + np.arange(int(np.ceil(2 * support)) + 3)
    weight = np.maximum(0.0, 1.0 - np.abs(k + 0.5 - centre[:, None]) / support)
    weight /= weight.sum(axis=1, keepdims=True)
    matrix = np.zeros((size, length))
    np.add.at(matrix, (np.arange(size)[:, None], np.clip(k, 0, length - 1)), weight)
    return matrix.astype(np.float32)


def resample(film, box, size):
    """The film inside of the box, squashed to size by size (float32)."""
    left, top, right, bottom = box
    height, width = film.shape
    rows = triangle(height, top, bottom, size)
    columns = triangle(width, left, right, size)
    return rows @ film.astype(np.float32) @ columns.T


def normalise(tensor):
    """Mean 0.5, standard deviation CONTRAST, clipped to [0,1]."""
    mean = tensor.mean(dtype=np.float64)
    deviation = max(tensor.std(dtype=np.float64), MIN_DEVIATION)
    return np.clip(0.5 + CONTRAST * (tensor - mean) / deviation, 0, 1).astype(np.float32)
