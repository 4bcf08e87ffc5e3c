"""Measures on scored films, and the table of them for a CSV of score.py.

    python3 metrics.py results/held-back.csv [--temperature T] [--present P]

Intervals are 95 % percentile bootstraps over patients (a patient's films are drawn together).
"""

import argparse
import csv
import json

import numpy as np
from sklearn.metrics import roc_auc_score

from films import LABELS
from paths import RESULTS
from runtime import softmax

BOOTSTRAPS = 1000
BINS = 15


class Scores:
    """Columns of a score file as arrays; `logits` is [N,3]."""

    def __init__(self, rows):
        self.films = np.array([row["film"] for row in rows])
        self.labels = np.array([LABELS.index(row["label"]) for row in rows])
        self.patients = np.array([row["patient"] for row in rows])
        self.parts = np.array([row["part"] for row in rows])
        self.sources = np.array([row["source"] for row in rows])
        self.logits = np.array(
            [[float(row[name]) for name in ("normal", "bacterial", "viral")] for row in rows]
        )

    def of(self, chosen):
        """The rows where `chosen` (boolean or indices)."""
        part = object.__new__(Scores)
        for name, column in vars(self).items():
            setattr(part, name, column[chosen])
        return part


def read_scores(paths):
    rows = []
    for path in paths:
        with open(path, newline="") as file:
            rows += csv.DictReader(file)
    return Scores(rows)


def expected_calibration_error(confidence, correct):
    """Mean over BINS equal bins of |confidence - share correct|, weighted by the bin's films."""
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return sum(
        abs(confidence[bins == b].mean() - correct[bins == b].mean()) * (bins == b).mean()
        for b in np.unique(bins)
    )


def error_by_chance(probabilities, seed=0):
    """Mean expected calibration error of the label if `probabilities` [N,3] were exactly right.

    So few films in a bin are never as many right as they should be: what this says of N films no model can
    be better than, on average.
    """
    random = np.random.default_rng(seed)
    guess, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    errors = []
    for _ in range(BOOTSTRAPS):
        drawn = (random.random(len(guess))[:, None] > probabilities.cumsum(axis=1)).sum(axis=1)
        errors.append(expected_calibration_error(confidence, guess == drawn))
    return float(np.mean(errors))


def measures(labels, probabilities, present):
    """The figures of the targets; NaN where a class is missing. `present` may differ by film."""
    present = np.broadcast_to(present, labels.shape)
    pneumonia = labels > 0
    p = 1 - probabilities[:, 0]
    type_score = probabilities[:, 1] / (probabilities[:, 1] + probabilities[:, 2])
    guess = probabilities.argmax(axis=1)
    sick = labels[pneumonia]
    return {
        "accuracy": (guess == labels).mean(),
        "aucPneumonia": _auc(pneumonia, p),
        "aucBacterialViral": _auc(sick == 1, type_score[pneumonia]),
        "sensitivity": (p >= present)[pneumonia].mean(),
        "specificity": (p < present)[~pneumonia].mean(),
        "eceLabel": expected_calibration_error(probabilities.max(axis=1), guess == labels),
        "ecePneumonia": expected_calibration_error(p, pneumonia),
    }


def _auc(truth, score):
    return roc_auc_score(truth, score) if 0 < truth.sum() < len(truth) else float("nan")


def with_intervals(scores, probabilities, present, seed=0):
    """Each measure as [value, low, high]."""
    present = np.broadcast_to(present, scores.labels.shape)
    value = measures(scores.labels, probabilities, present)
    random = np.random.default_rng(seed)
    order = np.argsort(scores.patients, kind="stable")
    _, starts = np.unique(scores.patients[order], return_index=True)
    groups = np.split(order, starts[1:])
    drawn = []
    for _ in range(BOOTSTRAPS):
        rows = np.concatenate([groups[i] for i in random.integers(0, len(groups), len(groups))])
        drawn.append(measures(scores.labels[rows], probabilities[rows], present[rows]))
    return {
        name: [float(value[name]), *np.nanpercentile([d[name] for d in drawn], [2.5, 97.5])]
        for name in value
    }


def table(intervals):
    """Markdown rows of with_intervals."""
    return "\n".join(
        f"| {name} | {value:.4f} | {low:.4f} to {high:.4f} |"
        for name, (value, low, high) in intervals.items()
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="+")
    parser.add_argument("--temperature", type=float)
    parser.add_argument("--present", type=float)
    options = parser.parse_args()
    path = RESULTS / "calibration.json"
    fitted = json.loads(path.read_text()) if path.exists() else {"temperature": 1, "present": 0.5}
    temperature = options.temperature or fitted["temperature"]
    present = options.present or fitted["present"]
    scores = read_scores(options.files)
    for source in ("small", "large"):
        chosen = scores.of(scores.sources == source)
        if len(chosen.labels):
            print(f"\n{source} films: {len(chosen.labels)}, T = {temperature}, present = {present}\n")
            print("| measure | value | 95 % interval |\n|---|---|---|")
            print(table(with_intervals(chosen, softmax(chosen.logits, temperature), present)))


if __name__ == "__main__":
    main()
