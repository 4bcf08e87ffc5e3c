"""Step "gate": is this an upright frontal chest film at all? Writes gate.bin and results/gate.json.

A picture's gate vector v [2304] is the 2048 pooled features of the shipped network and a 16 by 16
thumbnail of the network's tensor. Two tests, both on z = (v - mean) * scale:

- kind: softmax regression over KINDS (chest, and what was made of training films or drawn by
  gate_pictures.py). p(chest) below `minChest` is refused; the reason is the likeliest other kind.
- distance from the training films, for pictures unlike anything here: Mahalanobis distance in
  their first COMPONENTS principal components plus the energy outside of them.

Thresholds come from cross-validation by patient over the training films; the table in results/ is
of held-back films, of drawings with other seeds, of photographs that Debian's packages carry, and,
with --blind, of the gate fitted without each kind.

    python3 gate.py collect [--shard i/n]    films and others through the shipped network
    python3 gate.py fit [--blind]            gate.bin, results/gate.json, results/gate.md
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
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from dataset import Dataset
from gate_pictures import CHANGES, DRAWN, double_exposed
from localiser import load_localiser
from paths import MODEL, RESULTS, work_folder
from preprocess import SIZE, prepare, resample
from runtime import run

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
SUBSPACE = 400
REGULARISATION = 0.2
CHEST_QUANTILE = 0.014
DISTANCE_QUANTILE = 0.004
CHUNK = 400
# Two chests over each other look like one more than anything else here: more of them are shown.
DOUBLED = 7


def varied(film, random):
    """What sites do to a chest film: cut, window, resolution, noise."""
    height, width = film.shape
    # A fifth of all sides at most: such a film is read, so the gate must know it.
    cut = random.uniform(0, 0.2, 4) * (random.random(4) < random.choice([0.4, 1.0]))
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


def pictures(dataset, films, changed, drawn, seed):
    """Yields (kind of picture, patient, picture): every film plain, some changed, some drawn."""
    random = np.random.default_rng(seed)

    def film_of(film):
        return dataset.pixels(film, random.random() < 0.5).astype(np.float32) / 255

    for film in films:
        yield "film", dataset.patients[film], film_of(film)
    for film in random.choice(films, 3 * changed):
        yield "film-varied", dataset.patients[film], varied(film_of(film), random)
    for name, change in CHANGES.items():
        for film in random.choice(films, changed):
            yield name, dataset.patients[film], change(film_of(film), random)
    for film, other in random.choice(films, (DOUBLED * changed, 2)):
        doubled = double_exposed(film_of(film), film_of(other), random)
        yield "double-exposed", dataset.patients[film], doubled
    for name, draw in DRAWN.items():
        for number in range(drawn):
            yield name, f"{name}-{seed}-{number}", draw(random)


def photographs():
    """Crops of the photographs that python3-sklearn and python3-scipy carry (never fitted on)."""
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    random = np.random.default_rng(5)
    sources = [np.asarray(Image.fromarray(p).convert("L")) for p in load_sample_images().images]
    sources += [ascent().astype(np.uint8), face(gray=True)]
    for number, source in enumerate(sources * 15):
        height, width = source.shape
        share = random.uniform(0.35, 1.0)
        h, w = int(height * share), int(width * share)
        top, left = random.integers(0, height - h + 1), random.integers(0, width - w + 1)
        crop = source[top : top + h, left : left + w]
        yield "real-photograph", f"photograph-{number}", crop / np.float32(255)


def collect(source, localise, threads):
    """Kinds, patients and gate vectors [N,2304] of (kind, patient, picture) triples."""
    names, patients, vectors, tensors = [], [], [], []

    def flush():
        images = np.stack(tensors)
        features, _ = run(MODEL / "backbone.onnx", images[:, None], threads=threads)
        vectors.extend(gate_vector(f, image) for f, image in zip(features, images))
        tensors.clear()

    for name, patient, film in source:
        names.append(name)
        patients.append(patient)
        tensors.append(prepare(film, localise)[0])
        if len(tensors) == CHUNK:
            flush()
    if tensors:
        flush()
    return np.array(names), np.array(patients), np.array(vectors, np.float32)


def gate_vector(features, tensor):
    thumb = resample(tensor, (0, 0, SIZE, SIZE), THUMB)
    return np.concatenate([features, thumb.ravel()])


class Gate:
    """The numbers of gate.bin."""

    def __init__(self, vectors, kinds):
        chest = vectors[kinds == 0]
        self.mean = chest.mean(axis=0)
        self.scale = 1 / (chest.std(axis=0) + 0.02)
        z = self.standardised(vectors)
        subspace = PCA(min(SUBSPACE, len(z) - 1), random_state=0).fit(z)
        model = LogisticRegression(C=REGULARISATION, class_weight="balanced", max_iter=1500)
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

    def scores(self, vectors):
        """Kind probabilities [N,5] and distances [N] (about 2 for a training film)."""
        z = self.standardised(vectors)
        logits = z @ self.weight.T + self.bias
        probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities /= probabilities.sum(axis=1, keepdims=True)
        inside = z @ self.components.T
        distance = (inside**2 / self.variance).mean(axis=1)
        return probabilities, distance + ((z**2).sum(axis=1) - (inside**2).sum(axis=1)) / self.residual

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


def refused(gate, vectors, thresholds):
    probabilities, distance = gate.scores(vectors)
    return (probabilities[:, 0] < thresholds["minChest"]) | (distance > thresholds["maxDistance"])


def thresholds_of(vectors, kinds, patients):
    """Quantiles over the training films, each scored by a gate that never saw its patient."""
    chest, distances = [], []
    for fitted, left in GroupKFold(3).split(vectors, kinds, patients):
        gate = Gate(vectors[fitted], kinds[fitted])
        probabilities, distance = gate.scores(vectors[left][kinds[left] == 0])
        chest.append(probabilities[:, 0])
        distances.append(distance)
    return {
        "minChest": round(float(np.quantile(np.concatenate(chest), CHEST_QUANTILE)), 6),
        "maxDistance": round(float(np.quantile(np.concatenate(distances), 1 - DISTANCE_QUANTILE)), 4),
    }


def collected():
    """The arrays of all shards, joined."""
    shards = [np.load(path) for path in sorted(work_folder().glob("gate-*.npz"))]
    return {name: np.concatenate([shard[name] for shard in shards]) for name in shards[0].files}


def chosen_films(dataset, count):
    """The training films that are collected plain, in the order of collection."""
    free = np.flatnonzero(dataset.parts != "held-back")
    return np.random.default_rng(1).permutation(free)[:count]


def collected_films(dataset):
    """Film indices and pooled features [n,2048] of the plain training films."""
    shards = [np.load(path) for path in sorted(work_folder().glob("gate-*.npz"))]
    plain = [shard["vectors"][shard["names"] == "film"][:, :2048] for shard in shards]
    films = chosen_films(dataset, sum(len(features) for features in plain))
    return np.concatenate([films[i :: len(shards)] for i in range(len(shards))]), np.concatenate(plain)


def fit(blind):
    saved = collected()
    names, patients, vectors = saved["names"], saved["patients"], saved["vectors"]
    kinds = np.array([KIND_OF[name] for name in names])
    thresholds = thresholds_of(vectors, kinds, patients)
    gate = Gate(vectors, kinds)
    gate.write(MODEL / "gate.bin")
    held, held_vectors = saved["held_names"], saved["held_vectors"]
    flagged = refused(gate, held_vectors, thresholds)
    lines = ["| held-back or newly drawn | pictures | refused |", "|---|---|---|"]
    if blind:
        lines = [lines[0] + " by a gate that never saw the kind |", lines[1] + "---|"]
    for name in dict.fromkeys(held):
        chosen = held == name
        lines.append(f"| {name} | {chosen.sum()} | {100 * flagged[chosen].mean():.1f} % |")
        if blind and KIND_OF.get(name, 0) > 0:
            rest = Gate(vectors[names != name], kinds[names != name])
            share = refused(rest, held_vectors[chosen], thresholds).mean()
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
    parser.add_argument("--changed", type=int, default=250)
    parser.add_argument("--drawn", type=int, default=150)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--blind", action="store_true", help="also without each kind (slow)")
    parser.add_argument("--shard", default="0/1", help="i/n: only every n-th picture, from the i-th")
    options = parser.parse_args()
    if options.step == "fit":
        fit(options.blind)
        return
    shard, shards = (int(number) for number in options.shard.split("/"))
    dataset, localise = Dataset(), load_localiser()
    films = chosen_films(dataset, options.films)
    source = pictures(dataset, films, options.changed, options.drawn, seed=1)
    source = islice(source, shard, None, shards)
    names, patients, vectors = collect(source, localise, options.threads)
    kept = np.flatnonzero(dataset.parts == "held-back")
    source = [
        *pictures(dataset, kept, options.changed // 4, options.drawn // 4, seed=2),
        *photographs(),
    ]
    held_names, _, held_vectors = collect(source[shard::shards], localise, options.threads)
    np.savez(
        work_folder() / f"gate-{shard}.npz",
        names=names,
        patients=patients,
        vectors=vectors,
        held_names=held_names,
        held_vectors=held_vectors,
    )
    print(f"{len(names)} pictures, {len(held_names)} held back")


if __name__ == "__main__":
    main()
