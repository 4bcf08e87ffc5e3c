"""Film to tensor, the reference: PREPROCESSING.md says the same in words and formulas.

A film is a 2-D float array in [0,1], bone white. Boxes are (left, top, right, bottom) in pixel
edges: a film of width W spans 0 to W. Everything here is deterministic.
"""

from typing import NamedTuple

import numpy as np

SIZE = 299
# Of a side of the network's feature map.
CELLS = 8
LOCALISER_SIZE = 64
ENLARGE = 1.16
CENTRAL = 0.86
SMALLEST = 0.3
LARGEST = 2.0
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


def cells_shown(box, width, height):
    """How much of each cell of the feature map lies on a film of this size, [CELLS,CELLS] in [0,1].

    The map covers the box; outside of the film there is only its edge, repeated.
    """
    left, top, right, bottom = box
    return np.outer(_parts_shown(top, bottom, height), _parts_shown(left, right, width))


def _parts_shown(start, end, length):
    edges = np.clip(start + (end - start) * np.arange(CELLS + 1) / CELLS, 0, length)
    return np.diff(edges) * CELLS / (end - start)


def normalise(tensor):
    """Mean 0.5, standard deviation CONTRAST, clipped to [0,1]."""
    mean = tensor.mean(dtype=np.float64)
    deviation = max(tensor.std(dtype=np.float64), MIN_DEVIATION)
    return np.clip(0.5 + CONTRAST * (tensor - mean) / deviation, 0, 1).astype(np.float32)


def thorax_box(film, localise):
    """Thorax box in pixels of the (trimmed) film, and whether the localiser was to be believed.

    `localise` maps a window [64,64] to (left, top, right, bottom) as fractions of the window. The
    first window is the whole film, the second the box found there, ENLARGE times as large. A
    box that no chest can have gives the middle CENTRAL of the film and False.
    """
    height, width = film.shape
    window = (0.0, 0.0, float(width), float(height))
    for last in (False, True):
        fractions = localise(normalise(resample(film, window, LOCALISER_SIZE)))
        left, top = window[0], window[1]
        across, down = window[2] - left, window[3] - top
        box = (
            on_grid(left + fractions[0] * across),
            on_grid(top + fractions[1] * down),
            on_grid(left + fractions[2] * across),
            on_grid(top + fractions[3] * down),
        )
        if not plausible(box, width, height):
            x, y = width * (1 - CENTRAL) / 2, height * (1 - CENTRAL) / 2
            return (x, y, width - x, height - y), False
        if last:
            return box, True
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        half_width = (box[2] - box[0]) / 2 * ENLARGE
        half_height = (box[3] - box[1]) / 2 * ENLARGE
        window = (x - half_width, y - half_height, x + half_width, y + half_height)


def on_grid(edge):
    """Eighths of a pixel: engines differ in the last digits of a float."""
    return float(np.floor(edge * 8 + 0.5) / 8)


def plausible(box, width, height):
    """Sides between SMALLEST and LARGEST of the film, centre in its middle 0.8.

    Of a plate that lost a fifth of every side a large thorax is 1.8 times as long as what is left.
    """
    left, top, right, bottom = box
    return (
        SMALLEST * width <= right - left <= LARGEST * width
        and SMALLEST * height <= bottom - top <= LARGEST * height
        and 0.1 * width <= (left + right) / 2 <= 0.9 * width
        and 0.1 * height <= (top + bottom) / 2 <= 0.9 * height
    )


class View(NamedTuple):
    """What the network gets of a film: tensor [size,size], and how much of its cells is film [CELLS,CELLS]."""

    tensor: np.ndarray
    cells: np.ndarray


def view_of(film, box, size=SIZE):
    """The box of a trimmed film in [0,1]."""
    height, width = film.shape
    return View(normalise(resample(film, box, size)), cells_shown(box, width, height))


def prepare(film, localise):
    """The film's view, thorax box in pixels of the film, whether the localiser was believed."""
    left, top, right, bottom = trim(film)
    trimmed = film[top:bottom, left:right]
    box, believed = thorax_box(trimmed, localise)
    moved = (box[0] + left, box[1] + top, box[2] + left, box[3] + top)
    return view_of(trimmed, box), moved, believed
