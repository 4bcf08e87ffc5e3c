"""Where things are: films and scratch from the environment, results and models in the checkout.

DH_FILMS  folder with small/<label>/ and large/<label>/ (never inside the checkout)
DH_WORK   scratch for caches and checkpoints (default: the system's temporary folder, dh-train)
DH_RESULTS, DH_MODEL, DH_PARITY   instead of training/results, models/pneumonia-inception-v3 and
          training/parity
"""

import os
import tempfile
from pathlib import Path

TRAINING = Path(__file__).resolve().parent
RESULTS = Path(os.environ.get("DH_RESULTS", TRAINING / "results"))
PARITY = Path(os.environ.get("DH_PARITY", TRAINING / "parity"))
MODEL = Path(os.environ.get("DH_MODEL", TRAINING.parent / "models" / "pneumonia-inception-v3"))


def films_folder():
    folder = os.environ.get("DH_FILMS")
    if not folder:
        raise SystemExit("set DH_FILMS to the folder that holds small/ and large/")
    return Path(folder)


def work_folder():
    folder = Path(os.environ.get("DH_WORK", Path(tempfile.gettempdir()) / "dh-train"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
