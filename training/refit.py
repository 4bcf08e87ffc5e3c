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
# Of the head that ships: the regularisation, and what a mean squared change of a logit by variation and by
# rounding costs beside the squared length of its weights. Normal against pneumonia is surer of itself and pays
# less than bacterial against viral, where a small change makes another label.
NORMAL_FIT = {"regularisation": 0.005, "variation": 0.5, "rounding": 100.0}
TYPE_FIT = {"regularisation": 0.02, "variation": 10.0, "rounding": 1000.0}
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


def joined(normal, kind):
    """The head that tells normal from pneumonia as `normal` does and bacterial from viral as `kind` does.

    Arrays [3,...] of both, weights or biases; of logits only the differences count.
    """
    sick = normal[0] - (normal[1] + normal[2]) / 2
    apart = (kind[1] - kind[2]) / 2
    return np.stack([2 * sick / 3, apart - sick / 3, -apart - sick / 3])


def final_head(dataset):
    """Weight [3,2048], bias [3] of the head that ships, and the number of films that it was fitted to."""
    films, features, varied = collected_features()
    rounded = np.load(work_folder() / "rounding.npz")["changes"]
    heads = []
    for wanted in (NORMAL_FIT, TYPE_FIT):
        costs = [(wanted["variation"], varied), (wanted["rounding"], rounded)]
        heads.append(fit(features, dataset.labels[films], wanted["regularisation"], costs))
    (normal, normal_bias), (kind, kind_bias) = heads
    return joined(normal, kind), joined(normal_bias, kind_bias), len(films)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--fold")
    parser.add_argument("--final", action="store_true")
    parser.add_argument("--films", type=int, default=1800)
    parser.add_argument("--regularisation", type=float, default=0.003, help="of a fold's head")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    dataset = Dataset()
    if options.final:
        model = MODEL
        weight, bias, count = final_head(dataset)
    else:
        model = work_folder() / f"fold{options.fold}"
        films = np.flatnonzero(~np.isin(dataset.parts, ["held-back", options.fold]))
        films = np.sort(np.random.default_rng(SEED).permutation(films)[: options.films])
        features = plain_features(dataset, films, model, options.threads)
        weight, bias = fit(features, dataset.labels[films], options.regularisation)
        count = len(films)
    np.concatenate([weight.ravel(), bias]).astype("<f4").tofile(model / "head.bin")
    print(f"{model / 'head.bin'}: fitted to {count} films")


if __name__ == "__main__":
    main()
