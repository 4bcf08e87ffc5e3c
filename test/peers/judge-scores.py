"""Figures of scored films by scikit-learn and NumPy, the tests' second opinion. JSON on stdin, JSON on stdout.

Input: `truth` (0 normal, 1 bacterial, 2 viral), `patient` (numbers), `probabilities` [films, 3], `present`,
`weights` (of films), `bins`, `draws`.
"""

import json
import sys

import numpy as np
from sklearn import metrics

given = json.load(sys.stdin)
truth = np.array(given["truth"])
patient = np.array(given["patient"])
p = np.array(given["probabilities"])
score = 1 - p[:, 0]
sick = truth > 0


def expected_calibration_error(confidence, hit, weights):
    edges = np.linspace(0, 1, given["bins"] + 1)
    place = np.clip(np.digitize(confidence, edges) - 1, 0, given["bins"] - 1)
    total = 0.0
    for b in np.unique(place):
        inside = place == b
        w = weights[inside]
        total += w.sum() * abs(np.average(confidence[inside], weights=w) - np.average(hit[inside], weights=w))
    return total / weights.sum()


def figures(index, weights):
    t, q, s, ill = truth[index], p[index], score[index], sick[index]
    called = s >= given["present"]
    types = ill
    share = q[:, 1] / (q[:, 1] + q[:, 2])
    top = q.argmax(axis=1)
    return {
        "accuracy": metrics.accuracy_score(t, top, sample_weight=weights),
        "balancedAccuracy": metrics.recall_score(t, top, average="macro", sample_weight=weights),
        "sensitivity": metrics.recall_score(ill, called, sample_weight=weights),
        "specificity": metrics.recall_score(~ill, ~called, sample_weight=weights),
        "positivePredictive": metrics.precision_score(ill, called, sample_weight=weights),
        "negativePredictive": metrics.precision_score(~ill, ~called, sample_weight=weights),
        "aucPneumonia": metrics.roc_auc_score(ill, s, sample_weight=weights),
        "aucType": metrics.roc_auc_score(t[types] == 1, share[types], sample_weight=weights[types]),
        "ece": expected_calibration_error(q.max(axis=1), top == t, weights),
        "ecePneumonia": expected_calibration_error(s, ill, weights),
    }


everything = np.arange(len(truth))
ones = np.ones(len(truth))
false_rate, true_rate, _ = metrics.roc_curve(sick, score, drop_intermediate=False)
films_of = [everything[patient == one] for one in np.unique(patient)]
random = np.random.default_rng(1)
drawn = []
for _ in range(given["draws"]):
    index = np.concatenate([films_of[k] for k in random.integers(0, len(films_of), len(films_of))])
    drawn.append(figures(index, np.ones(len(index))))
json.dump(
    {
        "confusion": metrics.confusion_matrix(truth, p.argmax(axis=1)).tolist(),
        "figures": figures(everything, ones),
        "weighted": figures(everything, np.array(given["weights"], dtype=float)),
        "roc": [false_rate.tolist(), true_rate.tolist()],
        "logLoss": metrics.log_loss(truth, p),
        "intervals": {name: np.percentile([one[name] for one in drawn], [2.5, 97.5]).tolist() for name in drawn[0]},
    },
    sys.stdout,
)
