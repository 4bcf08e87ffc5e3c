"""Step "manifest": models/pneumonia-inception-v3/manifest.json from the files and the results.

    python3 manifest.py --version 1.0.0
"""

import argparse
import hashlib
import json

import numpy as np

from metrics import read_scores
from paths import MODEL, RESULTS
from preprocess import LARGEST, SIZE
from runtime import softmax

LABELS = [
    ("normal", "17621005", "Normal"),
    ("bacterial-pneumonia", "53084003", "Bacterial pneumonia"),
    ("viral-pneumonia", "75570004", "Viral pneumonia"),
]
FILES = {
    "backbone": "backbone.onnx",
    "head": "head.bin",
    "localiser": "localiser.onnx",
    "gate": "gate.bin",
}
INPUT = {
    "width": SIZE,
    "height": SIZE,
    "channels": 1,
    "range": [0, 1],
    "preprocessing": "dh-pre-2",
    "framing": {
        "method": "trim-localise",
        "trim": {"deviation": 0.015, "share": 0.3},
        "localiser": {"width": 64, "height": 64, "enlarge": 1.16, "largest": LARGEST},
    },
    "resize": "triangle",
    "contrast": {"mean": 0.5, "deviation": 0.22, "minDeviation": 0.02},
}
POPULATION = {
    "ageYears": [1, 5],
    "views": ["AP"],
    "description": "Children of 1 to 5 years, AP chest films of one hospital in Guangzhou "
    "(Kermany et al. 2018), routine clinical care",
}
PROVENANCE = {
    "films": "Kermany et al. 2018, Labeled Optical Coherence Tomography (OCT) and Chest X-Ray "
    "Images for Classification, CC BY 4.0, official train part only",
    "base": "Inception V3 of npm nsfwjs 4.3.0, MIT",
    "pipeline": "training/",
}
# Used until results/calibration.json is there.
UNFITTED = {"temperature": 1.0, "present": 0.6, "absent": 0.4, "typeMargin": 0.2}


def reference(temperature):
    """Shares of the held-back small films by P(pneumonia) in ten bins: what drift is measured against."""
    scores = read_scores([RESULTS / "held-back.csv"])
    scores = scores.of(scores.sources == "small")
    p = 1 - softmax(scores.logits, temperature)[:, 0]
    counts = np.bincount(np.minimum((p * 10).astype(int), 9), minlength=10)
    return {"pneumonia": [round(share, 6) for share in counts / len(p)], "films": len(p)}


def described(path):
    content = path.read_bytes()
    return {"path": path.name, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def read_result(name, default):
    path = RESULTS / name
    return json.loads(path.read_text()) if path.exists() else default


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--version", required=True)
    options = parser.parse_args()
    fitted = read_result("calibration.json", UNFITTED)
    scored = (RESULTS / "held-back.csv").exists()
    gate = read_result("gate.json", None) if (MODEL / "gate.bin").exists() else None
    manifest = {
        "format": 1,
        "name": "pneumonia-inception-v3",
        "version": options.version,
        "architecture": "inception-v3",
        "labels": [
            {"id": name, "code": {"value": code, "scheme": "SCT", "meaning": meaning}}
            for name, code, meaning in LABELS
        ],
        "input": INPUT,
        "files": {
            name: described(MODEL / path) for name, path in FILES.items() if (MODEL / path).exists()
        },
        "calibration": {"temperature": fitted["temperature"]},
        "decision": {key: fitted[key] for key in ("present", "absent", "typeMargin")},
        **({"gate": gate} if gate else {}),
        "population": POPULATION,
        **({"reference": reference(fitted["temperature"])} if scored else {}),
        "provenance": PROVENANCE,
        "metrics": read_result("metrics.json", {}),
    }
    (MODEL / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
    print(MODEL / "manifest.json")


if __name__ == "__main__":
    main()
