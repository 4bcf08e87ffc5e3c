"""Step "train": fine-tunes the whole network (but stem to mixed2) on all parts except one fold.

The held-back part is never trained on. Goes on from its last checkpoint when started again.
Writes `fold<k>.pt` with the running average (EMA) of the weights. `--polish` starts from there
with the head that refit.py found and lighter variation, and writes `polished<k>.pt`. `--fold all`
leaves no fold out and writes `final.pt`, the network that ships.

    python3 train.py --fold K [--plan 224:230,299:40] [--batch 16]
    python3 train.py --fold K --polish [--plan 299:150] [--stop 50]
    python3 train.py --fold all --start mean.pt [--plan 224:1500,299:500]
"""

import argparse
import math
import time

import numpy as np
import torch
from torch.nn import functional as F

from augment import varied_tensor
from bottlenecks import fit_head
from dataset import Dataset
from network import InceptionV3, use_all_cores
from paths import work_folder
from runtime import read_head

SEED = 7
# Shares of normal, bacterial and viral films in a batch: near the mix of a paediatric ward.
CLASS_SHARES = (0.36, 0.39, 0.25)
RATE = 1e-4
WEIGHT_DECAY = 0.02
WARM_UP = 15
POLISH_STRENGTH = 0.4
ALL_STRENGTH = 0.7
SMOOTHING = 0.05
EMA = 0.99
CLIP = 5.0
CHECKPOINT_EVERY = 50


def parse_plan(text):
    """"224:600,299:250" as the picture size of every step."""
    sizes = []
    for phase in text.split(","):
        size, steps = phase.split(":")
        sizes += [int(size)] * int(steps)
    return sizes


class Batches(torch.utils.data.Dataset):
    """Batch n is a pure function of seed and n, so a resumed run sees the same films."""

    def __init__(self, dataset, films, sizes, batch, seed, strength):
        self.dataset = dataset
        self.by_label = [films[dataset.labels[films] == label] for label in range(3)]
        self.sizes = sizes
        self.batch = batch
        self.seed = seed
        self.strength = strength

    def __len__(self):
        return len(self.sizes)

    def __getitem__(self, step):
        random = np.random.default_rng([self.seed, step])
        labels = random.choice(3, self.batch, p=CLASS_SHARES)
        tensors = []
        for label in labels:
            film = int(random.choice(self.by_label[label]))
            pixels, box = self.dataset.source(film, random.random() < 0.6)
            tensors.append(
                varied_tensor(pixels, box, self.sizes[step], random, self.strength)
            )
        return torch.from_numpy(np.stack(tensors))[:, None], torch.from_numpy(labels)


def starting_network(dataset, films, checkpoint):
    """The checkpoint's weights; the base gets a head fitted to its own features."""
    network = InceptionV3()
    network.load_state_dict(torch.load(work_folder() / checkpoint)["state"])
    if checkpoint != "base.pt":
        return network
    saved = np.load(work_folder() / "bottlenecks.npz")
    allowed = np.isin(saved["films"], films)
    weight, bias = fit_head(saved["features"][allowed], dataset.labels[saved["films"][allowed]])
    network.head.weight.data = torch.from_numpy(weight)
    network.head.bias.data = torch.from_numpy(bias)
    return network


def polished_start(fold):
    """The fold's network with its refitted head."""
    network = InceptionV3(dropout=0.2)
    network.load_state_dict(torch.load(work_folder() / f"fold{fold}.pt")["state"])
    weight, bias = read_head(work_folder() / f"fold{fold}" / "head.bin")
    network.head.weight.data = torch.from_numpy(weight.copy())
    network.head.bias.data = torch.from_numpy(bias.copy())
    return network


def make_optimiser(network):
    trained = [(name, p) for name, p in network.named_parameters() if p.requires_grad]
    decayed = [p for _, p in trained if p.dim() > 1]
    plain = [p for _, p in trained if p.dim() == 1]
    groups = [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": plain}]
    return torch.optim.AdamW(groups, lr=0.0, weight_decay=0.0)


def rate_at(step, steps):
    """Share of the highest learning rate: warm-up, then a cosine."""
    if step < WARM_UP:
        return (step + 1) / WARM_UP
    done = (step - WARM_UP) / max(1, steps - WARM_UP)
    return (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))


def classification_loss(network, images, labels):
    return F.cross_entropy(network(images), labels, label_smoothing=SMOOTHING)


def train(network, batches, name, stop, loss_of=classification_loss, rate=RATE, ema=EMA):
    """Trains the network on the first `stop` batches and returns the averaged state dict.

    `loss_of(network, images, labels)` is what is made small; `rate` the highest learning rate.
    """
    checkpoint = work_folder() / f"{name}.checkpoint.pt"
    sizes, batch = batches.sizes, batches.batch
    torch.manual_seed(batches.seed)
    network.freeze_through("mixed2")
    network.to(memory_format=torch.channels_last).train()
    optimiser = make_optimiser(network)
    average = {key: value.detach().clone() for key, value in network.state_dict().items()}
    start = 0
    if checkpoint.exists():
        saved = torch.load(checkpoint)
        network.load_state_dict(saved["network"])
        optimiser.load_state_dict(saved["optimiser"])
        average, start = saved["average"], saved["step"]
        print(f"goes on at step {start}", flush=True)
    loader = torch.utils.data.DataLoader(
        batches,
        sampler=range(start, stop),
        batch_size=None,
        num_workers=1,
        prefetch_factor=4,
    )
    began, losses = time.time(), []
    for step, (images, labels) in enumerate(loader, start):
        for group in optimiser.param_groups:
            group["lr"] = rate * rate_at(step, len(sizes))
        loss = loss_of(network, images.to(memory_format=torch.channels_last), labels)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(network.parameters(), CLIP)
        if not torch.isfinite(norm):
            raise SystemExit(f"{name}: the gradient of step {step + 1} is not finite")
        optimiser.step()
        decay = min(ema, (step + 1) / (step + 10))
        for key, value in network.state_dict().items():
            average[key].lerp_(value, 1 - decay)
        losses.append(loss.item())
        if (step + 1) % 25 == 0:
            speed = 25 * batch / (time.time() - began)
            print(
                f"{name} step {step + 1}/{len(sizes)} size {sizes[step]} "
                f"loss {np.mean(losses[-25:]):.3f} {speed:.1f} films/s",
                flush=True,
            )
            began = time.time()
        if (step + 1) % CHECKPOINT_EVERY == 0:
            state = {
                "network": network.state_dict(),
                "optimiser": optimiser.state_dict(),
                "average": average,
                "step": step + 1,
            }
            torch.save(state, checkpoint.with_suffix(".new"))
            checkpoint.with_suffix(".new").rename(checkpoint)
    return average


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--fold", required=True, choices=["0", "1", "2", "3", "4", "all"])
    parser.add_argument("--start", help="begin with this checkpoint's weights")
    parser.add_argument("--polish", action="store_true")
    parser.add_argument("--plan")
    parser.add_argument("--stop", type=int, help="end after this many steps of the plan")
    parser.add_argument("--batch", type=int, default=16)
    options = parser.parse_args()
    use_all_cores()
    dataset = Dataset()
    films = np.flatnonzero((dataset.parts != options.fold) & (dataset.parts != "held-back"))
    if options.polish:
        name, seed, strength = f"polished{options.fold}", 100 + SEED, POLISH_STRENGTH
        plan, network = options.plan or "299:150", polished_start(options.fold)
    else:
        name, strength = f"fold{options.fold}", 1.0
        if options.fold == "all":
            name, strength = "final", ALL_STRENGTH
        seed = SEED
        plan, network = options.plan or "224:230,299:40", starting_network(dataset, films, options.start or "base.pt")
    seed += 5 if options.fold == "all" else int(options.fold)
    batches = Batches(dataset, films, parse_plan(plan), options.batch, seed, strength)
    state = train(network, batches, name, options.stop or len(batches))
    saved = {"state": state, "fold": options.fold, "plan": plan}
    torch.save(saved, work_folder() / f"{name}.pt")
    (work_folder() / f"{name}.checkpoint.pt").unlink(missing_ok=True)


if __name__ == "__main__":
    main()
