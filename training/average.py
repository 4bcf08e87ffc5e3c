"""Step "average": fold networks averaged, weight by weight, into the start of the last training.

All started from the same weights and none went far, so the mean of their weights keeps what their
features tell (model soup, Wortsman et al. 2022). Each part's films were seen by all of them but one,
the held-back films by none. `train.py --fold all` goes on from it.

    python3 average.py polished0.pt polished1.pt        (in the scratch folder)
"""

import argparse

import torch

from paths import work_folder


def averaged(states):
    return {key: torch.stack([s[key] for s in states]).mean(dim=0) for key in states[0]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("checkpoints", nargs="+")
    options = parser.parse_args()
    states = [torch.load(work_folder() / name)["state"] for name in options.checkpoints]
    torch.save({"state": averaged(states)}, work_folder() / "mean.pt")
    print(f"mean.pt: mean of {len(states)} networks")


if __name__ == "__main__":
    main()
