"""Pictures that are no upright frontal chest film: drawn by code, or made from a film.

Every function takes a numpy random generator (and for CHANGES a film [H,W] in [0,1]; for `double` a
second one) and gives a film [H,W] float32 in [0,1].
"""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

WORDS = "the chest film was taken in bed lungs clear heart normal see report of march no effusion"


def _canvas(random, low=0, high=60):
    width, height = (int(v) for v in random.integers(320, 700, 2))
    image = Image.new("L", (width, height), int(random.integers(low, high)))
    return image, ImageDraw.Draw(image), width, height


def _finished(image, random, blur=(0.5, 3.0), noise=0.03):
    image = image.filter(ImageFilter.GaussianBlur(random.uniform(*blur)))
    film = np.asarray(image, np.float32) / 255
    film = film + random.normal(0, random.uniform(0, noise), film.shape)
    return np.clip(film, 0, 1).astype(np.float32)


def _cloud(random, height, width, power):
    """Random field with spectrum 1 / frequency ** power, in [0,1]."""
    fy = np.fft.fftfreq(height)[:, None] * height
    fx = np.fft.rfftfreq(width)[None] * width
    amplitude = 1 / np.maximum(1, np.hypot(fy, fx)) ** power
    phase = random.uniform(0, 2 * np.pi, amplitude.shape)
    field = np.fft.irfft2(amplitude * np.exp(1j * phase), (height, width))
    field -= field.min()
    return (field / field.max()).astype(np.float32)


def noise(random):
    height, width = (int(v) for v in random.integers(200, 600, 2))
    kind = random.integers(3)
    if kind == 0:
        return random.random((height, width)).astype(np.float32)
    if kind == 1:
        return np.clip(random.normal(0.5, 0.2, (height, width)), 0, 1).astype(np.float32)
    return _cloud(random, height, width, random.uniform(0.3, 2.2))


def blank(random):
    height, width = (int(v) for v in random.integers(200, 600, 2))
    film = np.full((height, width), random.random(), np.float32)
    if random.random() < 0.6:
        film += random.normal(0, random.uniform(0.001, 0.03), film.shape)
    if random.random() < 0.4:
        slope = np.linspace(-0.5, 0.5, width) * random.uniform(-0.6, 0.6)
        film = film + (slope if random.random() < 0.5 else slope[:, None][:height].mean())
    return np.clip(film, 0, 1).astype(np.float32)


def text(random):
    paper, ink = (240, 20) if random.random() < 0.7 else (15, 235)
    width, height = (int(v) for v in random.integers(350, 700, 2))
    image = Image.new("L", (width, height), paper)
    draw = ImageDraw.Draw(image)
    scale = int(random.integers(1, 4))
    font = ImageFont.load_default()
    words = WORDS.split()
    line = Image.new("L", (width // scale, 12), paper)
    y = int(random.integers(5, 30))
    while y < height - 14 * scale:
        drawn = line.copy()
        content = " ".join(random.choice(words, int(random.integers(2, 14))))
        ImageDraw.Draw(drawn).text((6, 0), content, fill=ink, font=font)
        image.paste(drawn.resize((width // scale * scale, 12 * scale)), (0, y))
        y += int(scale * random.integers(13, 22))
    if random.random() < 0.3:
        draw.rectangle([20, 20, width - 20, height // 4], outline=ink, width=3)
    return _finished(image, random, (0.0, 0.8))


def photograph(random):
    """Scenes: sky, ground, blobs, boxes, texture, or a face-like portrait."""
    image, draw, width, height = _canvas(random, 40, 200)
    cloud = _cloud(random, height, width, random.uniform(1.2, 2.0))
    image = Image.fromarray((255 * cloud).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for _ in range(int(random.integers(4, 40))):
        x, y = random.uniform(0, width), random.uniform(0, height)
        w, h = random.uniform(0.03, 0.5, 2) * [width, height]
        grey = int(random.integers(0, 255))
        kind = random.integers(4)
        if kind == 0:
            draw.ellipse([x - w / 2, y - h / 2, x + w / 2, y + h / 2], fill=grey)
        elif kind == 1:
            draw.rectangle([x, y, x + w, y + h], fill=grey)
        elif kind == 2:
            corners = [(x + random.uniform(-w, w), y + random.uniform(-h, h)) for _ in range(4)]
            draw.polygon(corners, fill=grey)
        else:
            draw.line([x, y, x + w, y + h], fill=grey, width=int(random.integers(1, 12)))
    film = _finished(image, random, (0.3, 2.0))
    texture = _cloud(random, height, width, random.uniform(0.5, 1.5))
    return np.clip(film * (0.75 + 0.5 * texture), 0, 1).astype(np.float32)


def shapes(random):
    """A few smooth bodies on a dark ground, like other radiographs at a glance."""
    image, draw, width, height = _canvas(random)
    for _ in range(int(random.integers(1, 7))):
        x, y = random.uniform(0.2, 0.8, 2) * [width, height]
        w, h = random.uniform(0.1, 0.8, 2) * [width, height]
        box = [x - w / 2, y - h / 2, x + w / 2, y + h / 2]
        draw.ellipse(box, fill=int(random.integers(30, 240)))
    return _finished(image, random, (1.0, 12.0), 0.06)


def hand(random):
    image, draw, width, height = _canvas(random)
    soft, bone = int(random.integers(60, 110)), int(random.integers(150, 240))
    x, y, unit = width / 2, height * 0.68, min(width, height) * random.uniform(0.17, 0.24)
    draw.ellipse([x - unit, y - unit, x + unit, y + unit * 1.1], fill=soft)
    draw.rectangle([x - unit * 0.6, y + unit * 0.5, x + unit * 0.6, height], fill=soft)
    for k in (-0.25, 0.25):
        draw.rectangle(
            [x + (k - 0.17) * unit, y + unit, x + (k + 0.17) * unit, height], fill=bone
        )
    spread = random.uniform(0.18, 0.32)
    for finger in range(5):
        angle = (finger - 2) * spread + random.normal(0, 0.04)
        length = unit * (2.2 if finger in (1, 2, 3) else 1.6)
        sine, cosine = np.sin(angle), -np.cos(angle)
        end = (x + sine * length * 1.25, y + cosine * length * 1.25)
        draw.line([(x + sine * unit * 0.5, y + cosine * unit * 0.5), end], soft, int(unit * 0.42))
        at = 0.45
        for part in (0.75, 0.42, 0.28, 0.2):
            to = at + part * length / unit / 1.7
            start = (x + sine * unit * at, y + cosine * unit * at)
            stop = (x + sine * unit * (to - 0.06), y + cosine * unit * (to - 0.06))
            draw.line([start, stop], bone, max(3, int(unit * 0.16)))
            at = to
    for _ in range(8):
        cx, cy = x + random.uniform(-0.5, 0.5) * unit, y + random.uniform(0.3, 0.9) * unit
        draw.ellipse([cx - unit * 0.16, cy - unit * 0.16, cx + unit * 0.16, cy + unit * 0.16], bone)
    return _finished(image, random)


def skull(random):
    image, draw, width, height = _canvas(random)
    x, y = width / 2, height * 0.45
    w, h = width * random.uniform(0.3, 0.4), height * random.uniform(0.32, 0.4)
    rim, brain = int(random.integers(180, 250)), int(random.integers(90, 150))
    draw.ellipse([x - w, y - h, x + w, y + h], fill=brain, outline=rim, width=int(w * 0.1))
    jaw = [x - w * 0.6, y + h * 0.4, x + w * 0.6, y + h * 1.35]
    draw.rounded_rectangle(jaw, radius=int(w * 0.25), fill=int(brain * 1.2), outline=rim, width=4)
    if random.random() < 0.6:
        for side in (-1, 1):
            cx, cy = x + side * w * 0.42, y + h * 0.3
            draw.ellipse([cx - w * 0.24, cy - h * 0.18, cx + w * 0.24, cy + h * 0.18], 50, rim, 3)
        draw.polygon([(x, y + h * 0.4), (x - w * 0.14, y + h * 0.75), (x + w * 0.14, y + h * 0.75)], 45)
    else:
        draw.ellipse([x - w * 0.8, y + h * 0.2, x - w * 0.3, y + h * 0.6], 50, rim, 3)
    for k in range(-4, 5):
        cx = x + k * w * 0.11
        draw.rectangle([cx - w * 0.045, y + h * 0.95, cx + w * 0.045, y + h * 1.15], fill=rim)
    return _finished(image, random)


def ct_slice(random):
    image, draw, width, height = _canvas(random, 0, 12)
    x, y = width / 2, height / 2
    w, h = width * random.uniform(0.38, 0.47), height * random.uniform(0.28, 0.38)
    draw.ellipse([x - w, y - h, x + w, y + h], fill=int(random.integers(110, 160)))
    lung = int(random.integers(5, 40))
    for side in (-1, 1):
        cx = x + side * w * 0.48
        draw.ellipse([cx - w * 0.36, y - h * 0.68, cx + w * 0.36, y + h * 0.62], fill=lung)
        for _ in range(25):
            px, py = cx + random.normal(0, 0.14) * w, y + random.normal(0, 0.25) * h
            r = random.uniform(0.005, 0.03) * w
            draw.ellipse([px - r, py - r, px + r, py + r], fill=150)
    heart = int(random.integers(140, 190))
    draw.ellipse([x - w * 0.2, y - h * 0.5, x + w * 0.4, y + h * 0.25], fill=heart)
    draw.ellipse([x - w * 0.13, y + h * 0.45, x + w * 0.13, y + h * 0.85], fill=240)
    draw.ellipse([x + w * 0.05, y + h * 0.3, x + w * 0.2, y + h * 0.5], fill=heart)
    for angle in np.linspace(0, 2 * np.pi, 14, endpoint=False):
        px, py = x + np.cos(angle) * w * 0.9, y + np.sin(angle) * h * 0.88
        draw.ellipse([px - w * 0.07, py - h * 0.04, px + w * 0.07, py + h * 0.04], fill=230)
    draw.arc([x - w, y + h * 0.4, x + w, y + h * 1.6], 20, 160, fill=120, width=5)
    return _finished(image, random, (0.5, 1.5))


def lateral(random):
    """Spine at the back, sternum in front, one lung field across, ribs slanting one way."""
    image, draw, width, height = _canvas(random)
    soft = int(random.integers(80, 140))
    left, right = width * random.uniform(0.1, 0.22), width * random.uniform(0.78, 0.92)
    draw.rounded_rectangle([left, 0, right, height], radius=width // 8, fill=soft)
    lung = int(random.integers(30, 70))
    span = right - left
    draw.ellipse([left + span * 0.15, height * 0.1, right - span * 0.12, height * 0.8], fill=lung)
    heart = int(random.integers(130, 180))
    draw.ellipse([left + span * 0.1, height * 0.38, left + span * 0.55, height * 0.75], fill=heart)
    dome = [left, height * 0.66, right, height * 1.3]
    draw.ellipse(dome, fill=int(random.integers(150, 200)))
    bone = int(random.integers(170, 235))
    for k in range(14):
        top = height * (0.02 + k * 0.07)
        bend = np.sin(k / 13 * np.pi) * span * 0.06
        x = right - span * 0.2 + bend
        draw.rectangle([x, top, x + span * 0.13, top + height * 0.052], fill=bone)
        if 1 < k < 11:
            end = (left + span * 0.12, top + height * random.uniform(0.12, 0.2))
            draw.line([(x, top), end], fill=int(bone * 0.65), width=max(2, int(height * 0.012)))
    draw.line([(left + span * 0.1, height * 0.15), (left + span * 0.05, height * 0.5)], bone, 6)
    film = _finished(image, random, (1.0, 3.0))
    return film[:, ::-1].copy() if random.random() < 0.5 else film


DRAWN = {
    "photograph": photograph,
    "text": text,
    "noise": noise,
    "blank": blank,
    "hand": hand,
    "skull": skull,
    "ct-slice": ct_slice,
    "lateral": lateral,
    "shapes": shapes,
}


def rotated_90(film, random):
    return np.rot90(film, int(random.choice([1, 3]))).copy()


def rotated_180(film, random):
    return np.rot90(film, 2).copy()


def inverted(film, random):
    return 1 - film


def half_covered(film, random):
    film = film.copy()
    height, width = film.shape
    share = random.uniform(0.4, 0.6)
    value = random.choice([0.0, 1.0, random.random()])
    side = random.integers(4)
    if side == 0:
        film[: int(height * share)] = value
    elif side == 1:
        film[int(height * (1 - share)) :] = value
    elif side == 2:
        film[:, : int(width * share)] = value
    else:
        film[:, int(width * (1 - share)) :] = value
    return film


def double_exposed(film, other, random):
    """Two films over each other, one moved, sometimes turned."""
    height, width = film.shape
    second = Image.fromarray(other).resize((width, height), Image.BILINEAR)
    second = np.asarray(second)
    turn = random.random()
    if turn < 0.3:
        second = second[:, ::-1]
    elif turn < 0.45:
        second = second[::-1]
    dx, dy = int(width * random.uniform(-0.35, 0.35)), int(height * random.uniform(-0.35, 0.35))
    second = np.roll(second, (dy, dx), axis=(0, 1))
    share = random.uniform(0.4, 0.6)
    return (share * film + (1 - share) * second).astype(np.float32)


def shuffled(film, random):
    """The film cut into tiles and put together wrongly."""
    count = int(random.integers(2, 5))
    height, width = (side // count * count for side in film.shape)
    tiles = film[:height, :width].reshape(count, height // count, count, width // count)
    tiles = tiles.transpose(0, 2, 1, 3).reshape(count * count, height // count, width // count)
    tiles = tiles[random.permutation(count * count)].reshape(count, count, *tiles.shape[1:])
    return tiles.transpose(0, 2, 1, 3).reshape(height, width).copy()


CHANGES = {
    "rotated-90": rotated_90,
    "rotated-180": rotated_180,
    "inverted": inverted,
    "half-covered": half_covered,
    "shuffled": shuffled,
}
# Two chests over each other look like one more than anything else here: training shows them more often.
DOUBLED_SHARE = 0.7


def strange(first, second, random):
    """Name and picture of something that the gate must refuse, made of two films in [0,1]."""
    if random.random() < DOUBLED_SHARE:
        return "double-exposed", double_exposed(first, second, random)
    name = str(random.choice(list(CHANGES)))
    return name, CHANGES[name](first, random)
