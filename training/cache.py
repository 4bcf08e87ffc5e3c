"""Step "cache": every film decoded once, trimmed, as uint8 arrays in the scratch folder.

`films.npz` holds, in the order of results/split.csv, `small` [5216,224,224] and for the films
with an original `large` [n,LARGE,LARGE] (longest side reduced to LARGE, rest zero) with their
`sizes` [n,2] (height, width) and `rows` [n] (index of the film). `trims` and `large_trims` are
the boxes of preprocess.trim in pixels of these arrays.

    python3 cache.py
"""

import numpy as np
from PIL import Image

from films import list_films, read_film
from paths import films_folder, work_folder
from preprocess import trim

LARGE = 480


def reduced(pixels):
    """The picture with its longest side brought to LARGE at most."""
    height, width = pixels.shape
    ratio = min(1.0, LARGE / max(height, width))
    size = (round(width * ratio), round(height * ratio))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.BILINEAR))


def read_cache():
    """The arrays of films.npz by name."""
    return np.load(work_folder() / "films.npz")


def main():
    folder = films_folder()
    films = list_films(folder)
    small = np.stack([read_film(film.path(folder, "small")) for film in films])
    rows = np.array([i for i, film in enumerate(films) if film.large])
    large = np.zeros((len(rows), LARGE, LARGE), np.uint8)
    sizes = np.zeros((len(rows), 2), np.int64)
    for n, i in enumerate(rows):
        pixels = reduced(read_film(films[i].path(folder, "large")))
        sizes[n] = pixels.shape
        large[n, : sizes[n, 0], : sizes[n, 1]] = pixels
    trims = np.array([trim(pixels / 255) for pixels in small])
    large_trims = np.array([trim(p[:h, :w] / 255) for p, (h, w) in zip(large, sizes)])
    np.savez(
        work_folder() / "films.npz",
        small=small,
        rows=rows,
        large=large,
        sizes=sizes,
        trims=trims,
        large_trims=large_trims,
    )
    cut = (trims != [0, 0, small.shape[2], small.shape[1]]).any(axis=1)
    print(f"{len(films)} films, {len(rows)} with an original, {cut.sum()} with a border cut")


if __name__ == "__main__":
    main()
