const BYTES: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};
const MILLISECONDS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

function amount(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([A-Za-z]+)$/.exec(text.trim());
  const factor = units[match?.[2] ?? ''];
  return match === null || factor === undefined ? undefined : Math.round(Number(match[1]) * factor);
}

/** Bytes in a size such as `200 MiB` or `1GiB`; undefined when it is not one. */
export function parseSize(text: string): number | undefined {
  return amount(text, BYTES);
}

/** Milliseconds in a duration such as `500 ms`, `30 s`, `5m`, `2 h` or `30 d`; undefined when it is not one. */
export function parseDuration(text: string): number | undefined {
  return amount(text, MILLISECONDS);
}
