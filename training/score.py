"""Step "oof": out-of-fold logits of a trained fold, as the product would compute them.

Frames the films of part k with the localiser, runs the quantised network in the scratch folder
fold<k>/ in onnxruntime-node, and writes results/fold-<k>.csv: one row for the small film and one for
the original where there is one. `--model DIR --part held-back` scores a finished model folder instead.

    python3 score.py --fold K
    python3 score.py --model ../models/pneumonia-inception-v3 --part held-back
"""

import argparse
import csv
from pathlib import Path

import numpy as np

from dataset import Dataset
from films import LABELS
from localiser import load_localiser
from paths import RESULTS, work_folder
from preprocess import thorax_box, view_of
from runtime import features_of, read_head

COLUMNS = ["film", "label", "patient", "part", "source", "normal", "bacterial", "viral"]
CHUNK = 256


def framed(dataset, film, large, localise):
    """View of a film framed as the product frames it."""
    pixels = dataset.pixels(film, large).astype(np.float32) / 255
    box, _ = thorax_box(pixels, localise)
    return view_of(pixels, box)


def logits_of(model, views, threads):
    """Logits [N,3] of a model folder."""
    weight, bias = read_head(model / "head.bin")
    features, _ = features_of(model / "backbone.onnx", views, threads)
    return features @ weight.T + bias


def score(dataset, part, model, threads):
    """Rows of COLUMNS for the films of a part."""
    localise = load_localiser()
    films = np.flatnonzero(dataset.parts == part)
    wanted = [(film, False) for film in films]
    wanted += [(film, True) for film in films if film in dataset.large_of]
    rows = []
    for start in range(0, len(wanted), CHUNK):
        chunk = wanted[start : start + CHUNK]
        views = [framed(dataset, film, large, localise) for film, large in chunk]
        for (film, large), logits in zip(chunk, logits_of(model, views, threads)):
            names = [dataset.names[film], LABELS[dataset.labels[film]], dataset.patients[film]]
            names += [part, "large" if large else "small"]
            rows.append([*names, *(f"{value:.4f}" for value in logits)])
    return rows


def write_rows(path, rows):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    print(f"{path.name}: {len(rows)} rows")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--fold")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--part", default="held-back")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    if options.fold is None:
        part, model, name = options.part, options.model, f"{options.part}.csv"
    else:
        part, model = options.fold, work_folder() / f"fold{options.fold}"
        name = f"fold-{options.fold}.csv"
    write_rows(RESULTS / name, score(Dataset(), part, model, options.threads))


if __name__ == "__main__":
    main()
