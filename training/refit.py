"""Step "refit": the head of a trained network fitted anew to plain features.

Fine-tuning sees every film blurred, cut and covered, and ends with a head made for that. The
features it leaves are better than its head: a standardised, regularised softmax regression on the
features of the plain films (as int8 computes them, framed as in training) replaces it.

The head that ships also learns what not to look at: how the features of a training film change when it
is cut, windowed and blurred as sites do (gate.py collects such films), and when its network is rounded to
int8 (rounding.py). Weights pay for what they make of these changes, as within-class covariance
normalisation does for voices (Hatch et al. 2006).

    python3 refit.py --fold K           scratch fold<k>/head.bin, from the parts the fold trained on
    python3 refit.py --final            models/.../head.bin, from the films that gate.py collected
"""

import argparse

import numpy as np
from sklearn.linear_model import LogisticRegression

from dataset import Dataset
from gate import collected
from paths import MODEL, work_folder
from runtime import run

# Shares of normal, bacterial and viral films that the probabilities stand for: near the official
# test part's, and train.CLASS_SHARES.
CLASS_SHARES = (0.36, 0.39, 0.25)
# Keeps weights of nearly dead features small: they would magnify one level of int8.
MIN_DEVIATION = 0.01
# What a mean squared change of a logit by variation or rounding costs, beside the squared length of its weights.
VARIATION_COST = 20.0
ROUNDING_COST = 2000.0
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


def collected_features():
    """The plain training films, their features [n,2048], and how these change by variation [m,2048]."""
    saved = collected()
    names, films, features = saved["names"], saved["films"], saved["vectors"][:, :2048]
    plain = np.flatnonzero(names == "film")
    row_of = {film: row for row, film in zip(plain, films[plain])}
    varied = [row for row in np.flatnonzero(names == "film-varied") if films[row] in row_of]
    changes = features[varied] - features[[row_of[films[row]] for row in varied]]
    return films[plain], features[plain], changes


def fit(features, labels, regularisation, costs=()):
    """Weight [3,2048] and bias [3]; films weighted so that the classes have CLASS_SHARES.

    Regularisation keeps the squared length of a weight vector w small. `costs` are pairs (cost, changes
    [m,2048] of features): each adds cost times the mean square of what w makes of the changes.
    """
    mean, deviation = features.mean(axis=0), features.std(axis=0) + MIN_DEVIATION
    weights = np.array(CLASS_SHARES) / np.bincount(labels, minlength=3) * len(labels)
    metric = np.eye(len(mean))
    for cost, changes in costs:
        scaled = (changes / deviation).astype(np.float64)
        metric += cost / len(scaled) * scaled.T @ scaled
    # Back from features in which the squared length with its costs is the plain one.
    back = np.linalg.inv(np.linalg.cholesky(metric)).T
    model = LogisticRegression(C=regularisation, max_iter=300)
    model.fit((features - mean) / deviation @ back, labels, sample_weight=weights[labels])
    weight = model.coef_ @ back.T / deviation
    return weight, model.intercept_ - weight @ mean


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--fold")
    parser.add_argument("--final", action="store_true")
    parser.add_argument("--films", type=int, default=1800)
    parser.add_argument("--regularisation", type=float, help="default: 0.003, with --final 0.03")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    dataset = Dataset()
    regularisation = options.regularisation or (0.03 if options.final else 0.003)
    if options.final:
        model = MODEL
        films, features, varied = collected_features()
        rounded = np.load(work_folder() / "rounding.npz")["changes"]
        costs = [(VARIATION_COST, varied), (ROUNDING_COST, rounded)]
    else:
        model, costs = work_folder() / f"fold{options.fold}", []
        films = np.flatnonzero(~np.isin(dataset.parts, ["held-back", options.fold]))
        films = np.sort(np.random.default_rng(SEED).permutation(films)[: options.films])
        features = plain_features(dataset, films, model, options.threads)
    weight, bias = fit(features, dataset.labels[films], regularisation, costs)
    np.concatenate([weight.ravel(), bias]).astype("<f4").tofile(model / "head.bin")
    print(f"{model / 'head.bin'}: fitted to {len(films)} films")


if __name__ == "__main__":
    main()
