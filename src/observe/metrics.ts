import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Ledger } from '../ledger/types.ts';

/** What is counted; labels hold names from the configuration, codes and states, nothing of a patient. */
export interface Metrics {
  studyRead(outcome: 'reported' | 'skipped' | 'failed' | 'again', seconds: number): void;
  filmRead(pneumonia: string, seconds: { readonly prepare: number; readonly infer: number }): void;
  delivered(destination: string, object: string): void;
  deliveryFailed(destination: string, code: string): void;
  polled(pacs: string, outcome: 'done' | 'failed'): void;
  received(outcome: 'stored' | 'failed', instances: number): void;
  /** The text that Prometheus fetches. */
  text(): Promise<{ readonly type: string; readonly body: string }>;
}

/** Counters of this process and gauges from the ledger. */
export function createMetrics(ledger: Pick<Ledger, 'studies' | 'deliveries'>): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const reads = new Histogram({
    name: 'deephealth_study_read_seconds',
    help: 'Time from the claim of a study to its record, by how it ended.',
    labelNames: ['outcome'],
    buckets: [0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300],
    registers,
  });
  const films = new Counter({
    name: 'deephealth_films_read_total',
    help: 'Films read, by the answer to the question of pneumonia.',
    labelNames: ['pneumonia'],
    registers,
  });
  const inference = new Histogram({
    name: 'deephealth_film_seconds',
    help: 'Time per film in the steps of the network.',
    labelNames: ['step'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers,
  });
  const deliveries = new Counter({
    name: 'deephealth_deliveries_total',
    help: 'Objects delivered.',
    labelNames: ['destination', 'object'],
    registers,
  });
  const failures = new Counter({
    name: 'deephealth_delivery_failures_total',
    help: 'Attempts at a delivery that failed, by error code.',
    labelNames: ['destination', 'code'],
    registers,
  });
  const polls = new Counter({
    name: 'deephealth_polls_total',
    help: 'Polls of a PACS.',
    labelNames: ['pacs', 'outcome'],
    registers,
  });
  const receipts = new Counter({
    name: 'deephealth_received_instances_total',
    help: 'Instances that were pushed to the STOW-RS receiver.',
    labelNames: ['outcome'],
    registers,
  });
  new Gauge({
    name: 'deephealth_studies',
    help: 'Studies in the ledger by state.',
    labelNames: ['state'],
    registers,
    async collect() {
      this.reset();
      // Without the database the rest is still worth having.
      const counts = await ledger.studies.countByState().catch(() => ({}));
      for (const [state, count] of Object.entries(counts)) this.set({ state }, count);
    },
  });
  new Gauge({
    name: 'deephealth_deliveries_waiting',
    help: 'Deliveries that are pending or parked, by destination.',
    labelNames: ['destination', 'state'],
    registers,
    async collect() {
      this.reset();
      const backlog = await ledger.deliveries.backlog().catch(() => []);
      for (const { destination, pending, parked } of backlog) {
        this.set({ destination, state: 'pending' }, pending);
        this.set({ destination, state: 'parked' }, parked);
      }
    },
  });

  return {
    studyRead: (outcome, seconds) => reads.observe({ outcome }, seconds),
    filmRead(pneumonia, { prepare, infer }) {
      films.inc({ pneumonia });
      inference.observe({ step: 'prepare' }, prepare);
      inference.observe({ step: 'infer' }, infer);
    },
    delivered: (destination, object) => deliveries.inc({ destination, object }),
    deliveryFailed: (destination, code) => failures.inc({ destination, code }),
    polled: (pacs, outcome) => polls.inc({ pacs, outcome }),
    received: (outcome, instances) => receipts.inc({ outcome }, instances),
    text: async () => ({ type: registry.contentType, body: await registry.metrics() }),
  };
}
