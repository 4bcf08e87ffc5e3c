"""Step "split": five patient-wise folds and a held-back tenth that no training ever sees.

Films of one patient, and films with the same pixels, stay together. Groups are dealt out by the
largest remaining deficit, so every part has its share of each label and of large films. Writes
results/split.csv.

    python3 split.py
"""

import csv
import random

from films import LABELS, digest, list_films, read_film
from paths import RESULTS, films_folder

SHARES = {"held-back": 0.10, "0": 0.18, "1": 0.18, "2": 0.18, "3": 0.18, "4": 0.18}
SEED = 20261122


def groups_of(films, folder):
    """Lists of film indices that must not be separated (union-find)."""
    parent = list(range(len(films)))

    def root(i):
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    first = {}
    for i, film in enumerate(films):
        for key in (film.patient, digest(read_film(film.path(folder, "small")))):
            parent[root(i)] = root(first.setdefault(key, i))
    groups = {}
    for i in range(len(films)):
        groups.setdefault(root(i), []).append(i)
    return list(groups.values())


def deal(films, groups):
    """Part of every film."""
    strata = [film.label * 2 + film.large for film in films]
    deficit = {
        part: [share * strata.count(s) for s in range(2 * len(LABELS))]
        for part, share in SHARES.items()
    }
    groups = sorted(groups)
    random.Random(SEED).shuffle(groups)
    groups.sort(key=len, reverse=True)
    parts = [""] * len(films)
    for group in groups:
        best = max(
            SHARES,
            key=lambda part: sum(deficit[part][strata[i]] / SHARES[part] for i in group),
        )
        for i in group:
            parts[i] = best
            deficit[best][strata[i]] -= 1
    return parts


def read_split():
    """Rows of results/split.csv as dictionaries, in the order of films.list_films."""
    with open(RESULTS / "split.csv", newline="") as file:
        return list(csv.DictReader(file))


def main():
    folder = films_folder()
    films = list_films(folder)
    parts = deal(films, groups_of(films, folder))
    RESULTS.mkdir(parents=True, exist_ok=True)
    with open(RESULTS / "split.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["film", "label", "patient", "large", "part"])
        for film, part in zip(films, parts):
            writer.writerow([film.name, LABELS[film.label], film.patient, int(film.large), part])
    for part in SHARES:
        chosen = [film for film, p in zip(films, parts) if p == part]
        counts = [sum(film.label == label for film in chosen) for label in range(len(LABELS))]
        print(part, len(chosen), dict(zip(LABELS, counts)), "large", sum(f.large for f in chosen))


if __name__ == "__main__":
    main()
