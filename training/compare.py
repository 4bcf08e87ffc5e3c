"""Step "parity of int8": the shipped int8 network against its fp32 reference, in onnxruntime-node.

On held-back films: share with the same label, mean and largest change of a probability, films a
second of both. Writes results/int8.json.

    python3 compare.py [--films 523]
"""

import argparse
import json

import numpy as np

from dataset import Dataset
from localiser import load_localiser
from paths import MODEL, RESULTS, work_folder
from runtime import features_of, read_head, softmax
from score import framed


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--films", type=int, default=523)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    dataset, localise = Dataset(), load_localiser()
    films = np.flatnonzero(dataset.parts == "held-back")[: options.films]
    views = [framed(dataset, film, True, localise) for film in films]
    weight, bias = read_head(MODEL / "head.bin")
    path = RESULTS / "calibration.json"
    temperature = json.loads(path.read_text())["temperature"]
    probabilities, rates = [], []
    for model in (work_folder() / "final-fp32.onnx", MODEL / "backbone.onnx"):
        features, rate = features_of(model, views, options.threads)
        probabilities.append(softmax(features @ weight.T + bias, temperature))
        rates.append(rate)
    fp32, int8 = probabilities
    result = {
        "films": len(films),
        "sameLabel": round(float((fp32.argmax(axis=1) == int8.argmax(axis=1)).mean()), 4),
        "meanChange": round(float(np.abs(fp32 - int8).mean()), 5),
        "largestChange": round(float(np.abs(fp32 - int8).max()), 4),
        "fp32FilmsPerSecond": rates[0],
        "int8FilmsPerSecond": rates[1],
        "timesAsFast": round(rates[1] / rates[0], 2),
    }
    (RESULTS / "int8.json").write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
