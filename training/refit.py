"""Step "refit": the head of a trained network fitted anew to plain features.

Fine-tuning sees every film blurred, cut and covered, and ends with a head made for that. The
features it leaves are better than its head: a standardised, regularised softmax regression on the
features of the plain films (as int8 computes them, framed as in training) replaces it.

The head that ships also learns what not to look at: how the features of a training film change when it
is cut, windowed and blurred as sites do (gate.py collects such films), and when its network is rounded to
int8 (rounding.py). Weights pay for what they make of these changes, as within-class covariance
normalisation does for voices (Hatch et al. 2006).

What weights pay is chosen for each question by cross-validation by patient over these training films, from
the grid in COSTS: of what has a cross-entropy on cut, windowed and blurred films within one standard error of
the least (Breiman et al. 1984), what keeps most answers when a film is varied and when its network is rounded.
The head was not fitted to these films; the network did see them. `--take` takes other costs than this rule's for a
question; they have to be within that standard error.

    python3 refit.py --fold K           scratch fold<k>/head.bin, from the parts the fold trained on
    python3 refit.py --choose [--take normal=0.08,30,1000]    results/head.json, head.md: costs, from the films
                                        that gate.py collected
    python3 refit.py --final            models/.../head.bin with these costs, from the same films
"""

import argparse
import itertools
import json

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold

from dataset import Dataset
from gate import collected
from paths import MODEL, RESULTS, work_folder
from runtime import features_of

# Shares of normal, bacterial and viral films that the probabilities stand for: near the official
# test part's, and train.CLASS_SHARES.
CLASS_SHARES = (0.36, 0.39, 0.25)
# Keeps weights of nearly dead features small: they would magnify one level of int8.
MIN_DEVIATION = 0.01
# Of the head that ships: the regularisation, and what a mean squared change of a logit by variation and by
# rounding costs beside the squared length of its weights.
COSTS = {
    "regularisation": (0.005, 0.02, 0.08, 0.3),
    "variation": (3.0, 10.0, 30.0, 100.0),
    "rounding": (100.0, 1000.0),
}
# Each question has its own: normal against pneumonia is surer of itself than bacterial against viral, where a
# small change makes another label.
QUESTIONS = ("normal", "type")
FOLDS = 3
CHUNK = 400
SEED = 4


def plain_features(dataset, films, model, threads):
    """Features [n,2048] of films, from the original in half of those that have one."""
    random = np.random.default_rng(SEED)
    parts = []
    for start in range(0, len(films), CHUNK):
        chunk = films[start : start + CHUNK]
        views = [dataset.view(film, large=random.random() < 0.5) for film in chunk]
        parts.append(features_of(model / "backbone.onnx", views, threads)[0])
        print(f"{start + len(chunk)}/{len(films)}", flush=True)
    return np.concatenate(parts)


class Collected:
    """Of the training films that gate.py collected: features [n,2048], plain and varied, and the varied one's row.

    `rounded` are the changes of features by rounding, of the plain films in rows `rounded_of`.
    """

    def __init__(self, dataset):
        saved = collected()
        names, films, features = saved["names"], saved["films"], saved["vectors"][:, :2048]
        rows = np.flatnonzero(names == "film")
        row_of = {film: row for row, film in enumerate(films[rows])}
        varied = [row for row in np.flatnonzero(names == "film-varied") if films[row] in row_of]
        self.plain, self.varied = features[rows], features[varied]
        self.of = np.array([row_of[film] for film in films[varied]])
        self.labels = dataset.labels[films[rows]]
        self.patients = np.array(dataset.patients)[films[rows]]
        rounding = np.load(work_folder() / "rounding.npz")
        known = np.isin(rounding["films"], films[rows])
        self.rounded = rounding["changes"][known]
        self.rounded_of = np.array([row_of[film] for film in rounding["films"][known]])

    def head(self, rows, regularisation, variation, rounding):
        """Weight and bias fitted to these plain films and to how they change."""
        changes = (self.varied - self.plain[self.of])[np.isin(self.of, rows)]
        costs = [(variation, changes), (rounding, self.rounded)]
        return fit(self.plain[rows], self.labels[rows], regularisation, costs)


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


def margins(logits):
    """Log odds [n] of pneumonia against normal and of bacterial against viral, from logits [n,3]."""
    sick = np.logaddexp(logits[:, 1], logits[:, 2]) - logits[:, 0]
    return {"normal": sick, "type": logits[:, 1] - logits[:, 2]}


def out_of_fold(films, costs):
    """Logits [n,3] of plain films, [m,3] of varied ones and [k,3] of those in float, by heads that saw none."""
    plain, varied = np.zeros((len(films.plain), 3)), np.zeros((len(films.varied), 3))
    floats = films.plain[films.rounded_of] - films.rounded
    exact = np.zeros((len(floats), 3))
    for fitted, left in GroupKFold(FOLDS).split(films.plain, films.labels, films.patients):
        weight, bias = films.head(fitted, **costs)
        plain[left] = films.plain[left] @ weight.T + bias
        chosen = np.isin(films.of, left)
        varied[chosen] = films.varied[chosen] @ weight.T + bias
        chosen = np.isin(films.rounded_of, left)
        exact[chosen] = floats[chosen] @ weight.T + bias
    return plain, varied, exact


def rated(films, costs):
    """By question: AUC, answers kept when varied and when rounded, and the loss of each varied film."""
    plain, varied, exact = (margins(logits) for logits in out_of_fold(films, costs))
    found = {}
    for question in QUESTIONS:
        truth = films.labels > 0 if question == "normal" else films.labels == 1
        asked = films.labels >= 0 if question == "normal" else films.labels > 0
        before, after, floats = (margin[question] for margin in (plain, varied, exact))
        again, first = asked[films.of], asked[films.rounded_of]
        found[question] = {
            "auc": roc_auc_score(truth[asked], before[asked]),
            "varied": ((before[films.of] > 0) == (after > 0))[again].mean(),
            "rounded": ((before[films.rounded_of] > 0) == (floats > 0))[first].mean(),
            "losses": np.logaddexp(0, np.where(truth[films.of], -after, after))[again],
        }
    return found


def choose(dataset, taken):
    """The costs of each question, and the table of all as Markdown; `taken` holds those that the rule has no say in."""
    films = Collected(dataset)
    grid = [dict(zip(COSTS, values)) for values in itertools.product(*COSTS.values())]
    found = [(costs, rated(films, costs)) for costs in grid]
    lines = [
        f"{len(films.plain)} training films, {len(films.varied)} varied, {FOLDS} groups of patients",
        "",
        "| question | regularisation | variation | rounding | AUC | answer kept when varied | when rounded "
        "| cross-entropy when varied |",
        "|---|---|---|---|---|---|---|---|",
    ]
    best = {}
    for question in QUESTIONS:
        rows = [(costs, by_question[question]) for costs, by_question in found]
        rows.sort(key=lambda row: row[1]["losses"].mean())
        least = rows[0][1]["losses"]
        most = least.mean() + least.std() / np.sqrt(len(least))
        near = [row for row in rows if row[1]["losses"].mean() <= most]
        ruled, _ = max(near, key=lambda row: row[1]["varied"] + row[1]["rounded"])
        best[question] = taken.get(question, ruled)
        if all(costs != best[question] for costs, _ in near):
            raise SystemExit(f"{question}: {best[question]} is not within one standard error of the least")
        for costs, rate in rows:
            mark = " (the rule's)" if costs == ruled else ""
            mark = " (chosen)" if costs == best[question] else mark
            values = " | ".join(f"{value:g}" for value in costs.values())
            lines.append(
                f"| {question}{mark} | {values} | {rate['auc']:.4f} | {100 * rate['varied']:.1f} % "
                f"| {100 * rate['rounded']:.1f} % | {rate['losses'].mean():.4f} |"
            )
    return best, "\n".join(lines)


def final_head(dataset):
    """Weight [3,2048], bias [3] of the head that ships, and the number of films that it was fitted to."""
    films = Collected(dataset)
    chosen = json.loads((RESULTS / "head.json").read_text())
    rows = np.arange(len(films.plain))
    (normal, normal_bias), (kind, kind_bias) = (films.head(rows, **chosen[q]) for q in QUESTIONS)
    return joined(normal, kind), joined(normal_bias, kind_bias), len(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--fold")
    parser.add_argument("--choose", action="store_true")
    parser.add_argument("--take", action="append", default=[], metavar="QUESTION=COST,COST,COST")
    parser.add_argument("--final", action="store_true")
    parser.add_argument("--films", type=int, default=1800)
    parser.add_argument("--regularisation", type=float, default=0.003, help="of a fold's head")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    dataset = Dataset()
    if options.choose:
        taken = {}
        for text in options.take:
            question, _, costs = text.partition("=")
            taken[question] = dict(zip(COSTS, map(float, costs.split(",")), strict=True))
        chosen, table = choose(dataset, taken)
        (RESULTS / "head.json").write_text(json.dumps(chosen, indent=2) + "\n")
        (RESULTS / "head.md").write_text(table + "\n")
        print(table, json.dumps(chosen), sep="\n")
        return
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
