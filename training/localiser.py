"""Step "localiser": a small network that finds the thorax box however the plate was framed.

Input [N,1,64,64]: a window of the film, normalised. Output [N,4]: left, top, right, bottom of the
thorax as fractions of that window. It learns the boxes of congeal.py from windows cut, squashed,
rotated, windowed and blurred at random, so that it gives the same chest the same box. The labels
of the films play no part; held-back films are left out. Writes `localiser.pt`.

    python3 localiser.py [--steps 6000] [--start localiser.pt]
"""

import argparse
import math
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from congeal import blur
from dataset import Dataset
from network import use_all_cores
from paths import work_folder
from preprocess import CONTRAST, LOCALISER_SIZE, resample

SOURCE = 128
CUT = 0.25
BATCH = 96
RATE = 2e-3
GOING_ON_RATE = 1e-3
SEED = 11


class Localiser(nn.Module):
    """145,000 weights: four strided convolutions (`widths` channels) and two dense layers (`hidden` units)."""

    def __init__(self, widths=(16, 32, 48, 64), hidden=96):
        super().__init__()
        self.convs = nn.ModuleList(
            [nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in zip((1, *widths), widths)]
        )
        self.hidden = nn.Linear(widths[-1] * 4 * 4, hidden)
        self.box = nn.Linear(hidden, 4)

    def forward(self, window):
        for conv in self.convs:
            window = F.relu(conv(window))
        return self.box(F.relu(self.hidden(window.flatten(1))))


def of_state(state):
    """The localiser, of whatever widths, that a state dict holds."""
    widths = [len(state[f"convs.{i}.weight"]) for i in range(4)]
    network = Localiser(widths, len(state["hidden.weight"]))
    network.load_state_dict(state)
    return network


def widened(state):
    """A Localiser that finds what the narrower one in `state` finds: nothing listens to its new channels yet."""
    network = Localiser()
    with torch.no_grad():
        for name, value in network.named_parameters():
            old = state[name]
            if value.dim() > 1:
                value[: len(old), old.shape[1] :] = 0
            value[tuple(slice(side) for side in old.shape)] = old
    return network


def random_windows(boxes, plates, generator):
    """Windows [N,4] of the trimmed film: half around its plate, half around the thorax."""
    count = len(boxes)

    def uniform(low, high, *shape):
        return torch.rand(count, *shape, generator=generator) * (high - low) + low

    outward = torch.tensor([-1.0, -1.0, 1.0, 1.0])
    film = plates + outward * torch.where(
        uniform(0, 1, 4) < 0.5, torch.zeros(count, 4), uniform(-0.1, 0.1, 4)
    )
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    side = boxes[:, 2:] - boxes[:, :2]
    centre = centre + side * uniform(-0.12, 0.12, 2)
    side = side * uniform(math.log(0.95), math.log(1.4), 2).exp()
    thorax = torch.cat([centre - side / 2, centre + side / 2], dim=1)
    return torch.where(uniform(0, 1, 1) < 0.5, film, thorax)


def random_plates(count, generator):
    """Where a plate that was cut ends [N,4]: any, two opposite or all sides up to CUT shorter.

    A plate that is cut on all sides is rare if each side is cut by itself, and the hardest: little says
    where the thorax ends. So it has a share of its own, as has the square out of the middle.
    """

    def uniform(low, high, *shape):
        return torch.rand(count, *shape, generator=generator) * (high - low) + low

    some = uniform(0, CUT, 4) * (uniform(0, 1, 4) < 0.3)
    every = uniform(0, CUT, 1) * uniform(0.75, 1.25, 4)
    across = (uniform(0, 1, 1) < 0.7).expand(count, 4)
    sideways = torch.tensor([True, False, True, False])
    opposite = every * torch.where(across, sideways, ~sideways)
    kind = uniform(0, 1, 1)
    cuts = torch.where(kind < 0.5, some, torch.where(kind < 0.65, opposite, every))
    return torch.tensor([0.0, 0.0, 1.0, 1.0]) + cuts * torch.tensor([1.0, 1.0, -1.0, -1.0])


def sample_windows(pictures, windows, angles, plates):
    """Pictures [N,1,S,S] inside of windows, turned about the window's centre by `angles`.

    Outside of its plate the film's edge is repeated, as preprocess.resample does.
    """
    count = len(pictures)
    line = (torch.arange(LOCALISER_SIZE) + 0.5) / LOCALISER_SIZE - 0.5
    u = line.view(1, 1, -1).expand(count, LOCALISER_SIZE, -1)
    v = line.view(1, -1, 1).expand(count, -1, LOCALISER_SIZE)
    cos, sin = angles.cos().view(-1, 1, 1), angles.sin().view(-1, 1, 1)
    turned = torch.stack([u * cos - v * sin, u * sin + v * cos], dim=-1)
    centre = ((windows[:, :2] + windows[:, 2:]) / 2).view(-1, 1, 1, 2)
    side = (windows[:, 2:] - windows[:, :2]).view(-1, 1, 1, 2)
    low, high = plates[:, None, None, :2], plates[:, None, None, 2:]
    grid = 2 * torch.minimum(torch.maximum(centre + turned * side, low), high) - 1
    return F.grid_sample(pictures, grid, padding_mode="border", align_corners=False)


def vary(crops, generator):
    """Another window, gamma, blur, noise and a covered patch; then normalised."""
    count = len(crops)

    def uniform(low, high):
        return torch.rand(count, 1, 1, 1, generator=generator) * (high - low) + low

    low, high = uniform(-0.1, 0.15), uniform(0.75, 1.1)
    crops = ((crops - low) / (high - low)).clamp(0, 1) ** uniform(-0.5, 0.5).exp()
    crops = torch.where(uniform(0, 1) < 0.3, blur(crops, 1.0), crops)
    crops = crops + torch.randn(crops.shape, generator=generator) * uniform(0, 0.05)
    corner, side = uniform(0, LOCALISER_SIZE), uniform(0, 16)
    other, tall = uniform(0, LOCALISER_SIZE), uniform(0, 16)
    line = torch.arange(LOCALISER_SIZE).view(1, 1, 1, -1)
    inside = (line >= corner) & (line < corner + side)
    inside = inside & ((line >= other) & (line < other + tall)).transpose(2, 3)
    inside = inside & (uniform(0, 1) < 0.4)
    crops = torch.where(inside, uniform(0, 1).expand_as(crops), crops)
    return standardised(crops)


def standardised(crops):
    """preprocess.normalise for a batch."""
    mean = crops.mean(dim=(1, 2, 3), keepdim=True)
    deviation = crops.std(dim=(1, 2, 3), keepdim=True, unbiased=False).clamp(min=0.02)
    return (0.5 + CONTRAST * (crops - mean) / deviation).clamp(0, 1)


def train(network, pictures, boxes, trust, steps, rate):
    """The running average (EMA) of the network's weights over `steps` batches."""
    generator = torch.Generator().manual_seed(SEED)
    average = {key: value.clone() for key, value in network.state_dict().items()}
    optimiser = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps)
    began, errors = time.time(), []
    for step in range(steps):
        chosen = torch.randint(len(pictures), (BATCH,), generator=generator)
        target = boxes[chosen]
        plates = random_plates(BATCH, generator)
        windows = random_windows(target, plates, generator)
        angles = (torch.rand(BATCH, generator=generator) - 0.5) * (2 * math.radians(8))
        crops = vary(sample_windows(pictures[chosen], windows, angles, plates), generator)
        corner, side = windows[:, :2].repeat(1, 2), (windows[:, 2:] - windows[:, :2]).repeat(1, 2)
        wanted = (target - corner) / side
        off = F.smooth_l1_loss(network(crops), wanted, beta=0.02, reduction="none").mean(dim=1)
        loss = (off * trust[chosen]).mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
        decay = min(0.999, (step + 1) / (step + 10))
        for key, value in network.state_dict().items():
            average[key].lerp_(value, 1 - decay)
        errors.append(off.mean().item())
        if (step + 1) % 250 == 0:
            seconds = time.time() - began
            print(f"step {step + 1} loss {np.mean(errors[-250:]):.4f} {seconds:.0f} s", flush=True)
    return average


def load_localiser(name="localiser.pt"):
    """The trained localiser as the function that preprocess.thorax_box asks for."""
    network = of_state(torch.load(work_folder() / name)).eval()

    def localise(window):
        with torch.no_grad():
            return network(torch.from_numpy(window)[None, None])[0].double().numpy()

    return localise


def whole(pixels):
    """The whole trimmed film, squashed to SOURCE by SOURCE."""
    height, width = pixels.shape
    return resample(pixels.astype(np.float32) / 255, (0, 0, width, height), SOURCE)


def trust():
    """Weight [films] of each box: by its agreement with the mean film if congeal.py found it, else 1."""
    path = work_folder() / "agreement.npy"
    if not path.exists():
        return torch.ones(len(np.load(work_folder() / "boxes.npy")))
    return ((torch.from_numpy(np.load(path)) - 0.3) / 0.4).clamp(0, 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--start", help="go on from this localiser of scratch, which may be narrower")
    options = parser.parse_args()
    use_all_cores()
    torch.manual_seed(SEED)
    if options.start:
        network, rate = widened(torch.load(work_folder() / options.start)), GOING_ON_RATE
    else:
        network, rate = Localiser(), RATE
    dataset = Dataset()
    films = np.flatnonzero(dataset.parts != "held-back")
    pictures = torch.from_numpy(
        np.stack([whole(dataset.pixels(i, large=False)) for i in films])
    )[:, None]
    boxes = torch.from_numpy(np.load(work_folder() / "boxes.npy")[films]).float()
    state = train(network, pictures, boxes, trust()[films], options.steps, rate)
    torch.save(state, work_folder() / "localiser.pt")


if __name__ == "__main__":
    main()
