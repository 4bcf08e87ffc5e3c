import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Manifest } from '../ai/manifest.ts';
import type { ModelIdentity, Reading } from '../ai/reading.ts';
import { pneumoniaProbability } from './drift.ts';
import { ledgerGauges, type MeasuredLedger, type MeasuredModel } from './ledger-gauges.ts';
import { type MeasuredProcess, processGauges } from './process-gauges.ts';

/** A model as metrics know it. */
export interface MetricModel {
  readonly identity: ModelIdentity;
  readonly manifest: Pick<Manifest, 'reference'>;
}

/** Seconds of each step of a film. */
export interface FilmSeconds {
  readonly read: number;
  readonly decode: number;
  readonly prepare: number;
  readonly infer: number;
}

/** What is counted; labels hold names from the configuration, codes and states, nothing of a patient. */
export interface Metrics {
  /** A claim of a study ended: `code` is that of what is wrong, or null. */
  studyRead(outcome: 'reported' | 'skipped' | 'failed' | 'again', code: string | null, seconds: number): void;
  /** A study got so far, so many seconds after its last instance came. */
  studyReached(until: 'claimed' | 'reported' | 'delivered', seconds: number): void;
  /** @param pacs name of the archive, null for a pushed study */
  filmRead(pacs: string | null, reading: Reading, seconds: FilmSeconds): void;
  delivered(destination: string, object: string, seconds: number): void;
  deliveryFailed(destination: string, code: string, seconds: number): void;
  polled(pacs: string, outcome: 'done' | 'failed'): void;
  received(outcome: 'stored' | 'failed', instances: number): void;
  feedback(agree: boolean): void;
  /** A model that reads along read a film. */
  shadowRead(agrees: boolean, difference: number, seconds: number): void;
  shadowFailed(code: string): void;
  audited(outcome: 'sent' | 'lost', messages: number): void;
  /** The models that read now; undefined where none does. */
  models(inForce: MetricModel | undefined, shadow: MetricModel | undefined): void;
  /** The text that Prometheus fetches. */
  text(): Promise<{ readonly type: string; readonly body: string }>;
}

const STUDY_BUCKETS = [0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 900, 3600];
const STEP_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
const ATTEMPT_BUCKETS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const TENTHS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];

/** Counters of this process and gauges from the ledger; what each means stands in docs/metrics.md. */
export function createMetrics(ledger: MeasuredLedger, self: MeasuredProcess): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const counter = <Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
    new Counter({ name: `deephealth_${name}`, help, labelNames, registers });
  const histogram = <Label extends string>(
    name: string,
    help: string,
    buckets: number[],
    ...labelNames: Label[]
  ) => new Histogram({ name: `deephealth_${name}`, help, buckets, labelNames, registers });

  const reads = histogram(
    'study_read_seconds',
    'Time from the claim of a study to its record, by how it ended.',
    [0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300],
    'outcome',
  );
  const ends = counter(
    'studies_read_total',
    'Claims of studies that ended, by outcome and code.',
    'outcome',
    'code',
  );
  const reached = histogram(
    'study_seconds',
    'Time from the arrival of the last instance of a study until it was claimed, reported, delivered.',
    STUDY_BUCKETS,
    'until',
  );
  const films = counter(
    'films_read_total',
    'Films read, by archive, label and answer to the question of pneumonia.',
    ...(['pacs', 'label', 'pneumonia'] as const),
  );
  const probability = histogram(
    'pneumonia_probability',
    'Probability of pneumonia of the films read, by archive.',
    TENTHS,
    'pacs',
  );
  const steps = histogram('film_seconds', 'Time per film in each step.', STEP_BUCKETS, 'step');
  const deliveries = counter('deliveries_total', 'Objects delivered.', 'destination', 'object');
  const attempts = histogram(
    'delivery_attempt_seconds',
    'Time of each attempt at a delivery, by how it ended.',
    ATTEMPT_BUCKETS,
    ...(['destination', 'outcome'] as const),
  );
  const failures = counter(
    'delivery_failures_total',
    'Attempts at a delivery that failed, by error code.',
    ...(['destination', 'code'] as const),
  );
  const polls = counter('polls_total', 'Polls of a PACS.', 'pacs', 'outcome');
  const receipts = counter(
    'received_instances_total',
    'Instances that were pushed to the STOW-RS receiver.',
    'outcome',
  );
  const feedback = counter('feedback_total', 'Words of radiologists on readings.', 'agree');
  const shadowFilms = counter(
    'shadow_films_total',
    'Films that the model beside read too, by whether its label is that of the model in force.',
    'agrees',
  );
  const shadowDifference = histogram(
    'shadow_probability_difference',
    'Difference of P(pneumonia) between the two models, as an absolute value.',
    [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1],
  );
  const shadowSeconds = histogram('shadow_film_seconds', 'Time of the model beside per film.', STEP_BUCKETS);
  const shadowFailures = counter(
    'shadow_failures_total',
    'Studies that the model beside could not read.',
    'code',
  );
  const audited = counter('audit_messages_total', 'Audit messages handed over, or lost.', 'outcome');
  const modelInfo = new Gauge({
    name: 'deephealth_model_info',
    help: 'The models that read, by role (in-force, shadow); always 1.',
    labelNames: ['role', 'name', 'version', 'sha256'],
    registers,
  });
  let measured: MeasuredModel;
  ledgerGauges(registry, ledger, { model: () => measured, destinations: self.destinations });
  processGauges(registry, self);

  return {
    studyRead(outcome, code, seconds) {
      reads.observe({ outcome }, seconds);
      ends.inc({ outcome, code: code ?? 'none' });
    },
    studyReached: (until, seconds) => reached.observe({ until }, Math.max(0, seconds)),
    filmRead(pacs, reading, seconds) {
      const from = pacs ?? 'received';
      films.inc({ pacs: from, label: reading.label ?? 'abstained', pneumonia: reading.pneumonia });
      probability.observe({ pacs: from }, pneumoniaProbability(reading.probabilities));
      for (const [step, took] of Object.entries(seconds)) steps.observe({ step }, took);
    },
    delivered(destination, object, seconds) {
      deliveries.inc({ destination, object });
      attempts.observe({ destination, outcome: 'sent' }, seconds);
    },
    deliveryFailed(destination, code, seconds) {
      failures.inc({ destination, code });
      attempts.observe({ destination, outcome: 'failed' }, seconds);
    },
    polled: (pacs, outcome) => polls.inc({ pacs, outcome }),
    received: (outcome, instances) => receipts.inc({ outcome }, instances),
    feedback: (agree) => feedback.inc({ agree: String(agree) }),
    shadowRead(agrees, difference, seconds) {
      shadowFilms.inc({ agrees: String(agrees) });
      shadowDifference.observe(difference);
      shadowSeconds.observe(seconds);
    },
    shadowFailed: (code) => shadowFailures.inc({ code }),
    audited: (outcome, messages) => audited.inc({ outcome }, messages),
    models(inForce, shadow) {
      measured = inForce && { sha256: inForce.identity.sha256, reference: inForce.manifest.reference };
      modelInfo.reset();
      const named = [['in-force', inForce] as const, ['shadow', shadow] as const];
      for (const [role, model] of named) {
        if (model !== undefined) modelInfo.set({ role, ...model.identity }, 1);
      }
    },
    text: async () => ({ type: registry.contentType, body: await registry.metrics() }),
  };
}
