import { Gauge, type Registry } from 'prom-client';
import type { Manifest } from '../ai/manifest.ts';
import type { Ledger } from '../ledger/types.ts';
import { cachedByCost } from './cached.ts';
import { driftByArchive } from './drift.ts';

/** The part of the ledger that is measured. */
export type MeasuredLedger = Pick<Ledger, 'studies' | 'deliveries' | 'readings'>;

/** The model whose readings are compared with its reference; undefined in a process that reads nothing. */
export type MeasuredModel =
  | { readonly sha256: string; readonly reference: Manifest['reference'] }
  | undefined;

/** Studies looked back over for drift: a day of a large hospital, weeks of a small one. */
const DRIFT_STUDIES = 1000;

/**
 * What the ledger knows: the same in every process, so take the maximum over processes. Without the database
 * these are missing and the rest is still worth having.
 *
 * @param destinations names that results can go to
 */
export function ledgerGauges(
  registry: Registry,
  ledger: MeasuredLedger,
  { model, destinations }: { model(): MeasuredModel; destinations(): readonly string[] },
): void {
  const registers = [registry];
  const counts = cachedByCost(() => ledger.studies.countByState());
  const backlog = cachedByCost(() => ledger.deliveries.backlog());
  const waiting = cachedByCost(() => ledger.studies.waiting());
  const oldest = cachedByCost(() => ledger.studies.oldestWaiting());
  const recent = cachedByCost(() => ledger.readings.recent(DRIFT_STUDIES));

  new Gauge({
    name: 'deephealth_studies',
    help: 'Studies in the ledger, by state.',
    labelNames: ['state'],
    registers,
    async collect() {
      this.reset();
      const found = await counts().catch(() => ({}));
      for (const [state, count] of Object.entries(found)) this.set({ state }, count);
    },
  });
  new Gauge({
    name: 'deephealth_deliveries_waiting',
    help: 'Deliveries that are pending or parked, by destination.',
    labelNames: ['destination', 'state'],
    registers,
    async collect() {
      this.reset();
      for (const { destination, pending, parked } of await backlog().catch(() => [])) {
        this.set({ destination, state: 'pending' }, pending);
        this.set({ destination, state: 'parked' }, parked);
      }
    },
  });
  new Gauge({
    name: 'deephealth_deliveries_without_destination',
    help: 'Deliveries, pending or parked, to a destination that the configuration does not name.',
    labelNames: ['destination'],
    registers,
    async collect() {
      this.reset();
      const configured = destinations();
      for (const { destination, pending, parked } of await backlog().catch(() => [])) {
        if (!configured.includes(destination)) this.set({ destination }, pending + parked);
      }
    },
  });
  new Gauge({
    name: 'deephealth_delivery_oldest_pending_seconds',
    help: 'Age of the delivery that waits longest, by destination; 0 where none waits.',
    labelNames: ['destination'],
    registers,
    async collect() {
      this.reset();
      for (const { destination, oldestPendingAt } of await backlog().catch(() => [])) {
        this.set({ destination }, ageOf(oldestPendingAt));
      }
    },
  });
  new Gauge({
    name: 'deephealth_queue_studies',
    help: 'Studies that wait to be read, by priority.',
    labelNames: ['priority'],
    registers,
    async collect() {
      this.reset();
      const found = await waiting().catch(() => ({}));
      for (const [priority, count] of Object.entries(found)) this.set({ priority }, count);
    },
  });
  new Gauge({
    name: 'deephealth_queue_oldest_seconds',
    help: 'How long the study that waits longest has been due, by priority; 0 where none waits.',
    labelNames: ['priority'],
    registers,
    async collect() {
      this.reset();
      const found = await oldest().catch(() => ({}));
      for (const [priority, due] of Object.entries(found)) this.set({ priority }, ageOf(due));
    },
  });
  new Gauge({
    name: 'deephealth_drift_stability_index',
    help: 'Population stability index of P(pneumonia) of the last films against the reference of the model, by archive.',
    labelNames: ['pacs'],
    registers,
    async collect() {
      this.reset();
      const measured = model();
      if (measured?.reference === undefined) return;
      const readings = await recent().catch(() => []);
      for (const { pacs, index } of driftByArchive(readings, measured.sha256, measured.reference.pneumonia)) {
        this.set({ pacs }, index);
      }
    },
  });
}

function ageOf(instant: number | null): number {
  return instant === null ? 0 : Math.max(0, (Date.now() - instant) / 1000);
}
