"""Step "gate": is this an upright frontal chest film at all? Writes gate.bin and results/gate.json.

A picture's gate vector v [2304] is the 2048 pooled features of the shipped network and a 16 by 16
thumbnail of the network's tensor. Two tests, both on z = (v - mean) * scale:

- kind: softmax regression over KINDS (chest, and what was made of training films or drawn by
  gate_pictures.py). p(chest) below `minChest` is refused; the reason is the likeliest other kind.
- distance from the training films, for pictures unlike anything here: Mahalanobis distance in
  their first COMPONENTS principal components plus the energy outside of them, times the share of the thorax's
  box that is film.

Regularisation and thresholds come from cross-validation by patient over the training films: of REGULARISATIONS
the one that refuses most double exposures at the share of films that may be refused. The table in results/ is
of held-back films, of drawings with other seeds, of photographs that Debian's packages carry, and,
with --blind, of the gate fitted without each kind.

    python3 gate.py collect [--shard i/n]    films and others through the shipped network
    python3 gate.py collect --doubled N [--seed 3]    N double exposures more, of the same films
    python3 gate.py fit [--blind]            gate.bin, results/gate.json, gate.md, gate-choice.md
"""

import argparse
import json
import warnings
from itertools import islice

import numpy as np
from PIL import Image
from scipy.misc import ascent, face
from sklearn.datasets import load_sample_images
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from dataset import Dataset
from gate_pictures import CHANGES, DRAWN, double_exposed
from localiser import load_localiser
from paths import MODEL, RESULTS, work_folder
from preprocess import SIZE, prepare, resample
from runtime import features_of

KINDS = ["chest", "orientation", "polarity", "coverage", "not-chest"]
KIND_OF = {
    "film": 0,
    "film-varied": 0,
    "rotated-90": 1,
    "rotated-180": 1,
    "inverted": 2,
    "half-covered": 3,
    "double-exposed": 3,
    "shuffled": 4,
    **{name: 4 for name in DRAWN},
}
THUMB = 16
COMPONENTS = 32
SUBSPACE = 800
REGULARISATIONS = (0.1, 1.0)
CHEST_QUANTILE = 0.015
DISTANCE_QUANTILE = 0.003
CHUNK = 400
# Two chests over each other look like one more than anything else here: more of them are shown.
DOUBLED = 7


def varied(film, random):
    """What sites do to a chest film: cut, window, resolution, noise."""
    height, width = film.shape
    # A fifth of all sides and little more: such a film is read, so head and gate must know it.
    kind = random.integers(3)
    if kind == 2:
        cut = random.uniform(0.03, 0.2) * random.uniform(0.9, 1.1, 4)
    else:
        cut = random.uniform(0, 0.22, 4) * (random.random(4) < (0.4, 1.0)[kind])
    film = film[
        int(cut[0] * height) : height - int(cut[1] * height),
        int(cut[2] * width) : width - int(cut[3] * width),
    ]
    height, width = film.shape
    if random.random() < 0.4:
        side = int(random.integers(140, 300))
        film = resample(film, (0, 0, width, height), side)
    low, high = random.uniform(-0.15, 0.15), random.uniform(0.85, 1.15)
    film = np.clip((film - low) / (high - low), 0, 1)
    film = film ** np.exp(random.uniform(-0.3, 0.3))
    film = film + random.normal(0, random.uniform(0, 0.03), film.shape)
    return np.clip(film, 0, 1).astype(np.float32)


def film_at_random(dataset, film, random):
    """A film in [0,1], from its original in half of the draws."""
    return dataset.pixels(film, random.random() < 0.5).astype(np.float32) / 255


def doubled(dataset, films, count, random):
    """Double exposures of two films each, as pictures() yields them."""
    for film, other in random.choice(films, (count, 2)):
        first, second = (film_at_random(dataset, one, random) for one in (film, other))
        yield "double-exposed", film, double_exposed(first, second, random)


def pictures(dataset, films, counts, seed):
    """Yields (kind of picture, film that it is of or -1, picture): every film plain, some changed, some drawn.

    `counts`: pictures of each kind in CHANGES (`changed`), of each in DRAWN (`drawn`), of `varied` films.
    """
    random = np.random.default_rng(seed)

    def film_of(film):
        return film_at_random(dataset, film, random)

    for film in films:
        yield "film", film, film_of(film)
    for film in random.choice(films, counts["varied"]):
        yield "film-varied", film, varied(film_of(film), random)
    for name, change in CHANGES.items():
        for film in random.choice(films, counts["changed"]):
            yield name, film, change(film_of(film), random)
    yield from doubled(dataset, films, DOUBLED * counts["changed"], random)
    for name, draw in DRAWN.items():
        for _ in range(counts["drawn"]):
            yield name, -1, draw(random)


def photographs():
    """Crops of the photographs that python3-sklearn and python3-scipy carry (never fitted on)."""
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    random = np.random.default_rng(5)
    sources = [np.asarray(Image.fromarray(p).convert("L")) for p in load_sample_images().images]
    sources += [ascent().astype(np.uint8), face(gray=True)]
    for source in sources * 15:
        height, width = source.shape
        share = random.uniform(0.35, 1.0)
        h, w = int(height * share), int(width * share)
        top, left = random.integers(0, height - h + 1), random.integers(0, width - w + 1)
        crop = source[top : top + h, left : left + w]
        yield "real-photograph", -1, crop / np.float32(255)


def collect(source, localise, threads):
    """Kinds, films, gate vectors [N,2304] and shares of the box that are film, of (kind, film, picture) triples."""
    names, films, vectors, shown, views = [], [], [], [], []

    def flush():
        features, _ = features_of(MODEL / "backbone.onnx", views, threads)
        vectors.extend(gate_vector(f, view.tensor) for f, view in zip(features, views))
        views.clear()
        print(f"{len(names)} pictures", flush=True)

    for name, film, picture in source:
        names.append(name)
        films.append(film)
        views.append(prepare(picture, localise)[0])
        shown.append(views[-1].cells.mean())
        if len(views) == CHUNK:
            flush()
    if views:
        flush()
    return np.array(names), np.array(films), np.array(vectors, np.float32), np.array(shown, np.float32)


def gate_vector(features, tensor):
    thumb = resample(tensor, (0, 0, SIZE, SIZE), THUMB)
    return np.concatenate([features, thumb.ravel()])


class Gate:
    """The numbers of gate.bin."""

    def __init__(self, vectors, kinds, regularisation):
        chest = vectors[kinds == 0]
        self.mean = chest.mean(axis=0)
        self.scale = 1 / (chest.std(axis=0) + 0.02)
        z = self.standardised(vectors)
        subspace = PCA(min(SUBSPACE, len(z) - 1), random_state=0).fit(z)
        model = LogisticRegression(C=regularisation, class_weight="balanced", max_iter=600)
        with warnings.catch_warnings():
            # Kinds that can be separated are separated ever better.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(subspace.transform(z), kinds)
        present = list(model.classes_)
        self.weight = np.zeros((len(KINDS), z.shape[1]))
        self.bias = np.full(len(KINDS), -50.0)
        self.weight[present] = model.coef_ @ subspace.components_
        self.bias[present] = model.intercept_ - self.weight[present] @ subspace.mean_
        shape = PCA(COMPONENTS, random_state=0).fit(z[kinds == 0])
        self.components, self.variance = shape.components_, shape.explained_variance_
        inside = z[kinds == 0] @ self.components.T
        self.residual = ((z[kinds == 0] ** 2).sum(axis=1) - (inside**2).sum(axis=1)).mean()

    def standardised(self, vectors):
        return (vectors - self.mean) * self.scale

    def scores(self, vectors, shown):
        """Kind probabilities [N,5] and distances [N] (about 2 for a training film).

        Features that are a mean over a part of the cells differ more from each other: squares of what is off grow
        with one over the share that is `shown` [N], so distances are multiplied by it.
        """
        z = self.standardised(vectors)
        logits = z @ self.weight.T + self.bias
        probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities /= probabilities.sum(axis=1, keepdims=True)
        inside = z @ self.components.T
        distance = (inside**2 / self.variance).mean(axis=1)
        distance += ((z**2).sum(axis=1) - (inside**2).sum(axis=1)) / self.residual
        return probabilities, distance * shown

    def write(self, path):
        parts = [self.mean, self.scale, self.weight, self.bias, self.components, self.variance]
        values = np.concatenate([*(np.ravel(part) for part in parts), [self.residual]])
        values.astype("<f4").tofile(path)


def read_gate():
    """The shipped gate and its thresholds."""
    gate = object.__new__(Gate)
    shape = json.loads((RESULTS / "gate.json").read_text())
    length, kinds, count = 2048 + THUMB**2, len(KINDS), COMPONENTS
    values = np.fromfile(MODEL / "gate.bin", "<f4").astype(np.float64)
    sizes = [length, length, kinds * length, kinds, count * length, count, 1]
    parts = np.split(values, np.cumsum(sizes)[:-1])
    gate.mean, gate.scale, weight, gate.bias, components, gate.variance, residual = parts
    gate.weight, gate.components = weight.reshape(kinds, -1), components.reshape(count, -1)
    gate.residual = residual[0]
    return gate, shape


def refused(gate, vectors, shown, thresholds):
    probabilities, distance = gate.scores(vectors, shown)
    return (probabilities[:, 0] < thresholds["minChest"]) | (distance > thresholds["maxDistance"])


def cross_validated(vectors, shown, kinds, patients, regularisation):
    """p(chest) [N] and distance [N] of every picture by a gate that never saw its patient."""
    chest, distances = np.zeros(len(vectors)), np.zeros(len(vectors))
    for fitted, left in GroupKFold(3).split(vectors, kinds, patients):
        gate = Gate(vectors[fitted], kinds[fitted], regularisation)
        probabilities, distances[left] = gate.scores(vectors[left], shown[left])
        chest[left] = probabilities[:, 0]
    return chest, distances


def choose(vectors, shown, kinds, names, patients):
    """The regularisation, its thresholds (quantiles over the plain training films), and a table of all."""
    lines = ["| regularisation | double-exposed refused | varied films refused |", "|---|---|---|"]
    best = None
    for regularisation in REGULARISATIONS:
        chest, distances = cross_validated(vectors, shown, kinds, patients, regularisation)
        films = names == "film"
        thresholds = {
            "minChest": round(float(np.quantile(chest[films], CHEST_QUANTILE)), 6),
            "maxDistance": round(float(np.quantile(distances[films], 1 - DISTANCE_QUANTILE)), 4),
        }
        out = (chest < thresholds["minChest"]) | (distances > thresholds["maxDistance"])
        caught, varied = (out[names == name].mean() for name in ("double-exposed", "film-varied"))
        lines.append(f"| {regularisation:g} | {100 * caught:.1f} % | {100 * varied:.1f} % |")
        if best is None or caught > best[0]:
            best = (caught, regularisation, thresholds)
    _, regularisation, thresholds = best
    return regularisation, thresholds, "\n".join(lines)


def patients_of(dataset, films):
    """The group of each picture: the film's patient; a drawing has one of its own."""
    return np.array([dataset.patients[f] if f >= 0 else f"drawing-{n}" for n, f in enumerate(films)])


def collected():
    """The arrays of all shards, joined."""
    shards = [np.load(path) for path in sorted(work_folder().glob("gate-*.npz"))]
    return {name: np.concatenate([shard[name] for shard in shards]) for name in shards[0].files}


def chosen_films(dataset, count):
    """The training films that are collected plain, in the order of collection."""
    free = np.flatnonzero(dataset.parts != "held-back")
    return np.random.default_rng(1).permutation(free)[:count]


def fit(blind):
    saved = collected()
    names, vectors, shown = saved["names"], saved["vectors"], saved["shown"]
    kinds = np.array([KIND_OF[name] for name in names])
    patients = patients_of(Dataset(), saved["films"])
    regularisation, thresholds, choices = choose(vectors, shown, kinds, names, patients)
    (RESULTS / "gate-choice.md").write_text(choices + "\n")
    print(choices)
    gate = Gate(vectors, kinds, regularisation)
    gate.write(MODEL / "gate.bin")
    held, held_vectors, held_shown = saved["held_names"], saved["held_vectors"], saved["held_shown"]
    flagged = refused(gate, held_vectors, held_shown, thresholds)
    lines = ["| held-back or newly drawn | pictures | refused |", "|---|---|---|"]
    if blind:
        lines = [lines[0] + " by a gate that never saw the kind |", lines[1] + "---|"]
    for name in dict.fromkeys(held):
        chosen = held == name
        lines.append(f"| {name} | {chosen.sum()} | {100 * flagged[chosen].mean():.1f} % |")
        if blind and KIND_OF.get(name, 0) > 0:
            rest = Gate(vectors[names != name], kinds[names != name], regularisation)
            share = refused(rest, held_vectors[chosen], held_shown[chosen], thresholds).mean()
            lines[-1] += f" {100 * share:.1f} % |"
        elif blind:
            lines[-1] += " |"
    table = "\n".join(lines)
    (RESULTS / "gate.md").write_text(table + "\n")
    shape = {"features": 2048, "thumb": THUMB, "kinds": KINDS, "components": COMPONENTS}
    (RESULTS / "gate.json").write_text(json.dumps({**shape, **thresholds}, indent=2) + "\n")
    print(table, thresholds, sep="\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("step", choices=["collect", "fit"])
    parser.add_argument("--films", type=int, default=2000)
    parser.add_argument("--varied", type=int, default=1800)
    parser.add_argument("--changed", type=int, default=250)
    parser.add_argument("--drawn", type=int, default=150)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--doubled", type=int, help="only so many double exposures, beside the collected pictures")
    parser.add_argument("--seed", type=int, default=3, help="of --doubled")
    parser.add_argument("--blind", action="store_true", help="also without each kind (slow)")
    parser.add_argument("--shard", default="0/1", help="i/n: only every n-th picture, from the i-th")
    options = parser.parse_args()
    if options.step == "fit":
        fit(options.blind)
        return
    dataset, localise = Dataset(), load_localiser()
    films = chosen_films(dataset, options.films)
    kept = np.flatnonzero(dataset.parts == "held-back")
    if options.doubled:
        shard = f"doubled-{options.seed}"
        source = doubled(dataset, films, options.doubled, np.random.default_rng(options.seed))
        held = doubled(dataset, kept, options.doubled // 4, np.random.default_rng(options.seed + 1))
    else:
        shard, shards = (int(number) for number in options.shard.split("/"))
        counts = {name: getattr(options, name) for name in ("varied", "changed", "drawn")}
        source = islice(pictures(dataset, films, counts, seed=1), shard, None, shards)
        fewer = {name: count // 4 for name, count in counts.items()}
        held = [*pictures(dataset, kept, fewer, seed=2), *photographs()][shard::shards]
    names, films, vectors, shown = collect(source, localise, options.threads)
    held_names, held_films, held_vectors, held_shown = collect(held, localise, options.threads)
    np.savez(
        work_folder() / f"gate-{shard}.npz",
        names=names,
        films=films,
        vectors=vectors,
        shown=shown,
        held_names=held_names,
        held_films=held_films,
        held_vectors=held_vectors,
        held_shown=held_shown,
    )
    print(f"{len(names)} pictures, {len(held_names)} held back")


if __name__ == "__main__":
    main()
