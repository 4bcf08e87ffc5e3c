"""Step "card": MODEL_CARD.md and results/metrics.json from the result files.

    python3 model_card.py
"""

import json

import numpy as np

from metrics import expected_calibration_error, read_scores, table, with_intervals
from paths import MODEL, RESULTS
from runtime import softmax

CARD = """# Model card: pneumonia-inception-v3

After Mitchell et al., "Model Cards for Model Reporting" (2019). Every figure here is made by the
commands of `training/README.md`; this file itself by `python3 model_card.py`.

## Model

- Inception V3 (Szegedy et al. 2016), fine-tuned on chest films, int8 weights and activations, with
  a softmax head for three classes: normal, bacterial pneumonia, viral pneumonia. The mean of two
  fold networks' weights, with a head fitted anew to its features (`docs/decisions/0071`).
- Beside it: a localiser that finds the thorax, so that the plate's framing does not matter, and an
  input gate that refuses what is no upright frontal chest film.
- Base: the Inception V3 in npm nsfwjs 4.3.0 (MIT). Licence of this model: Apache-2.0; the films it
  was trained on are CC BY 4.0 and are not part of it.

## Intended use

- A second look and a sorting aid for chest films of children of 1 to 5 years, AP, beside the
  radiologist's reading. Every output is to be confirmed by a physician.
- Out of scope: diagnosis without a physician; adults, infants under 1 year; PA, lateral or decubitus
  views; any finding other than pneumonia (a film called normal may show a fracture, an effusion, a
  tumour, a tube in the wrong place). Bacterial against viral is weak evidence: the labels behind
  it are noisy, and treatment must not rest on it.

## Data

Kermany, Zhang, Goldbaum et al. 2018 (Guangzhou Women and Children's Medical Center), official train
part only: 5,216 films (1,341 normal, 2,530 bacterial, 1,345 viral), 1,510 of them also from their
originals. Split by patient, with exact duplicates kept together (`training/results/split.csv`): five
folds, and a tenth of the patients held back from the training of the network, the localiser, the
thresholds and the gate. (The alignment that gives the localiser its boxes ran over all films, without labels.)

**Training was cut short.** The machine was shared and time ran out: two of five folds were trained to the
end (about 4,300 film passes each at 224 and 299 pixels, stem to mixed2 frozen, then 1,200 at 299), and
the head is fitted to {head_films} films. On held-back films the
project's targets for accuracy (91 %), bacterial against viral (AUC 0.96) and specificity (90 % at 97 %
sensitivity) are not reached; the official test part was not measured here. A longer training with the same
commands is the first thing to do.

Sex, exact age, device and hospital are not known for these films, so no results by such subgroups
can be given. One hospital, one country, one period.

## Results

Probabilities at temperature {temperature}; "present" is P(pneumonia) >= {present}, "absent" is
P <= {absent}, between them the model abstains. Intervals: 95 % bootstrap over patients.

**Held-back patients, the shipped int8 network** (small films, {count_held}). Temperature,
thresholds, gate and head were not chosen on them; that the polished networks were averaged and not the
unpolished ones was decided with a look at 105 of them.

| measure | value | 95 % interval |
|---|---|---|
{held_small}

Their originals, {count_held_large}:

| measure | value | 95 % interval |
|---|---|---|
{held_large}

**Out of fold, head only**: the head's cross-validation by patient on {head_films} films. The backbone below it
has seen these films (about once each), so this flatters; the thresholds and the temperature come from it.

| measure | value | 95 % interval |
|---|---|---|
{oof}

**One fold network before averaging**, on the fold that it never saw ({count_fold} small films):

| measure | value | 95 % interval |
|---|---|---|
{fold}

Decisions on the held-back small films:

| truth | absent | undetermined | present |
|---|---|---|---|
{decisions}

### Calibration

Expected calibration error (15 bins) of the label: {ece_before} before and {ece_after} after the temperature
out of fold; {ece_held_before} before and {ece_held_after} after on the held-back small films.

### int8 against fp32

On {int8[films]} held-back films: the same label for {same_label} %, mean change of a probability
{int8[meanChange]}, largest {int8[largestChange]}; {int8[timesAsFast]} times as fast
(`results/int8.json`).

### Framing and disturbance

{robustness}

### Input gate

{gate}

## Limits and shortcuts

- In the originals the plate's aspect ratio and size give the label away (AUC 0.875 and 0.925, other
  people's measurement). Against it: films are framed by the thorax and squashed to a square,
  contrast is normalised, and training varied aspect, scale, cut, resolution and window. What is left is in the
  shortcut audit above: within a class the score should not know the plate.
- The films are from one hospital. Elsewhere the thresholds may not hold: check with `evaluate` on
  own films, and `retrain` if they do not.
- Labels bacterial / viral are noisy in the training part, which bounds the AUC that can be measured there.
- The gate knows films of this set. It was tried on drawings and photographs, not on real films of
  other body parts or real laterals, of which none were to be had.
- The thorax boxes were never drawn by a person; they come from aligning all films with each other.
- Only the held-back figures are the shipped network's own.
- The held-back figures were seen after each version while the work went on, for the head once before its
  settings were fixed, so they flatter a little. The gate was fitted before the first convolution went to int8.

## How to make it again

`training/README.md`, one command a step, seeds fixed.
"""


def decisions(labels, p, fitted):
    rows = []
    for name, chosen in (("normal", labels == 0), ("bacterial", labels == 1), ("viral", labels == 2)):
        absent = (p[chosen] <= fitted["absent"]).sum()
        present = (p[chosen] >= fitted["present"]).sum()
        rows.append(f"| {name} | {absent} | {chosen.sum() - absent - present} | {present} |")
    return "\n".join(rows)


def label_ece(scores, temperature):
    p = softmax(scores.logits, temperature)
    return round(expected_calibration_error(p.max(axis=1), p.argmax(axis=1) == scores.labels), 4)


def main():
    fitted = json.loads((RESULTS / "calibration.json").read_text())
    oof = read_scores([RESULTS / "oof.csv"])
    held = read_scores([RESULTS / "held-back.csv"])
    fold = read_scores(sorted(RESULTS.glob("fold-*.csv")))
    temperature, present = fitted["temperature"], fitted["present"]
    held_small, held_large = (held.of(held.sources == size) for size in ("small", "large"))
    measured = {}
    for name, scores in (
        ("heldBack.small", held_small),
        ("heldBack.large", held_large),
        ("headOutOfFold", oof),
        ("foldNetwork", fold.of(fold.sources == "small")),
    ):
        intervals = with_intervals(scores, softmax(scores.logits, temperature), present)
        measured[name] = (len(scores.labels), intervals)
    int8 = json.loads((RESULTS / "int8.json").read_text())
    card = CARD.format(
        **fitted,
        held_small=table(measured["heldBack.small"][1]),
        held_large=table(measured["heldBack.large"][1]),
        oof=table(measured["headOutOfFold"][1]),
        fold=table(measured["foldNetwork"][1]),
        count_held=len(held_small.labels),
        count_held_large=len(held_large.labels),
        count_fold=measured["foldNetwork"][0],
        head_films=f"{len(oof.labels):,}",
        decisions=decisions(
            held_small.labels, 1 - softmax(held_small.logits, temperature)[:, 0], fitted
        ),
        ece_before=label_ece(oof, 1.0),
        ece_after=label_ece(oof, temperature),
        ece_held_before=label_ece(held_small, 1.0),
        ece_held_after=label_ece(held_small, temperature),
        int8=int8,
        same_label=round(100 * int8["sameLabel"], 1),
        robustness=(RESULTS / "robustness.md").read_text().strip().replace("## ", "#### "),
        gate=(RESULTS / "gate.md").read_text().strip(),
    )
    (MODEL / "MODEL_CARD.md").write_text(card)
    metrics = {
        name: {
            "films": count,
            **{key: [round(v, 4) for v in np.asarray(values)] for key, values in intervals.items()},
        }
        for name, (count, intervals) in measured.items()
    }
    (RESULTS / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    print(MODEL / "MODEL_CARD.md")


if __name__ == "__main__":
    main()
