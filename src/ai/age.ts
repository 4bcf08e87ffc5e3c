import { type DicomDataset, text } from '../dicom/dataset.ts';

const OLDEST = 130;
const UNITS: Readonly<Record<string, number>> = { Y: 1, M: 1 / 12, W: 7 / 365.25, D: 1 / 365.25 };

/**
 * The patient's age in years at the time of the study: from PatientBirthDate and StudyDate, else PatientAge,
 * else undefined. A birth date of 1 January 1900 stands for unknown, and impossible ages are not believed.
 */
export function ageOf(dataset: DicomDataset): number | undefined {
  return (
    ageByDates(text(dataset, '00100030'), text(dataset, '00080020')) ?? ageByString(text(dataset, '00101010'))
  );
}

function ageByDates(birth: string | undefined, study: string | undefined): number | undefined {
  const born = date(birth);
  const seen = date(study);
  if (born === undefined || seen === undefined || birth === '19000101') return undefined;
  const anniversary = seen.month > born.month || (seen.month === born.month && seen.day >= born.day);
  const completed = seen.year - born.year - (anniversary ? 0 : 1);
  return plausible(completed);
}

function date(value: string | undefined): { year: number; month: number; day: number } | undefined {
  const match = /^(\d{4})[.-]?(\d{2})[.-]?(\d{2})$/.exec(value ?? '');
  if (match === null) return undefined;
  const [year, month, day] = match.slice(1).map(Number) as [number, number, number];
  return month >= 1 && month <= 12 && day >= 1 && day <= 31 ? { year, month, day } : undefined;
}

/** AS values as they occur: `005Y`, `5Y`, `18M`, `3W`, `010D`, and a bare number of years. */
function ageByString(value: string | undefined): number | undefined {
  const match = /^(\d{1,3})\s*([DWMY])?$/i.exec(value ?? '');
  if (match === null) return undefined;
  return plausible(Number(match[1]) * (UNITS[(match[2] ?? 'Y').toUpperCase()] ?? 1));
}

function plausible(years: number): number | undefined {
  return years >= 0 && years <= OLDEST ? years : undefined;
}
