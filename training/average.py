"""Step "final": the five fold networks averaged, weight by weight, into the one that ships.

All started from the same weights and none went far, so the mean of their weights lies in the same
basin (model soup, Wortsman et al. 2022): each film of the five parts was seen by four of the five,
the held-back films by none. The heads are averaged likewise.

    python3 average.py [fold0.pt ...]
"""

import argparse
from pathlib import Path

import torch

from paths import work_folder


def averaged(states):
    return {key: torch.stack([s[key] for s in states]).mean(dim=0) for key in states[0]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("checkpoints", type=Path, nargs="*")
    options = parser.parse_args()
    paths = options.checkpoints or [work_folder() / f"fold{k}.pt" for k in range(5)]
    torch.save({"state": averaged([torch.load(path)["state"] for path in paths])}, work_folder() / "final.pt")
    print(f"final.pt: mean of {len(paths)} networks")


if __name__ == "__main__":
    main()
