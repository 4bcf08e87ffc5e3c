"""Step "refine": a trained network goes on learning what it still got wrong.

Goes on from `restored.pt` (restore.py), so from what shipped. Three things differ from train.py:

- Each film is seen twice in a batch, plainly framed and on another plate, and the two answers have to
  be one answer (Jensen-Shannon divergence): framing must not matter.
- Labels of the type are noisy: the network's probabilities go through CONFUSION before they meet the
  label (forward correction, Patrini et al. 2017), so that a wrong label pulls with a bounded force.
- A second head tells chest films from what the gate must refuse. It is thrown away; what it leaves
  are features in which a gate can see two chests over each other.

Runs that differ in --run (films, order, variations) start from the same weights and are averaged by
`average.py refined0.pt refined1.pt`. Held-back films are never seen. Writes `refined<run>.pt`.

    python3 refine.py --run 0 [--plan 224:1100,299:400] [--stop N]
"""

import argparse
import math

import numpy as np
import torch
from torch.nn import functional as F

from augment import reframed_tensor, varied_tensor
from dataset import Dataset
from gate import KIND_OF, KINDS
from gate_pictures import strange
from localiser import load_localiser
from network import FEATURES, InceptionV3, use_all_cores
from paths import work_folder
from preprocess import normalise, resample, thorax_box
from train import CLASS_SHARES, parse_plan, train

SEED = 41
RATE = 5e-5
EMA = 0.998
FILMS = 7
OTHERS = 2
PLAIN_STRENGTH = 0.4
OTHER_PLATE_STRENGTH = 0.7
AGREEMENT = 1.0
KIND_WEIGHT = 0.2
# Row: what the film shows; column: what its label says.
CONFUSION = torch.tensor([[0.98, 0.01, 0.01], [0.02, 0.90, 0.08], [0.02, 0.08, 0.90]])


class Views(torch.utils.data.Dataset):
    """Batch n, a pure function of seed and n: FILMS plain views, their other views, OTHERS pictures.

    Labels are the FILMS classes followed by the OTHERS kinds (of gate.KINDS).
    """

    def __init__(self, dataset, films, sizes, seed):
        self.dataset = dataset
        self.films = films
        self.by_label = [films[dataset.labels[films] == label] for label in range(3)]
        self.localise = load_localiser()
        self.sizes = sizes
        self.batch = 2 * FILMS + OTHERS
        self.seed = seed

    def __len__(self):
        return len(self.sizes)

    def __getitem__(self, step):
        random = np.random.default_rng([self.seed, step])
        size = self.sizes[step]
        labels = random.choice(3, FILMS, p=CLASS_SHARES)
        plain, other = [], []
        for label in labels:
            film = int(random.choice(self.by_label[label]))
            plain.append(varied_tensor(*self.source(film, random), size, random, PLAIN_STRENGTH))
            pixels, _ = self.source(film, random)
            other.append(
                reframed_tensor(pixels, self.localise, size, random, OTHER_PLATE_STRENGTH)
            )
        strange = [self.strange(size, random) for _ in range(OTHERS)]
        tensors = [*plain, *other, *(tensor for tensor, _ in strange)]
        wanted = [*labels, *(kind for _, kind in strange)]
        return torch.from_numpy(np.stack(tensors))[:, None], torch.tensor(wanted)

    def source(self, film, random):
        return self.dataset.source(film, random.random() < 0.6)

    def strange(self, size, random):
        """A picture that the gate must refuse, framed as the product frames it, and its kind."""
        first, second = (self.pixels(random) for _ in range(2))
        name, picture = strange(first, second, random)
        box, _ = thorax_box(picture, self.localise)
        return normalise(resample(picture, box, size)), KIND_OF[name]

    def pixels(self, random):
        film = int(random.choice(self.films))
        return self.dataset.pixels(film, random.random() < 0.6).astype(np.float32) / 255


class WithKinds(InceptionV3):
    """Inception V3 with the second head."""

    def __init__(self):
        super().__init__()
        self.kinds = torch.nn.Linear(FEATURES, len(KINDS))


def log_confused(logits):
    """Log probabilities of the labels that films with these class logits get."""
    return torch.log(torch.softmax(logits, dim=1) @ CONFUSION)


def disagreement(first, second):
    """Mean Jensen-Shannon divergence of two batches of logits, from logarithms: none can be infinite."""
    p, q = torch.log_softmax(first, dim=1), torch.log_softmax(second, dim=1)
    middle = torch.logaddexp(p, q) - math.log(2)
    return ((p.exp() * (p - middle)).sum(dim=1) + (q.exp() * (q - middle)).sum(dim=1)).mean() / 2


def refining_loss(network, images, wanted):
    # Debian's PyTorch has bfloat16 convolutions on processors with AVX512-BF16; the rest stays float32.
    with torch.autocast("cpu", dtype=torch.bfloat16):
        feature_map = network.feature_map(images)
    features = network.dropout(feature_map.float().mean(dim=(2, 3)))
    logits = network.head(features[: 2 * FILMS])
    labels = wanted[:FILMS]
    loss = F.nll_loss(log_confused(logits), torch.cat([labels, labels]))
    loss = loss + AGREEMENT * disagreement(logits[:FILMS], logits[FILMS:])
    kinds = torch.cat([torch.zeros(2 * FILMS, dtype=torch.long), wanted[FILMS:]])
    return loss + KIND_WEIGHT * F.cross_entropy(network.kinds(features), kinds)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--run", type=int, default=0)
    parser.add_argument("--start", default="restored.pt")
    parser.add_argument("--plan", default="224:1100,299:400")
    parser.add_argument("--stop", type=int)
    options = parser.parse_args()
    use_all_cores()
    dataset = Dataset()
    films = np.flatnonzero(dataset.parts != "held-back")
    torch.manual_seed(SEED + options.run)
    network = WithKinds()
    network.load_state_dict(torch.load(work_folder() / options.start)["state"], strict=False)
    views = Views(dataset, films, parse_plan(options.plan), SEED + options.run)
    name = f"refined{options.run}"
    state = train(network, views, name, options.stop or len(views), refining_loss, RATE, EMA)
    state = {key: value for key, value in state.items() if not key.startswith("kinds.")}
    torch.save({"state": state, "plan": options.plan}, work_folder() / f"{name}.pt")
    (work_folder() / f"{name}.checkpoint.pt").unlink(missing_ok=True)


if __name__ == "__main__":
    main()
