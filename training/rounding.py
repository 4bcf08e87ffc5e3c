"""Step "rounding": what int8 does to the features of training films. Writes scratch `rounding.npz`.

`changes` [films,2048]: int8 features less those of the float network, for the same views of `films`. refit.py
makes the head pay for them.

    python3 rounding.py [--films 400]
"""

import argparse

import numpy as np

from dataset import Dataset
from gate import chosen_films
from paths import MODEL, work_folder
from runtime import features_of


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--films", type=int, default=400)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    dataset = Dataset()
    films = chosen_films(dataset, options.films)
    views = [dataset.view(film) for film in films]
    features = [
        features_of(network, views, options.threads)[0]
        for network in (MODEL / "backbone.onnx", work_folder() / "final-fp32.onnx")
    ]
    changes = features[0] - features[1]
    np.savez(work_folder() / "rounding.npz", films=films, changes=changes)
    off = np.linalg.norm(changes) / np.linalg.norm(features[1])
    print(f"{len(films)} films: features off by {100 * off:.2f} % of their length")


if __name__ == "__main__":
    main()
