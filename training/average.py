"""Step "average": networks averaged, weight by weight, into one.

All started from the same weights and none went far, so the mean of their weights keeps what their
features tell (model soup, Wortsman et al. 2022). The held-back films were seen by none of them.
`train.py --fold all` goes on from mean.pt, the mean of the folds; the mean of the runs of distil.py ships.

    python3 average.py polished0.pt polished1.pt --out mean.pt        (in the scratch folder)
    python3 average.py refined0.pt refined1.pt --out final.pt
    python3 average.py distilled0.pt distilled1.pt --out final.pt
"""

import argparse

import torch

from paths import work_folder


def averaged(states):
    return {key: torch.stack([s[key] for s in states]).mean(dim=0) for key in states[0]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("checkpoints", nargs="+")
    parser.add_argument("--out", required=True)
    options = parser.parse_args()
    states = [torch.load(work_folder() / name)["state"] for name in options.checkpoints]
    torch.save({"state": averaged(states)}, work_folder() / options.out)
    print(f"{options.out}: mean of {len(states)} networks")


if __name__ == "__main__":
    main()
