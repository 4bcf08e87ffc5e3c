import { Gauge, type Registry } from 'prom-client';

/** What is measured of this process itself. */
export interface MeasuredProcess {
  /** Whether it takes new work, as /readyz says. */
  ready(): Promise<boolean>;
  /** Bytes that are free for films; undefined where that could not be asked. */
  freeBytes(): number | undefined;
  /** Bytes that have to stay free. */
  reserveBytes(): number;
  /** Names that results can go to. */
  destinations(): readonly string[];
}

/** Readiness and disk, for alerts: both differ from process to process. */
export function processGauges(registry: Registry, measured: MeasuredProcess): void {
  const registers = [registry];
  new Gauge({
    name: 'deephealth_ready',
    help: 'Whether this process takes new work, as /readyz says: 1 or 0.',
    registers,
    async collect() {
      this.set((await measured.ready()) ? 1 : 0);
    },
  });
  new Gauge({
    name: 'deephealth_storage_free_bytes',
    help: 'Bytes free on the disk of the data folder.',
    registers,
    collect() {
      const free = measured.freeBytes();
      if (free !== undefined) this.set(free);
    },
  });
  new Gauge({
    name: 'deephealth_storage_reserve_bytes',
    help: 'Bytes that have to stay free there; below, intake stops.',
    registers,
    collect() {
      this.set(measured.reserveBytes());
    },
  });
}
