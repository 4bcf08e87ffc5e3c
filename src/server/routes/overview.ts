import { Router } from 'express';
import * as z from 'zod';
import { ACTIVITY_KINDS, activityOf } from '../console/activity.ts';
import { throughputFigure, waitingFigure } from '../console/figures.ts';
import { healthJson } from '../console/health.ts';
import { createPeerChecks } from '../console/peers.ts';
import type { Context } from '../context.ts';
import { parsed } from '../parsed.ts';
import type { Reading } from '../reading.ts';

const HOUR_MS = 3_600_000;
/** Periods that can be asked for, in hours, with the length of their spans. */
const PERIODS: Readonly<Record<'24' | '168' | '720', number>> = { 24: 1, 168: 6, 720: 24 };
/** Studies that were complete so long before the period are seen to have waited. */
const LOOK_BACK_MS = 24 * HOUR_MS;

const activityQuery = z.strictObject({ hours: z.enum(['24', '168', '720']).default('24') });

/** `GET /api/health`: the state of everything we work with. `GET /api/activity?hours=`: the last day, week or month. */
export function overviewRoutes(context: Context, reading: Reading | undefined): Router {
  const { ledger } = context;
  const router = Router();
  const peers = createPeerChecks(context);

  router.get('/health', async (_request, response) => {
    response.json(await healthJson(context, reading, peers));
  });

  router.get('/activity', async (request, response) => {
    const { hours } = parsed(activityQuery, request.query);
    const spanMs = PERIODS[hours] * HOUR_MS;
    const spans = Math.round(Number(hours) / PERIODS[hours]);
    // The last span is the one that is running.
    const from = Math.floor(Date.now() / spanMs) * spanMs - (spans - 1) * spanMs;
    const events = await ledger.activity.since(from - LOOK_BACK_MS, ACTIVITY_KINDS);
    const found = activityOf(events, { from, spanMs, spans });
    response.json(activityJson(found, spanMs));
  });

  return router;
}

function activityJson(spans: ReturnType<typeof activityOf>, spanMs: number) {
  return {
    spanMs,
    spans: spans.map(({ from, ...span }) => ({ from: new Date(from).toISOString(), ...span })),
    throughput: throughputFigure(spans),
    waiting: waitingFigure(spans),
  };
}

export type ActivityJson = ReturnType<typeof activityJson>;
