"""Step "bottlenecks": pooled features of the base, and a head fitted to them.

Takes --per-label films of each label (evenly spread, never held-back ones) and writes
`bottlenecks.npz` with `features` [n,2048] and `films` [n]. `fit_head` is what training starts
from; the first model (version 0.1.0) was nothing else.

    python3 bottlenecks.py [--per-label 480]
"""

import argparse

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

from dataset import Dataset
from network import CLASSES, InceptionV3, use_all_cores
from paths import work_folder

BATCH = 16
REGULARISATION = 0.01


def pooled_features(network, tensors):
    """Features [N,2048] of an iterable of [299,299] tensors."""
    network.eval().to(memory_format=torch.channels_last)
    batches, waiting = [], []

    def flush():
        image = torch.from_numpy(np.stack(waiting))[:, None]
        with torch.no_grad():
            batches.append(network.features(image.to(memory_format=torch.channels_last)).numpy())
        waiting.clear()

    for tensor in tensors:
        waiting.append(tensor)
        if len(waiting) == BATCH:
            flush()
    if waiting:
        flush()
    return np.concatenate(batches)


def fit_head(features, labels):
    """Weight [3,2048] and bias [3] of a standardised, class-balanced logistic regression."""
    mean, deviation = features.mean(axis=0), features.std(axis=0) + 1e-3
    model = LogisticRegression(C=REGULARISATION, class_weight="balanced", max_iter=300)
    model.fit((features - mean) / deviation, labels)
    assert list(model.classes_) == list(range(CLASSES))
    weight = model.coef_ / deviation
    return weight.astype(np.float32), (model.intercept_ - weight @ mean).astype(np.float32)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--per-label", type=int, default=480)
    options = parser.parse_args()
    use_all_cores()
    dataset = Dataset()
    network = InceptionV3()
    network.load_state_dict(torch.load(work_folder() / "base.pt")["state"])
    chosen = []
    for label in range(CLASSES):
        films = np.flatnonzero((dataset.labels == label) & (dataset.parts != "held-back"))
        count = min(options.per_label, len(films))
        chosen.append(films[np.linspace(0, len(films) - 1, count).astype(int)])
    films = np.concatenate(chosen)
    features = pooled_features(network, (dataset.view(film).tensor for film in films))
    np.savez(work_folder() / "bottlenecks.npz", features=features, films=films)
    print(f"{len(features)} films")


if __name__ == "__main__":
    main()
