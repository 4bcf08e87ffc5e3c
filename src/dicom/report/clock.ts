import { DeepHealthError } from '../../errors/error.ts';
import { type DicomDataset, text } from '../dataset.ts';
import type { Site } from './input.ts';
import { legalValue } from './legal.ts';

/** A moment as the report writes it. */
export interface LocalTime {
  /** DA */
  readonly date: string;
  /** TM, whole seconds */
  readonly time: string;
  /** TM with milliseconds: a film that comes late may be read within the same second, and viewers sort by time. */
  readonly exact: string;
  /** `+0100`; TimezoneOffsetFromUTC (PS3.3 C.12.1.1.8) */
  readonly offset: string;
}

/** The times of a report and whether the dataset may say in which zone they are. */
export interface ReportClock {
  readonly analysed: LocalTime;
  /**
   * Written as (0008,0201), which governs the film's own dates too, and in HL7 behind the study's time; null
   * when it is not known in which zone the modality's clock runs.
   */
  readonly claimedOffset: string | null;
}

/**
 * Which zone the report's times are in. A film that tells its offset decides; else times are those of the
 * site's wall clock, and the offset is claimed only if the site confirms that its modalities run in that
 * zone: then it is the offset at the study's time, so that the copied dates keep their meaning when the
 * reading falls on the other side of a clock change.
 */
export function reportClock(film: DicomDataset, site: Site, analysedAt: Date): ReportClock {
  if (Number.isNaN(analysedAt.getTime())) {
    throw new DeepHealthError('report.zone-invalid', 'The time of the analysis is not a time.');
  }
  const own = text(film, '00080201');
  if (own !== undefined && /^[+-](0\d|1[0-4])[0-5]\d$/.test(own) && own !== '-0000') {
    return { analysed: localTime(analysedAt, own), claimedOffset: own };
  }
  const now = zoneOffset(site.zone, analysedAt);
  if (!site.modalityClocksInZone) return { analysed: localTime(analysedAt, now), claimedOffset: null };
  const atStudy = studyOffset(film, site.zone) ?? now;
  return { analysed: localTime(analysedAt, atStudy), claimedOffset: atStudy };
}

/** A moment on the wall clock of a zone. Throws `report.zone-invalid`. */
export function wallTime(zone: string, instant: Date): LocalTime {
  if (Number.isNaN(instant.getTime())) throw new DeepHealthError('report.zone-invalid');
  return localTime(instant, zoneOffset(zone, instant));
}

function localTime(instant: Date, offset: string): LocalTime {
  const wall = new Date(instant.getTime() + minutes(offset) * 60_000).toISOString();
  return {
    date: wall.slice(0, 10).replaceAll('-', ''),
    time: wall.slice(11, 19).replaceAll(':', ''),
    exact: wall.slice(11, 23).replaceAll(':', ''),
    offset,
  };
}

function minutes(offset: string): number {
  const total = Number(offset.slice(1, 3)) * 60 + Number(offset.slice(3));
  return offset.startsWith('-') ? -total : total;
}

/** The zone's offset at the wall-clock time of the study; undefined when the film tells no date. */
function studyOffset(film: DicomDataset, zone: string): string | undefined {
  const date = legalValue('DA', text(film, '00080020') ?? '', 'omit')?.value;
  if (typeof date !== 'string') return undefined;
  const time = legalValue('TM', text(film, '00080030') ?? '', 'omit')?.value;
  const digits = (typeof time === 'string' ? time : '12').slice(0, 6).padEnd(6, '0');
  const wall = Date.parse(
    `${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)}T${digits.slice(0, 2)}:${digits.slice(2, 4)}:00Z`,
  );
  if (Number.isNaN(wall)) return undefined;
  const near = zoneOffset(zone, new Date(wall));
  return zoneOffset(zone, new Date(wall - minutes(near) * 60_000));
}

/** The format of the zone that was asked for last: a site has one, and making a format costs half a millisecond. */
let latest: { readonly zone: string; readonly format: Intl.DateTimeFormat } | undefined;

function formatOf(zone: string): Intl.DateTimeFormat {
  if (latest?.zone !== zone) {
    latest = {
      zone,
      format: new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' }),
    };
  }
  return latest.format;
}

function zoneOffset(zone: string, instant: Date): string {
  let name: string | undefined;
  try {
    name = formatOf(zone)
      .formatToParts(instant)
      .find(({ type }) => type === 'timeZoneName')?.value;
  } catch (cause) {
    throw new DeepHealthError('report.zone-invalid', undefined, { cause });
  }
  const match = /^GMT(?:([+-])(\d{2}):(\d{2}))?/.exec(name ?? '');
  if (match === null) throw new DeepHealthError('report.zone-invalid');
  const [, sign = '+', hours = '00', rest = '00'] = match;
  return `${sign}${hours}${rest}`;
}
