"""Step "calibrate": temperature and thresholds from results/oof.csv.

Writes results/calibration.json.

- temperature: least mean cross-entropy of the true class.
- present: the highest threshold with PRESENT_SENSITIVITY over the films with pneumonia.
- absent: the highest threshold with ABSENT_SENSITIVITY likewise (and not above present).
- typeMargin: below it lie TYPE_SHARE of the films with pneumonia.

    python3 calibrate.py
"""

import json

import numpy as np
from scipy.optimize import minimize_scalar

from metrics import measures, read_scores
from paths import RESULTS
from runtime import softmax

PRESENT_SENSITIVITY = 0.972
ABSENT_SENSITIVITY = 0.99
TYPE_SHARE = 0.05


def cross_entropy(scores, temperature):
    probabilities = softmax(scores.logits, temperature)
    return -np.log(probabilities[np.arange(len(scores.labels)), scores.labels] + 1e-12).mean()


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


def main():
    scores = read_scores([RESULTS / "oof.csv"])
    temperature = round(fit_temperature(scores), 4)
    present = round(threshold_at(scores, temperature, PRESENT_SENSITIVITY) - 5e-5, 4)
    absent = round(min(present, threshold_at(scores, temperature, ABSENT_SENSITIVITY)) - 5e-5, 4)
    fitted = {
        "temperature": temperature,
        "present": present,
        "absent": absent,
        "typeMargin": round(type_margin(scores, temperature), 4),
    }
    (RESULTS / "calibration.json").write_text(json.dumps(fitted, indent=2) + "\n")
    print(json.dumps(fitted))
    for name, t in (("before", 1.0), ("after", temperature)):
        result = measures(scores.labels, softmax(scores.logits, t), present)
        print(name, {key: round(float(value), 4) for key, value in result.items()})
    p = 1 - softmax(scores.logits, temperature)[:, 0]
    print(f"undetermined: {((p > absent) & (p < present)).mean():.3f} of the films")


if __name__ == "__main__":
    main()
