/** Study dates, both included, as DICOM dates (YYYYMMDD). */
export interface DateWindow {
  readonly from: string;
  readonly to: string;
}

/** Throws RangeError for a window that is none: a mistake of ours, not of a server. */
export function checkWindow(window: DateWindow): void {
  if (dayNumber(window.from) > dayNumber(window.to)) {
    throw new RangeError('The window ends before it begins.');
  }
}

/** Days since 1970 of a DICOM date; throws when it is none. */
function dayNumber(date: string): number {
  const match = /^(\d{4})(\d\d)(\d\d)$/.exec(date);
  const time = match === null ? Number.NaN : Date.parse(`${match[1]}-${match[2]}-${match[3]}T00:00:00Z`);
  if (Number.isNaN(time)) throw new RangeError('A window is given by two dates YYYYMMDD.');
  return Math.round(time / 86_400_000);
}

function dicomDate(day: number): string {
  return new Date(day * 86_400_000).toISOString().slice(0, 10).replaceAll('-', '');
}

/** Two windows that make up one; undefined for a single day. */
export function halved(window: DateWindow): [DateWindow, DateWindow] | undefined {
  const from = dayNumber(window.from);
  const to = dayNumber(window.to);
  if (from === to) return undefined;
  const middle = Math.floor((from + to) / 2);
  return [
    { from: window.from, to: dicomDate(middle) },
    { from: dicomDate(middle + 1), to: window.to },
  ];
}
