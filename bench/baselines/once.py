"""The way of the first prototypes: a process for each film, which loads the network each time.

    once.py network.pt film.dcm
"""

import sys

import torch
from film import classify

print(classify(torch.jit.load(sys.argv[1]), sys.argv[2]))
