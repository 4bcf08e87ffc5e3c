import type { DicomDataset } from '../dataset.ts';
import type { DicomWebConfig } from './config.ts';
import type { DateWindow } from './date-window.ts';
import { createQueries, type FoundInstance, type FoundSeries, type FoundStudy } from './query.ts';
import {
  createRetrieval,
  type InstanceReference,
  type RetrievedFile,
  type RetrievedInstance,
} from './retrieve.ts';
import { createStore, type StorableInstance, type StoreOutcome } from './store.ts';
import { createTransport } from './transport.ts';

/** One DICOMweb server as the rest of the product sees it. */
export interface DicomWebClient {
  /** Our name for the server. */
  readonly name: string;
  /**
   * QIDO-RS: the studies with at least one CR or DX series whose study date lies in the window, each once.
   * CR and DX are asked for separately; every filter is checked again here.
   */
  searchStudies(window: DateWindow): Promise<FoundStudy[]>;
  searchSeries(study: string): Promise<FoundSeries[]>;
  searchInstances(study: string): Promise<FoundInstance[]>;
  /** Whether the server shows this instance in a query. */
  instanceExists(study: string, sopInstanceUid: string): Promise<boolean>;
  /** WADO-RS: one instance as stored, in memory, its UIDs compared with the asked ones. */
  retrieveInstance(reference: InstanceReference): Promise<RetrievedInstance>;
  /** The same into a new file, which is gone again when it fails. */
  retrieveInstanceTo(reference: InstanceReference, path: string): Promise<RetrievedFile>;
  /** The headers of all instances of a study, or of one series or instance. */
  retrieveMetadata(study: string, series?: string, sopInstanceUid?: string): Promise<DicomDataset[]>;
  /**
   * STOW-RS: one request, one outcome per instance in the order given. Never throws for what the server or
   * the network does.
   */
  storeInstances(study: string, instances: readonly StorableInstance[]): Promise<StoreOutcome[]>;
  /** One cheap query; throws why the server cannot be used. */
  check(): Promise<void>;
  close(): Promise<void>;
}

/** Makes the client of one server; nothing is sent until it is asked for something. */
export function createDicomWebClient(config: DicomWebConfig): DicomWebClient {
  const transport = createTransport(config);
  const queries = createQueries(transport, config);
  const retrieval = createRetrieval(transport);
  const store = createStore(transport, queries.instanceExists, config.onNotice);
  return { name: config.name, ...queries, ...retrieval, ...store, close: () => transport.close() };
}
