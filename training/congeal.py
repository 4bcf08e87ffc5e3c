"""Step "congeal": a thorax box for every film, found by aligning all films with each other.

No box was ever drawn by hand. Each film has four unknowns, the centre and the logarithm of the
sides of its box (fractions of the trimmed film). All are moved together by gradient descent so
that what is inside of the boxes correlates best with the mean over all films (congealing), from
coarse to fine. The mean box over all films is held at the middle MEAN_SIDE. Writes `boxes.npy` [films,4]
(left, top, right, bottom as fractions of the trimmed film).

    python3 congeal.py [--share 1.0]      (share of the steps, for the smoke run)
"""

import argparse
import math

import numpy as np
import torch
from torch.nn import functional as F

from network import use_all_cores
from paths import work_folder
from preprocess import resample
from split import read_split

SOURCE = 80
TEMPLATE = 40
MEAN_SIDE = 0.86
LOG_SIDE = math.log(MEAN_SIDE)
STAGES = [(4.0, 60), (2.0, 60), (1.0, 80)]
PRIOR = 0.02


def blur(x, sigma):
    radius = int(3 * sigma)
    line = torch.exp(-0.5 * (torch.arange(-radius, radius + 1) / sigma) ** 2)
    line = (line / line.sum()).view(1, 1, -1, 1)
    x = F.conv2d(F.pad(x, (0, 0, radius, radius), mode="replicate"), line)
    return F.conv2d(F.pad(x, (radius, radius, 0, 0), mode="replicate"), line.transpose(2, 3))


def local_contrast(x):
    """Brightness less its surroundings, in units of the local deviation."""
    centred = x - blur(x, 8.0)
    return centred / (blur(centred**2, 8.0).sqrt() + 0.05)


def crop(pictures, boxes):
    """Samples [N,1,TEMPLATE,TEMPLATE] inside of boxes (centre x, centre y, log width, log height)."""
    line = (torch.arange(TEMPLATE) + 0.5) / TEMPLATE - 0.5
    size = boxes[:, 2:].exp()
    x = boxes[:, 0, None] + line * size[:, 0, None]
    y = boxes[:, 1, None] + line * size[:, 1, None]
    count = len(boxes)
    grid = torch.stack(
        [
            (2 * x - 1)[:, None, :].expand(count, TEMPLATE, TEMPLATE),
            (2 * y - 1)[:, :, None].expand(count, TEMPLATE, TEMPLATE),
        ],
        dim=-1,
    )
    return F.grid_sample(pictures, grid, padding_mode="border", align_corners=False)


def centred(boxes):
    """The same boxes, moved and scaled together so that their mean is the middle MEAN_SIDE."""
    mean = torch.tensor([0.5, 0.5, LOG_SIDE, LOG_SIDE])
    return boxes - boxes.mean(dim=0) + mean


def congeal(pictures, weights, share=1.0):
    """Boxes [N,4] of pictures [N,1,SOURCE,SOURCE], and their agreement with the mean film [N].

    `weights` balance the classes in the mean; `share` shortens every stage.
    """
    boxes = torch.tensor([[0.5, 0.5, LOG_SIDE, LOG_SIDE]]).repeat(len(pictures), 1)
    start = boxes.clone()
    boxes.requires_grad_()
    for sigma, steps in STAGES:
        source = blur(local_contrast(pictures), sigma)
        optimiser = torch.optim.Adam([boxes], lr=0.004)
        for _ in range(max(1, round(steps * share))):
            crops = crop(source, boxes).flatten(1)
            crops = crops - crops.mean(dim=1, keepdim=True)
            crops = crops / crops.norm(dim=1, keepdim=True)
            with torch.no_grad():
                template = (crops * weights[:, None]).sum(dim=0)
                template = template / template.norm()
            agreement = crops @ template
            loss = (-agreement + PRIOR * ((boxes - start) / 0.1).pow(2).sum(dim=1)).sum()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            with torch.no_grad():
                boxes.copy_(centred(boxes))
        print(f"blur {sigma}: mean correlation {agreement.mean():.3f}", flush=True)
    boxes = boxes.detach()
    half = boxes[:, 2:].exp() / 2
    return torch.cat([boxes[:, :2] - half, boxes[:, :2] + half], dim=1), agreement.detach()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--share", type=float, default=1.0)
    options = parser.parse_args()
    use_all_cores()
    films = np.load(work_folder() / "films.npz")
    labels = [row["label"] for row in read_split()]
    pictures = np.stack(
        [resample(p / np.float32(255), box, SOURCE) for p, box in zip(films["small"], films["trims"])]
    )
    weights = torch.tensor([1 / labels.count(label) for label in labels])
    boxes, agreement = congeal(torch.from_numpy(pictures)[:, None], weights, options.share)
    np.save(work_folder() / "boxes.npy", boxes.numpy())
    np.save(work_folder() / "agreement.npy", agreement.numpy())
    for label in sorted(set(labels)):
        chosen = boxes[[n for n, name in enumerate(labels) if name == label]].numpy()
        print(label, "mean box", chosen.mean(axis=0).round(3), "sd", chosen.std(axis=0).round(3))


if __name__ == "__main__":
    main()
