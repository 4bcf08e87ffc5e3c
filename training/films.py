"""The films on disk: labels, patients, exact duplicates, pixels."""

import hashlib
import re
from typing import NamedTuple

import numpy as np
from PIL import Image

LABELS = ["normal", "bacterial-pneumonia", "viral-pneumonia"]
PATIENT = re.compile(r"^(person\d+|(?:NORMAL2-)?IM-\d+)")


class Film(NamedTuple):
    """One film. `large` says whether its original (aspect ratio kept) is there as well."""

    name: str
    label: int
    patient: str
    large: bool

    def path(self, folder, size):
        return folder / size / LABELS[self.label] / self.name


def list_films(folder):
    """Every film of small/, sorted by label and name."""
    films = []
    for label, name in enumerate(LABELS):
        for path in sorted((folder / "small" / name).iterdir()):
            match = PATIENT.match(path.name)
            if not match:
                raise SystemExit(f"no patient in the file name {path.name}")
            patient = match.group(1).replace("NORMAL2-", "")
            large = (folder / "large" / name / path.name).exists()
            films.append(Film(path.name, label, patient, large))
    return films


def read_film(path):
    """Luma of a JPEG or PNG as uint8 [height, width]."""
    with Image.open(path) as image:
        return np.asarray(image.convert("L"))


def digest(pixels):
    """Equal for films with the same pixels."""
    return hashlib.sha256(str(pixels.shape).encode() + pixels.tobytes()).hexdigest()
