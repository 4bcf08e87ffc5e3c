"""Step "refit": the head of a trained network fitted anew to plain features.

Fine-tuning sees every film blurred, cut and covered, and ends with a head made for that. The
features it leaves are better than its head: a standardised, regularised softmax regression on the
features of the plain films (as int8 computes them, framed as in training) replaces it.

    python3 refit.py --fold K           scratch fold<k>/head.bin, from the parts the fold trained on
    python3 refit.py --final            models/.../head.bin, from the films that gate.py collected
"""

import argparse

import numpy as np
from sklearn.linear_model import LogisticRegression

from dataset import Dataset
from gate import collected_films
from paths import MODEL, work_folder
from runtime import run

# Shares of normal, bacterial and viral films that the probabilities stand for: near the official
# test part's, and train.CLASS_SHARES.
CLASS_SHARES = (0.36, 0.39, 0.25)
# Keeps weights of nearly dead features small: they would magnify one level of int8.
MIN_DEVIATION = 0.01
CHUNK = 400
SEED = 4


def plain_features(dataset, films, model, threads):
    """Features [n,2048] of films, from the original in half of those that have one."""
    random = np.random.default_rng(SEED)
    parts = []
    for start in range(0, len(films), CHUNK):
        chunk = films[start : start + CHUNK]
        tensors = np.stack([dataset.tensor(film, large=random.random() < 0.5) for film in chunk])
        parts.append(run(model / "backbone.onnx", tensors[:, None], threads=threads)[0])
        print(f"{start + len(chunk)}/{len(films)}", flush=True)
    return np.concatenate(parts)


def fit(features, labels, regularisation):
    """Weight [3,2048] and bias [3]; films weighted so that the classes have CLASS_SHARES."""
    mean, deviation = features.mean(axis=0), features.std(axis=0) + MIN_DEVIATION
    weights = np.array(CLASS_SHARES) / np.bincount(labels, minlength=3) * len(labels)
    model = LogisticRegression(C=regularisation, max_iter=300)
    model.fit((features - mean) / deviation, labels, sample_weight=weights[labels])
    weight = model.coef_ / deviation
    return weight, model.intercept_ - weight @ mean


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--fold")
    parser.add_argument("--final", action="store_true")
    parser.add_argument("--films", type=int, default=1800)
    parser.add_argument("--regularisation", type=float, default=0.003)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    dataset = Dataset()
    if options.final:
        model = MODEL
        films, features = collected_films(dataset)
    else:
        model = work_folder() / f"fold{options.fold}"
        films = np.flatnonzero(~np.isin(dataset.parts, ["held-back", options.fold]))
        films = np.sort(np.random.default_rng(SEED).permutation(films)[: options.films])
        features = plain_features(dataset, films, model, options.threads)
    weight, bias = fit(features, dataset.labels[films], options.regularisation)
    np.concatenate([weight.ravel(), bias]).astype("<f4").tofile(model / "head.bin")
    print(f"{model / 'head.bin'}: fitted to {len(films)} films")


if __name__ == "__main__":
    main()
