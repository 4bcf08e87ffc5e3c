"""Step "distil": of a cut plate the network learns to see what it sees of the whole one.

The network is its own teacher (Hinton et al. 2015): from a film framed as the product frames it the
network that was begun with computes features; the one that learns has to find the same features, and
what the shipped head makes of them, in the same film on other plates, most of them cut on all sides.
Plain films and pictures that the gate must refuse are held where they are, so that head, gate and
thresholds meet what they were made for. No label is used.

Features are the mean of the feature map over what lies on the film (preprocess.cells_shown), here as
in the product. Films of WATCHED are left out, so that what is learned can be looked at on films that
were not learned from. Held-back films are never seen. Runs differ in --run and are averaged by
`average.py distilled0.pt distilled1.pt`. Writes `distilled<run>.pt`.

    python3 distil.py --run 0 [--plan 224:600,299:400] [--stop N]
"""

import argparse

import numpy as np
import torch
from torch.nn import functional as F

from augment import other_plate_tensor
from dataset import Dataset
from gate_pictures import strange
from localiser import load_localiser
from network import InceptionV3, use_all_cores
from paths import MODEL, work_folder
from preprocess import thorax_box, view_of
from refit import MIN_DEVIATION
from runtime import read_head
from train import CLASS_SHARES, parse_plan, train

SEED = 61
RATE = 4e-5
EMA = 0.995
FILMS = 5
PLATES = 2
OTHERS = 2
STRENGTH = 0.5
# Chances of one side cut, all sides, some sides, the long sides.
PLATE_KINDS = (0.15, 0.55, 0.15, 0.15)
FEATURE_WEIGHT = 0.2
WATCHED = 150
MEASURED = 240
BATCH = 12


def watched(dataset):
    """Originals of the training by which the learning is looked at: WATCHED films of part 0."""
    rows = [film for film in np.flatnonzero(dataset.parts == "0") if film in dataset.large_of]
    return np.random.default_rng(SEED).permutation(rows)[:WATCHED]


class Plates(torch.utils.data.Dataset):
    """Batch n, a pure function of seed and n: FILMS plain films, PLATES of each, OTHERS pictures.

    Yields tensors [n,1,H,W] and how much of their cells lies on the film, [n,CELLS,CELLS].
    """

    def __init__(self, dataset, films, sizes, seed):
        self.dataset = dataset
        self.films = films
        self.by_label = [films[dataset.labels[films] == label] for label in range(3)]
        self.localise = load_localiser()
        self.sizes = sizes
        self.batch = FILMS * (1 + PLATES) + OTHERS
        self.seed = seed

    def __len__(self):
        return len(self.sizes)

    def __getitem__(self, step):
        random = np.random.default_rng([self.seed, step])
        size = self.sizes[step]
        films = [
            int(random.choice(self.by_label[label])) for label in random.choice(3, FILMS, p=CLASS_SHARES)
        ]
        views = [self.framed(in_unit(self.pixels(film, random)), size) for film in films]
        for _ in range(PLATES):
            for film in films:
                pixels = self.pixels(film, random)
                views.append(
                    other_plate_tensor(pixels, self.localise, size, random, STRENGTH, PLATE_KINDS)
                )
        views += [self.framed(self.strange(random), size) for _ in range(OTHERS)]
        tensors, shown = (np.stack(parts).astype(np.float32) for parts in zip(*views))
        return torch.from_numpy(tensors)[:, None], torch.from_numpy(shown)

    def pixels(self, film, random):
        return self.dataset.pixels(film, random.random() < 0.6)

    def framed(self, picture, size):
        """The view that the product would have of a picture in [0,1]."""
        box, _ = thorax_box(picture, self.localise)
        return view_of(picture, box, size)

    def strange(self, random):
        """A picture that the gate must refuse."""
        first, second = (
            in_unit(self.pixels(int(random.choice(self.films)), random)) for _ in range(2)
        )
        return strange(first, second, random)[1]


def in_unit(pixels):
    return pixels.astype(np.float32) / 255


class Distilling:
    """The loss: Kullback-Leibler divergence of the head's answers, and distance of standardised features."""

    def __init__(self, teacher, weight, bias, deviation):
        self.teacher = teacher
        self.weight, self.bias, self.deviation = weight, bias, deviation

    def __call__(self, network, images, shown):
        plain = slice(0, FILMS)
        others = slice(FILMS * (1 + PLATES), None)
        with torch.no_grad():
            taught = pooled(
                self.teacher,
                torch.cat([images[plain], images[others]]),
                torch.cat([shown[plain], shown[others]]),
            )
        learned = pooled(network, images, shown)
        wanted = torch.cat([taught[:FILMS]] * (1 + PLATES) + [taught[FILMS:]])
        distance = (((learned - wanted) / self.deviation) ** 2).mean(dim=1)
        chests = slice(0, FILMS * (1 + PLATES))
        divergence = F.kl_div(
            self.log_shares(learned[chests]),
            self.log_shares(wanted[chests]),
            reduction="none",
            log_target=True,
        ).sum(dim=1)
        return divergence.mean() + FEATURE_WEIGHT * distance.mean()

    def log_shares(self, features):
        return torch.log_softmax(features @ self.weight.T + self.bias, dim=1)


def pooled(network, images, shown):
    """Features [n,2048] of what lies on the film."""
    # Debian's PyTorch has bfloat16 convolutions on processors with AVX512-BF16; the rest stays float32.
    with torch.autocast("cpu", dtype=torch.bfloat16):
        feature_map = network.feature_map(images)
    feature_map = feature_map.float()
    weights = F.interpolate(shown[:, None], feature_map.shape[2:], mode="area")
    return (feature_map * weights).sum(dim=(2, 3)) / weights.sum(dim=(2, 3))


def deviation_of(teacher, plates, dataset):
    """How much the teacher's features differ from film to film, [2048], from MEASURED films."""
    chosen = np.random.default_rng(SEED).choice(plates.films, min(MEASURED, len(plates.films)), replace=False)
    found = []
    for part in np.array_split(chosen, -(-len(chosen) // BATCH)):
        views = [dataset.view(film) for film in part]
        tensors, shown = (torch.from_numpy(np.stack(parts).astype(np.float32)) for parts in zip(*views))
        with torch.no_grad():
            found.append(pooled(teacher, tensors[:, None].to(memory_format=torch.channels_last), shown))
    return torch.cat(found).std(dim=0) + MIN_DEVIATION


def starting(checkpoint):
    network = InceptionV3(dropout=0)
    network.load_state_dict(torch.load(work_folder() / checkpoint)["state"])
    return network.to(memory_format=torch.channels_last)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--run", type=int, default=0)
    parser.add_argument("--start", default="final.pt")
    parser.add_argument("--plan", default="224:600,299:400")
    parser.add_argument("--stop", type=int)
    options = parser.parse_args()
    use_all_cores()
    dataset = Dataset()
    left_out = np.isin(dataset.patients, dataset.patients[watched(dataset)])
    films = np.flatnonzero((dataset.parts != "held-back") & ~left_out)
    weight, bias = (torch.from_numpy(part.copy()) for part in read_head(MODEL / "head.bin"))
    teacher = starting(options.start).eval().requires_grad_(False)
    plates = Plates(dataset, films, parse_plan(options.plan), SEED + 10 * options.run)
    loss = Distilling(teacher, weight, bias, deviation_of(teacher, plates, dataset))
    name = f"distilled{options.run}"
    network = starting(options.start)
    state = train(network, plates, name, options.stop or len(plates), loss, RATE, EMA)
    torch.save({"state": state, "plan": options.plan}, work_folder() / f"{name}.pt")
    (work_folder() / f"{name}.checkpoint.pt").unlink(missing_ok=True)


if __name__ == "__main__":
    main()
