"""Film and box to a training tensor, varied beyond what sites do.

The box is moved, scaled and squashed; the film is cut, blurred by a lower resolution, compressed,
windowed, bent by gamma, covered in a corner and rotated; then normalised as preprocess.py does.
Never mirrored: the heart is on the left.
"""

import io

import numpy as np
from PIL import Image

from preprocess import cells_shown, normalise, resample, thorax_box

SHIFT = 0.07
SCALE = 0.15
ASPECT = 0.12
CUT = 0.2
ROTATION = 10.0
# Where the localiser itself looked, its own scatter needs no imitation.
JITTER = 0.5
EVEN_KINDS = (0.25, 0.25, 0.25, 0.25)


def varied_tensor(film, box, size, random, strength=1.0):
    """Float32 [size,size] in [0,1] of uint8 `film` and its thorax `box` (pixels).

    `strength` in [0,1] scales how often the film is cut, blurred, compressed, noisy or covered.
    """
    film, box = _cut(film, _varied_box(box, random), random, 0.4 * strength)
    return _disturbed(film, box, size, random, strength)


def reframed_tensor(film, localise, size, random, strength=1.0):
    """Float32 [size,size] of uint8 `film` on another plate, framed as the product would frame that.

    The plate is cut first and the thorax sought on what is left (preprocess.thorax_box with
    `localise`), so that training meets the boxes that the product will find on such plates.
    """
    return other_plate_tensor(film, localise, size, random, strength, EVEN_KINDS)[0]


def other_plate_tensor(film, localise, size, random, strength, kinds):
    """The tensor of `reframed_tensor` and how much of its cells lies on the plate (preprocess.cells_shown).

    `kinds` are the chances of one side cut, all sides, some sides, the long sides.
    """
    film = _other_plate(film, random, kinds)
    box, _ = thorax_box(film.astype(np.float32) / 255, localise)
    box = _varied_box(box, random, JITTER)
    height, width = film.shape
    return _disturbed(film, box, size, random, strength), cells_shown(box, width, height)


def _disturbed(film, box, size, random, strength):
    """The box of the film as a tensor: blurred, turned, compressed, windowed, noisy, covered."""
    tensor = _sampled(film.astype(np.float32) / 255, box, size, random, 0.5 * strength)
    if random.random() < 0.7:
        tensor = _rotated(tensor, random.uniform(-ROTATION, ROTATION))
    if random.random() < 0.15 * strength:
        tensor = _compressed(tensor, int(random.integers(20, 75)))
    tensor = _windowed(tensor, random)
    if random.random() < 0.35 * strength:
        tensor = tensor + random.normal(0, random.uniform(0.005, 0.05), tensor.shape)
        tensor = np.clip(tensor, 0, 1)
    if random.random() < 0.3 * strength:
        tensor = _covered(tensor, random)
    return normalise(tensor.astype(np.float32))


def _other_plate(film, random, kinds):
    """Up to CUT of one side, of some or of all sides is gone, or a part of the long sides."""
    kind = random.choice(len(kinds), p=kinds)
    height, width = film.shape
    cuts = np.zeros(4)
    if kind == 0:
        cuts[random.integers(4)] = random.uniform(0.05, CUT + 0.03)
    elif kind == 1:
        cuts[:] = random.uniform(0.03, CUT + 0.02) * random.uniform(0.8, 1.2, 4)
    elif kind == 2:
        cuts[random.choice(4, random.integers(2, 5), replace=False)] = random.uniform(0, CUT)
    else:
        cuts[[0, 2] if random.random() < 0.8 else [1, 3]] = random.uniform(0.05, CUT)
    left, top, right, bottom = (cuts * [width, height, width, height]).astype(int)
    return film[top : height - bottom, left : width - right]


def _varied_box(box, random, share=1.0):
    """The box moved, scaled and squashed by up to `share` of SHIFT, SCALE and ASPECT."""
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    scale = np.exp(share * random.uniform(-SCALE, SCALE))
    aspect = np.exp(share * random.uniform(-ASPECT, ASPECT))
    x = (left + right) / 2 + width * share * random.uniform(-SHIFT, SHIFT)
    y = (top + bottom) / 2 + height * share * random.uniform(-SHIFT, SHIFT)
    width, height = width * scale * aspect, height * scale / aspect
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def _cut(film, box, random, chance):
    """A plate that ends earlier: up to CUT of one to four sides is gone, the box stays."""
    if random.random() > chance:
        return film, box
    height, width = film.shape
    cuts = [0.0, 0.0, 0.0, 0.0]
    for side in random.choice(4, random.integers(1, 5), replace=False):
        cuts[side] = random.uniform(0, CUT)
    left, top = int(cuts[0] * width), int(cuts[1] * height)
    right, bottom = width - int(cuts[2] * width), height - int(cuts[3] * height)
    moved = (box[0] - left, box[1] - top, box[2] - left, box[3] - top)
    return film[top:bottom, left:right], moved


def _sampled(film, box, size, random, chance):
    """With this chance the film goes through a lower resolution first."""
    if random.random() > chance:
        return resample(film, box, size)
    low = int(size * random.uniform(0.4, 1.0))
    return resample(resample(film, box, low), (0, 0, low, low), size)


def _rotated(tensor, degrees):
    size = tensor.shape[0]
    image = Image.fromarray(tensor, "F")
    # Edge pixels are repeated outside, as in preprocess.resample.
    margin = size // 8
    padded = Image.fromarray(np.pad(np.asarray(image), margin, mode="edge"), "F")
    turned = padded.rotate(degrees, Image.BILINEAR)
    return np.asarray(turned)[margin : margin + size, margin : margin + size]


def _compressed(tensor, quality):
    stored = io.BytesIO()
    Image.fromarray((np.clip(tensor, 0, 1) * 255).astype(np.uint8)).save(stored, "JPEG", quality=quality)
    return np.asarray(Image.open(stored)).astype(np.float32) / 255


def _windowed(tensor, random):
    """Another window (clipping up to a fifth of the range) and gamma."""
    if random.random() < 0.6:
        low, high = random.uniform(-0.1, 0.15), random.uniform(0.8, 1.1)
        tensor = np.clip((tensor - low) / (high - low), 0, 1)
    if random.random() < 0.6:
        tensor = np.clip(tensor, 0, 1) ** np.exp(random.uniform(-0.4, 0.4))
    return tensor


def _covered(tensor, random):
    """A corner or edge covered by a flat patch, as markers and shutters do."""
    size = tensor.shape[0]
    height = int(size * random.uniform(0.05, 0.22))
    width = int(size * random.uniform(0.05, 0.22))
    top = 0 if random.random() < 0.5 else size - height
    left = int(random.uniform(0, size - width))
    if random.random() < 0.5:
        top, left = left, top
        height, width = width, height
        top, left = min(top, size - height), min(left, size - width)
    tensor = tensor.copy()
    tensor[top : top + height, left : left + width] = random.choice([0.0, 1.0, random.random()])
    return tensor
