"""The better script: one process that stays, a path a line on its standard input, a line of JSON back.

    resident.py network.pt
"""

import sys

import torch
from film import classify

network = torch.jit.load(sys.argv[1])
print("ready", flush=True)
for line in sys.stdin:
    print(classify(network, line.strip()), flush=True)
