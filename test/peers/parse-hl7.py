#!/usr/bin/python3
"""Takes HL7 messages apart with python3-hl7, which knows nothing of our own code.

Reads one JSON object from standard input: {"messages": [{"hex": "...", "encoding": "utf-8"}]}
and writes for each message a list of segments, each a list of fields, each a list of repetitions, each a list
of components (subcomponents joined with &), unescaped.
"""
import json
import sys

import hl7


def plain(message, value):
    """One primitive value with its escape sequences resolved; line breaks become newlines."""
    text = message.unescape(str(value), app_map={'.br': '\n'})
    return text


def components(message, repetition):
    if isinstance(repetition, hl7.Repetition):
        return [plain(message, component) for component in repetition]
    return [plain(message, repetition)]


def fields(message, segment):
    name = str(segment[0])
    out = [name]
    for number, field in enumerate(segment[1:], 1):
        if name == 'MSH' and number <= 2:
            out.append([[str(field)]])
        else:
            out.append([components(message, repetition) for repetition in field])
    return out


parsed = []
for given in json.load(sys.stdin)['messages']:
    message = hl7.parse(bytes.fromhex(given['hex']).decode(given['encoding']))
    parsed.append([fields(message, segment) for segment in message])
json.dump(parsed, sys.stdout)
