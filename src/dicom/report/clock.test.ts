import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeepHealthError } from '../../errors/error.ts';
import { reportClock } from './clock.ts';

const SUMMER_STUDY = {
  '00080020': { vr: 'DA', Value: ['20250701'] },
  '00080030': { vr: 'TM', Value: ['2330'] },
};
const WINTER = new Date('2026-01-15T23:30:00.042Z');

test('the offset of the film governs the report, whatever the site is set to', () => {
  const film = { ...SUMMER_STUDY, '00080201': { vr: 'SH', Value: ['+0530'] } };
  assert.deepEqual(reportClock(film, { zone: 'Europe/Berlin', modalityClocksInZone: true }, WINTER), {
    analysed: { date: '20260116', time: '050000', exact: '050000.042', offset: '+0530' },
    claimedOffset: '+0530',
  });
});

test('no zone is claimed for a film that tells none, unless the site confirms its clocks', () => {
  const site = { zone: 'Europe/Berlin', modalityClocksInZone: false };
  const clock = reportClock(SUMMER_STUDY, site, WINTER);
  assert.equal(clock.claimedOffset, null);
  assert.deepEqual(clock.analysed, {
    date: '20260116',
    time: '003000',
    exact: '003000.042',
    offset: '+0100',
  });
});

test('a claimed zone is that of the study, so its times keep their meaning over a clock change', () => {
  const clock = reportClock(SUMMER_STUDY, { zone: 'Europe/Berlin', modalityClocksInZone: true }, WINTER);
  assert.equal(clock.claimedOffset, '+0200');
  assert.deepEqual(clock.analysed, {
    date: '20260116',
    time: '013000',
    exact: '013000.042',
    offset: '+0200',
  });
});

test('an offset that is none, and a film without a date, fall back to the site', () => {
  const film = { '00080201': { vr: 'SH', Value: ['CET'] } };
  const clock = reportClock(film, { zone: 'America/St_Johns', modalityClocksInZone: false }, WINTER);
  assert.equal(clock.analysed.offset, '-0330');
  assert.equal(clock.claimedOffset, null);
});

test('a zone that does not exist is an error with a code', () => {
  assert.throws(
    () => reportClock({}, { zone: 'Mars/Olympus', modalityClocksInZone: false }, WINTER),
    (error) => error instanceof DeepHealthError && error.code === 'report.zone-invalid',
  );
  assert.throws(
    () => reportClock({}, { zone: 'UTC', modalityClocksInZone: false }, new Date(Number.NaN)),
    DeepHealthError,
  );
});
