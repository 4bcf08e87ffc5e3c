"""Step "calibrate": temperature and thresholds from results/held-back.csv.

The shipped network saw every fold, so the films that no fold holds calibrate it. What these numbers
are worth on films that they were not fitted to is measured by cross-fitting: five groups of patients,
each decided with a temperature and thresholds from the other four.

- temperature: least mean cross-entropy of the true class, originals and small films weighing the same.
- present: the highest threshold with PRESENT_SENSITIVITY over the films with pneumonia.
- absent: the highest threshold with ABSENT_SENSITIVITY likewise (and not above present).
- typeMargin: below it lie TYPE_SHARE of the films with pneumonia.

Writes results/calibration.json.

    python3 calibrate.py
"""

import json

import numpy as np
from scipy.optimize import minimize_scalar
from sklearn.model_selection import GroupKFold

from metrics import measures, read_scores
from paths import RESULTS
from runtime import softmax

PRESENT_SENSITIVITY = 0.972
ABSENT_SENSITIVITY = 0.99
TYPE_SHARE = 0.05
GROUPS = 5


def cross_entropy(scores, temperature):
    """Of the true class: the mean over the sources of their means."""
    probabilities = softmax(scores.logits, temperature)
    loss = -np.log(probabilities[np.arange(len(scores.labels)), scores.labels] + 1e-12)
    return np.mean([loss[scores.sources == source].mean() for source in np.unique(scores.sources)])


def fit_temperature(scores):
    found = minimize_scalar(
        lambda log: cross_entropy(scores, np.exp(log)), bounds=(-1.5, 1.5), method="bounded"
    )
    return float(np.exp(found.x))


def threshold_at(scores, temperature, sensitivity):
    """The highest P that keeps the sensitivity in each source."""
    thresholds = []
    for source in np.unique(scores.sources):
        sick = scores.of((scores.sources == source) & (scores.labels > 0))
        p = np.sort(1 - softmax(sick.logits, temperature)[:, 0])
        thresholds.append(p[int(np.floor(len(p) * (1 - sensitivity)))])
    return float(min(thresholds))


def type_margin(scores, temperature):
    probabilities = softmax(scores.logits[scores.labels > 0], temperature)
    share = probabilities[:, 1] / (probabilities[:, 1] + probabilities[:, 2])
    return float(np.quantile(np.abs(2 * share - 1), TYPE_SHARE))


def calibrated(scores):
    """Temperature and thresholds as the manifest has them."""
    temperature = round(fit_temperature(scores), 4)
    present = round(threshold_at(scores, temperature, PRESENT_SENSITIVITY) - 5e-5, 4)
    absent = round(min(present, threshold_at(scores, temperature, ABSENT_SENSITIVITY)) - 5e-5, 4)
    margin = round(type_margin(scores, temperature), 4)
    return {"temperature": temperature, "present": present, "absent": absent, "typeMargin": margin}


def cross_fitted(scores):
    """Probabilities [N,3] and thresholds `present` [N] of films that had no part in either."""
    probabilities, present = np.zeros_like(scores.logits), np.zeros(len(scores.labels))
    for fitted, left in GroupKFold(GROUPS).split(scores.logits, scores.labels, scores.patients):
        other = calibrated(scores.of(fitted))
        probabilities[left] = softmax(scores.logits[left], other["temperature"])
        present[left] = other["present"]
    return probabilities, present


def main():
    scores = read_scores([RESULTS / "held-back.csv"])
    fitted = calibrated(scores)
    (RESULTS / "calibration.json").write_text(json.dumps(fitted, indent=2) + "\n")
    print(json.dumps(fitted))
    before = softmax(scores.logits, 1.0)
    for name, (probabilities, present) in (
        ("before", (before, fitted["present"])),
        ("cross-fitted", cross_fitted(scores)),
    ):
        result = measures(scores.labels, probabilities, present)
        print(name, {key: round(float(value), 4) for key, value in result.items()})
    p = 1 - softmax(scores.logits, fitted["temperature"])[:, 0]
    print(f"undetermined: {((p > fitted['absent']) & (p < fitted['present'])).mean():.3f} of the films")


if __name__ == "__main__":
    main()
