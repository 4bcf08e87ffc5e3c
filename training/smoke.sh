#!/bin/sh
# The whole pipeline on films drawn by code, a few steps each (about 3 minutes). Proves that every command
# runs and fits the next; the model it makes is worth nothing. With a folder as argument all is made and
# left there, else in a scratch folder that is removed.
set -eu
cd "$(dirname "$0")"
python="${PYTHON:-/usr/bin/python3}"
if [ $# -gt 0 ]; then
  scratch="$1"
else
  scratch="$(mktemp -d)"
  trap 'rm -rf "$scratch"' EXIT
fi
export DH_FILMS="$scratch/films" DH_WORK="$scratch/work" DH_RESULTS="$scratch/results"
export DH_MODEL="$scratch/model" DH_PARITY="$scratch/parity"
step() { echo "== $*"; "$python" "$@"; }

step phantom.py --patients 24
step convert_base.py --package "${DH_NSFWJS:-../node_modules/nsfwjs}"
step split.py
step cache.py
step congeal.py --share 0.1
step localiser.py --steps 60
step bottlenecks.py --per-label 8
for fold in 0 1; do
  step train.py --fold "$fold" --plan 96:1,128:1 --batch 4
  step quantise.py "$DH_WORK/fold$fold.pt" --out "$DH_WORK/fold$fold" --films 4
  step refit.py --fold "$fold" --films 20
  step score.py --fold "$fold"
  step train.py --fold "$fold" --polish --plan 128:2 --stop 1 --batch 4
done
step average.py polished0.pt polished1.pt --out mean.pt
step train.py --fold all --start mean.pt --plan 96:1,128:1 --batch 4
step quantise.py --films 4
step export.py localiser --out "$DH_MODEL/localiser.onnx"
step restore.py
for run in 0 1; do
  step refine.py --run "$run" --plan 96:1,128:1
done
step average.py refined0.pt refined1.pt --out final.pt
step quantise.py --films 4
step localiser.py --steps 20 --start localiser.pt
step export.py localiser --out "$DH_MODEL/localiser.onnx"
step box_errors.py --films 2
for run in 0 1; do
  step distil.py --run "$run" --plan 96:1,128:1
done
step average.py distilled0.pt distilled1.pt --out final.pt
step quantise.py --films 4
step export.py fp32 --out "$DH_WORK/final-fp32.onnx"
step rounding.py --films 4
step gate.py collect --films 48 --varied 24 --changed 6 --drawn 2
step gate.py collect --films 48 --doubled 12
step refit.py --choose
step refit.py --final
step score.py --model "$DH_MODEL" --part held-back
step calibrate.py
step gate.py fit
step compare.py --films 4
step robustness.py --films 2
step metrics.py "$DH_RESULTS"/held-back.csv
step parity.py
step model_card.py
step manifest.py --version 0.0.0
ls -l "$DH_MODEL"
echo "smoke: done"
