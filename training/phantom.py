"""Draws a small set of phantom films into DH_FILMS, laid out and named as the real set is.

For the smoke run only. A phantom has a body, lungs, ribs, spine, heart and diaphragm; bacterial
ones have one round opacity, viral ones a haze on both sides.

    python3 phantom.py [--patients 24]
"""

import argparse

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from films import LABELS
from paths import films_folder


def chest(label, random):
    """Film [H,W] uint8, about 500 by 400."""
    width, height = int(random.integers(420, 560)), int(random.integers(330, 430))
    image = Image.new("L", (width, height), 10)
    draw = ImageDraw.Draw(image)
    x, w = width / 2 + random.normal(0, 8), width * random.uniform(0.36, 0.43)
    draw.rounded_rectangle([x - w, -40, x + w, height + 40], radius=60, fill=130)
    for side in (-1, 1):
        cx = x + side * w * 0.46
        draw.ellipse([cx - w * 0.34, height * 0.1, cx + w * 0.34, height * 1.0], fill=60)
        for rib in range(8):
            top = height * (0.1 + rib * 0.09)
            draw.arc([cx - w * 0.4, top, cx + w * 0.4, top + height * 0.3], 180, 360, 110, 6)
    draw.rectangle([x - w * 0.09, 0, x + w * 0.09, height], fill=190)
    draw.ellipse([x - w * 0.2, height * 0.4, x + w * 0.48, height * 0.82], fill=170)
    draw.ellipse([x - w, height * 0.76, x + w, height * 1.4], fill=180)
    draw.text((12, 12), "R", fill=240)
    film = np.asarray(image.filter(ImageFilter.GaussianBlur(2.5)), np.float64)
    if label > 0:
        y, column = np.mgrid[0:height, 0:width]
        spread = w * (0.2 if label == 1 else 0.5)
        sides = [random.choice([-1, 1])] if label == 1 else [-1, 1]
        for side in sides:
            distance = np.hypot(column - x - side * w * 0.45, y - height * 0.5)
            film += (70 if label == 1 else 35) * np.exp(-((distance / spread) ** 2))
    return np.clip(film + random.normal(0, 4, film.shape), 0, 255).astype(np.uint8)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--patients", type=int, default=24)
    options = parser.parse_args()
    random = np.random.default_rng(9)
    kinds = ["IM-{:04d}-0001", "person{}_bacteria_1", "person{}_virus_2"]
    for label, name in enumerate(LABELS):
        for size in ("small", "large"):
            (films_folder() / size / name).mkdir(parents=True, exist_ok=True)
        for patient in range(options.patients):
            film = Image.fromarray(chest(label, random))
            file = kinds[label].format(patient) + ".jpeg"
            film.resize((224, 224), Image.BILINEAR).save(films_folder() / "small" / name / file)
            if patient % 2:
                film.save(films_folder() / "large" / name / file, quality=88)
    print(f"{3 * options.patients} phantom films")


if __name__ == "__main__":
    main()
