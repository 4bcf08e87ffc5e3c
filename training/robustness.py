"""Step "robustness": the shipped model on held-back originals, reframed and disturbed.

For every change, over all films, also those that the gate refuses: share with the label of the plain
film, mean |change of P(pneumonia)|, accuracy, share refused by the gate, share that shows less than SHOWN
of the thorax's box (the product flags these). A refused film gets no finding in the product, so the
first two are given again over the films of which neither picture is refused.

Then the shortcut audit, on the held-back originals and on those of the training: how well the score tells
wide plates from narrow ones, and large from small, within one class (AUC of the score for "above the
class's median"; 0.5 is no shortcut). Writes results/robustness.md; what backbone and localiser make of
the plates is kept in scratch `robustness.npz` for other heads and gates.

    python3 robustness.py [--threads 2]
"""

import argparse
import hashlib
import io
import json

import numpy as np
from PIL import Image
from sklearn.metrics import roc_auc_score

from dataset import Dataset
from films import LABELS, read_film
from gate import gate_vector, read_gate, refused
from localiser import load_localiser
from metrics import read_scores
from paths import MODEL, RESULTS, films_folder, work_folder
from preprocess import prepare
from runtime import features_of, read_head, softmax
from score import framed, logits_of

CHUNK = 256
# As in src/ai/quality.ts.
SHOWN = 2 / 3


def resized(film, width, height):
    image = Image.fromarray((film * 255).round().astype(np.uint8))
    return np.asarray(image.resize((width, height), Image.BILINEAR)) / np.float32(255)


def scaled(film, ratio):
    return resized(film, round(film.shape[1] * ratio), round(film.shape[0] * ratio))


def padded(film, rows, columns):
    return np.pad(film, ((rows, rows), (columns, columns)))


def letterbox(film):
    height, width = film.shape
    return padded(film, max(0, width - height) // 2, max(0, height - width) // 2)


def centre_square(film):
    height, width = film.shape
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return film[top : top + side, left : left + side]


def cut(film, left=0.0, top=0.0, right=0.0, bottom=0.0):
    height, width = film.shape
    rows = slice(int(top * height), height - int(bottom * height))
    return film[rows, int(left * width) : width - int(right * width)]


def jpeg(film, quality):
    stored = io.BytesIO()
    Image.fromarray((film * 255).round().astype(np.uint8)).save(stored, "JPEG", quality=quality)
    return np.asarray(Image.open(stored)) / np.float32(255)


def noisy(film, deviation):
    noise = np.random.default_rng(film.size).normal(0, deviation, film.shape)
    return np.clip(film + noise, 0, 1).astype(np.float32)


def windowed(film, width, shift=0.0):
    """The window's width times `width`, its centre moved by `shift` of the range."""
    return np.clip((film - 0.5 - shift) / width + 0.5, 0, 1)


REFRAMED = {
    "squashed to 224": lambda film: resized(film, 224, 224),
    "squashed to 299": lambda film: resized(film, 299, 299),
    "letterbox": letterbox,
    "centre square": centre_square,
    "all sides cut by a tenth": lambda film: cut(film, 0.1, 0.1, 0.1, 0.1),
    "all sides cut by a fifth": lambda film: cut(film, 0.2, 0.2, 0.2, 0.2),
    "0.5 times the resolution": lambda film: scaled(film, 0.5),
    "2 times the resolution": lambda film: scaled(film, 2),
    "border of 10 %": lambda film: padded(film, film.shape[0] // 10, film.shape[1] // 10),
    **{
        f"{side} cut by {share}": lambda film, side=side, share=share: cut(film, **{side: share})
        for share in (0.1, 0.2)
        for side in ("left", "right", "top", "bottom")
    },
}
DISTURBED = {
    "window 20 % narrower": lambda film: windowed(film, 0.8),
    "window 20 % wider": lambda film: windowed(film, 1.2),
    "window moved up 10 %": lambda film: windowed(film, 1.0, 0.1),
    "window moved down 10 %": lambda film: windowed(film, 1.0, -0.1),
    "JPEG quality 30": lambda film: jpeg(film, 30),
    "noise 0.02": lambda film: noisy(film, 0.02),
    "noise 0.05": lambda film: noisy(film, 0.05),
    "MONOCHROME1 by mistake": lambda film: 1 - film,
}


def vectors_of(films, changes, threads):
    """By "NAME" of the change gate vectors [films,2304], by "NAME shown" shares of the box [films].

    Computed unless scratch has them of these files.
    """
    files = [(MODEL / name).read_bytes() for name in ("backbone.onnx", "localiser.onnx")]
    made_of = hashlib.sha256(b"".join([*files, str([film.shape for film in films]).encode()])).hexdigest()
    path = work_folder() / "robustness.npz"
    if path.exists() and str(np.load(path)["made_of"]) == made_of:
        return dict(np.load(path))
    localise, vectors = load_localiser(), {}
    for name, change in changes.items():
        views = [prepare(np.ascontiguousarray(change(film), np.float32), localise)[0] for film in films]
        features, _ = features_of(MODEL / "backbone.onnx", views, threads)
        vectors[name] = np.stack([gate_vector(f, view.tensor) for f, view in zip(features, views)])
        vectors[f"{name} shown"] = np.array([view.cells.mean() for view in views])
        print(name, flush=True)
    np.savez(path, made_of=made_of, **vectors)
    return vectors


def robustness(dataset, count, threads):
    """Markdown rows of all changes on `count` held-back originals."""
    fitted = json.loads((RESULTS / "calibration.json").read_text())
    weight, bias = read_head(MODEL / "head.bin")
    gate, thresholds = read_gate()
    rows = [film for film in np.flatnonzero(dataset.parts == "held-back") if film in dataset.large_of]
    rows = np.random.default_rng(2).permutation(rows)[:count]
    labels = dataset.labels[rows]
    folder = films_folder() / "large"
    films = [read_film(folder / LABELS[dataset.labels[i]] / dataset.names[i]) / np.float32(255) for i in rows]
    changes = {"none": lambda film: film, **REFRAMED, **DISTURBED}
    vectors = vectors_of(films, changes, threads)
    found = {
        name: softmax(vectors[name][:, : weight.shape[1]] @ weight.T + bias, fitted["temperature"])
        for name in changes
    }
    out = {name: refused(gate, vectors[name], vectors[f"{name} shown"], thresholds) for name in changes}
    flagged = {name: share(vectors[f"{name} shown"] < SHOWN) for name in changes}
    plain = found["none"]
    lines = [
        f"{len(rows)} held-back originals",
        "",
        "| change | label kept | pneumonia kept at `present` | mean change of P | accuracy | refused "
        "| thorax cut | of the films read: label kept | mean change of P |",
        "|---|---|---|---|---|---|---|---|---|",
        f"| none | | | | {share(plain.argmax(1) == labels)} | {share(out['none'])} | {flagged['none']} | | |",
    ]
    for name in [*REFRAMED, *DISTURBED]:
        p = found[name]
        same = p.argmax(1) == plain.argmax(1)
        sick, sick_plain = (1 - q[:, 0] >= fitted["present"] for q in (p, plain))
        moved = np.abs(p[:, 0] - plain[:, 0])
        read = ~(out[name] | out["none"])
        both = f"{share(same[read])} | {moved[read].mean():.3f}" if read.any() else " | "
        lines.append(
            f"| {name} | {share(same)} | {share(sick == sick_plain)} | {moved.mean():.3f} "
            f"| {share(p.argmax(1) == labels)} | {share(out[name])} | {flagged[name]} | {both} |"
        )
    return lines


def share(flags):
    return f"{100 * np.mean(flags):.1f} %"


def held_back_scores():
    """Films, labels and P(pneumonia) of the held-back originals, from results/held-back.csv."""
    scores = read_scores([RESULTS / "held-back.csv"])
    scores = scores.of(scores.sources == "large")
    return scores.films, scores.labels, 1 - softmax(scores.logits)[:, 0]


def training_scores(dataset, count, threads):
    """The same of the training's originals, scored here."""
    rows = [film for film in np.flatnonzero(dataset.parts != "held-back") if film in dataset.large_of][:count]
    localise = load_localiser()
    logits = []
    for chunk in np.array_split(rows, -(-len(rows) // CHUNK)):
        views = [framed(dataset, film, True, localise) for film in chunk]
        logits.append(logits_of(MODEL, views, threads))
    return np.array(dataset.names)[rows], dataset.labels[rows], 1 - softmax(np.concatenate(logits))[:, 0]


def shortcut_audit(films, labels, p):
    """Markdown rows: AUC within a class of the score against the plate's aspect and short side.

    The last column is what 95 % of scores that know nothing of the plate stay below (the normal
    approximation of the rank sum's distribution).
    """
    sizes = []
    for film, label in zip(films, labels):
        with Image.open(films_folder() / "large" / LABELS[label] / film) as image:
            sizes.append(image.size)
    sizes = np.array(sizes)
    lines = ["| class | films | aspect ratio | short side | chance alone, up to |", "|---|---|---|---|---|"]
    for label, name in enumerate(LABELS):
        chosen = labels == label
        aucs = []
        for quantity in (sizes[:, 0] / sizes[:, 1], sizes.min(axis=1)):
            above = quantity[chosen] > np.median(quantity[chosen])
            auc = roc_auc_score(above, p[chosen])
            aucs.append(f"{max(auc, 1 - auc):.3f}")
        count = chosen.sum()
        chance = 0.5 + 1.96 * np.sqrt((count + 1) / (3 * count**2))
        lines.append(f"| {name} | {count} | {aucs[0]} | {aucs[1]} | {chance:.3f} |")
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--films", type=int, default=152)
    parser.add_argument("--audited", type=int, default=1358, help="of the training's originals")
    options = parser.parse_args()
    dataset = Dataset()
    lines = robustness(dataset, options.films, options.threads)
    held_back, training = held_back_scores(), training_scores(dataset, options.audited, options.threads)
    lines += ["", "## Shortcut audit (held-back originals)", "", *shortcut_audit(*held_back)]
    lines += ["", "## Shortcut audit (originals of the training, which the network has seen)", ""]
    lines += shortcut_audit(*training)
    (RESULTS / "robustness.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
