"""Step "box errors": how far the thorax box moves when the plate is cut, on held-back originals.

The box found on the cut plate against the box found on the whole one: mean distance of each edge in shares
of the thorax's width or height, and the share of films in which no thorax was believed. Writes results/boxes.md.

    python3 box_errors.py [--localiser other.pt --out FILE]
"""

import argparse
from pathlib import Path

import numpy as np

from dataset import Dataset
from localiser import load_localiser
from paths import RESULTS
from preprocess import thorax_box
from robustness import centre_square, cut


def square_corner(height, width):
    side = min(height, width)
    return (width - side) // 2, (height - side) // 2


def cut_kinds():
    """Name to (change, where the changed plate's corner lies on a film of a height and width)."""
    kinds = {"centre square": (centre_square, square_corner)}
    for share in (0.1, 0.2):
        sides = {"all sides": ("left", "top", "right", "bottom"), "left and right": ("left", "right")}
        sides.update({side: (side,) for side in ("left", "top", "right", "bottom")})
        for name, cuts in sides.items():
            gone = {side: share for side in cuts}
            kinds[f"{name} cut by {share}"] = (
                lambda film, gone=gone: cut(film, **gone),
                lambda height, width, gone=gone: (
                    int(gone.get("left", 0) * width),
                    int(gone.get("top", 0) * height),
                ),
            )
    return kinds


def errors(films, localise, change, corner):
    """Distances [N,4] of the edges in shares of the thorax's sides, and which boxes were believed [N]."""
    distances, believed = np.zeros((len(films), 4)), np.zeros(len(films), bool)
    for n, film in enumerate(films):
        whole, _ = thorax_box(film, localise)
        left, top = corner(*film.shape)
        found, believed[n] = thorax_box(np.ascontiguousarray(change(film)), localise)
        sides = np.tile([whole[2] - whole[0], whole[3] - whole[1]], 2)
        distances[n] = np.abs(np.array(found) + [left, top, left, top] - whole) / sides
    return distances, believed


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--localiser", default="localiser.pt")
    parser.add_argument("--films", type=int, default=152)
    parser.add_argument("--out", type=Path, default=RESULTS / "boxes.md")
    options = parser.parse_args()
    dataset, localise = Dataset(), load_localiser(options.localiser)
    rows = [film for film in np.flatnonzero(dataset.parts == "held-back") if film in dataset.large_of]
    films = [dataset.pixels(film, large=True).astype(np.float32) / 255 for film in rows[: options.films]]
    lines = [
        f"{len(films)} held-back originals",
        "",
        "| plate | left | top | right | bottom | not believed |",
        "|---|---|---|---|---|---|",
    ]
    for name, (change, corner) in cut_kinds().items():
        distances, believed = errors(films, localise, change, corner)
        edges = " | ".join(f"{edge:.3f}" for edge in distances.mean(axis=0))
        lines.append(f"| {name} | {edges} | {100 * (1 - believed.mean()):.1f} % |")
    options.out.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
