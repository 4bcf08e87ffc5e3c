import type { Label, ModelIdentity, Reading } from '../ai/reading.ts';
import type { InstanceUid, StudyUid } from './uids.ts';

/** Milliseconds since the epoch, UTC. */
export type Instant = number;

/** In the order of work. */
export const PRIORITIES = ['stat', 'routine'] as const;
export type Priority = (typeof PRIORITIES)[number];

/** Why something is as it is: `code` is stable, `message` a sentence without patient data. */
export interface Reason {
  readonly code: string;
  readonly message: string;
}

/** How a study came to our notice; `pacs` is the name of a configured PACS. */
export type Source =
  | { readonly kind: 'poll'; readonly pacs: string }
  | { readonly kind: 'receive'; readonly pacs: null }
  | { readonly kind: 'notify'; readonly pacs: string | null };

// --- studies ----------------------------------------------------------------------------------------------

/** Where a study stands, with what belongs to that state alone. */
export type StudyStatus =
  /** `settleAt`: when it counts as complete without further evidence; null = only `studies.settle` says so. */
  | { readonly state: 'settling'; readonly settleAt: Instant | null }
  /** `dueAt` is the time of settling, or of the next attempt. */
  | { readonly state: 'queued'; readonly dueAt: Instant; readonly publishedAt: Instant | null }
  | { readonly state: 'reading'; readonly worker: string; readonly leaseUntil: Instant }
  | { readonly state: 'reported' }
  | { readonly state: 'delivered' }
  | { readonly state: 'skipped'; readonly reason: Reason }
  | { readonly state: 'failed'; readonly reason: Reason };

export type StudyState = StudyStatus['state'];

export const STUDY_STATES: readonly StudyState[] = [
  'settling',
  'queued',
  'reading',
  'reported',
  'delivered',
  'skipped',
  'failed',
];

/** One study as the triage list shows it. */
export interface Study {
  readonly studyUid: StudyUid;
  /** Which reading of the study this is: 1, then one more for late films and for every re-read. */
  readonly run: number;
  readonly status: StudyStatus;
  readonly priority: Priority;
  readonly source: Source;
  /** Instances known; films are those that may be read. */
  readonly instances: number;
  readonly films: number;
  /** Failed attempts at the present run, and the last one's reason. */
  readonly attempts: number;
  readonly lastFailure: Reason | null;
  /** Deliveries of all runs. `reported` with parked ones is stuck: a person has to act (`studies.retry`). */
  readonly deliveries: Readonly<Record<DeliveryState, number>>;
  /** When it was first noticed, when its last instance came, when its state last changed. */
  readonly noticedAt: Instant;
  readonly lastInstanceAt: Instant | null;
  readonly changedAt: Instant;
  /** What the triage list shows of the last reading; as given to `claims.report`. */
  readonly summary: unknown;
  /** Patient block for the console as config allows; null when it is not kept. */
  readonly display: unknown;
}

/** What intake knows when a study comes up. */
export interface StudyNotice {
  readonly studyUid: StudyUid;
  readonly source: Source;
  readonly priority: Priority;
  /** When the study counts as complete without further evidence; null leaves it to `studies.settle`. */
  readonly settleAt: Instant | null;
  readonly instances?: readonly InstanceNotice[];
  /** Opaque JSON for the console, or null / absent to keep nothing. */
  readonly display?: unknown;
}

/** Where the bytes of an instance are. */
export type ByteLocation =
  /** A file; `path` is relative to the data folder. */
  | { readonly kind: 'file'; readonly path: string }
  /** To be fetched by WADO-RS from a configured PACS. */
  | { readonly kind: 'pacs'; readonly pacs: string }
  /** Received once, removed by retention since. */
  | { readonly kind: 'gone' };

export interface InstanceNotice {
  readonly sopUid: InstanceUid;
  readonly seriesUid: string;
  readonly sopClassUid: string;
  /** `film`: may be read, so it re-opens an ended study; `other` is remembered and re-opens nothing. */
  readonly role: 'film' | 'other';
  readonly location: ByteLocation;
  /** SHA-256 (hex) and length of the bytes; null while they were not fetched. */
  readonly sha256: string | null;
  readonly bytes: number | null;
}

/** An instance as the ledger remembers it. */
export interface Instance extends InstanceNotice {
  readonly seenAt: Instant;
  /** What the reader did with it in the last run; null before that. */
  readonly selection: Selection | null;
}

/** Whether an instance was read, and if not, why. */
export type Selection =
  | { readonly kind: 'read' }
  | { readonly kind: 'left-out'; readonly reason: Reason }
  | { readonly kind: 'unreadable'; readonly reason: Reason };

export type InstanceOutcome =
  | { readonly kind: 'added' }
  /** Known already, with the same bytes or bytes not known on one side. */
  | { readonly kind: 'duplicate' }
  /** Known with other bytes: the known ones stay. */
  | { readonly kind: 'conflict'; readonly knownSha256: string };

export interface NoticeOutcome {
  /**
   * `new`: first time; `known`: nothing changed but maybe priority or settle time; `reopened`: it had been
   * read, or was being read, and new films came: it settles again as the next run.
   */
  readonly kind: 'new' | 'known' | 'reopened';
  readonly run: number;
  /** State after the notice. */
  readonly state: StudyState;
  /** One outcome for each instance of the notice, in its order. */
  readonly instances: readonly InstanceOutcome[];
}

/** What a queue carries: enough to find the study in the ledger, nothing more. */
export interface ReadingJob {
  readonly studyUid: StudyUid;
  readonly run: number;
  readonly priority: Priority;
}

export type SettleOutcome =
  | { readonly kind: 'queued'; readonly job: ReadingJob }
  /** It is in another state; nothing was done. */
  | { readonly kind: 'not-settling'; readonly state: StudyState }
  | { readonly kind: 'unknown' };

export type RetryOutcome =
  /** A failed study goes to the queue again, the same run. */
  | { readonly kind: 'queued'; readonly job: ReadingJob }
  /** Parked deliveries of the last run are pending again. */
  | { readonly kind: 'deliveries'; readonly count: number }
  | { readonly kind: 'nothing-to-retry'; readonly state: StudyState }
  | { readonly kind: 'unknown' };

export type RereadOutcome =
  | { readonly kind: 'queued'; readonly job: ReadingJob }
  | { readonly kind: 'unknown' };

export interface StudyPage {
  readonly studies: readonly Study[];
  /** Give it back as `cursor` for the next page; null at the end. */
  readonly next: string | null;
}

export interface StudyFilter {
  readonly state?: StudyState;
  /** Only studies noticed at or after this time. */
  readonly since?: Instant;
  /** 1..1000; default 100. */
  readonly limit?: number;
  readonly cursor?: string;
}

/** What the triage list asks for. */
export interface TriageFilter extends Omit<StudyFilter, 'state'> {
  /** `stuck`: failed, or with a parked delivery of its present run. */
  readonly state?: StudyState | 'stuck';
  /** Label of the most urgent film; null: read without one. */
  readonly label?: Label | null;
}

/** One line of a study's history; append-only. */
export interface StudyEvent {
  readonly at: Instant;
  readonly run: number;
  readonly kind:
    | 'noticed'
    | 'reopened'
    | 'conflict'
    | 'settled'
    | 'reread'
    | 'retried'
    | 'claimed'
    | 'put-back'
    | 'lease-expired'
    | 'attempt-failed'
    | 'reported'
    | 'skipped'
    | 'failed'
    | 'sent'
    | 'delivery-failed'
    | 'parked'
    | 'redirected'
    | 'given-up'
    | 'look-given-up'
    | 'delivered'
    | 'feedback';
  /** Worker, destination or source, as far as there is one. */
  readonly subject: string | null;
  readonly reason: Reason | null;
}

/** An event as the figures over all studies need it. */
export interface PassedEvent extends Pick<StudyEvent, 'at' | 'run' | 'kind'> {
  readonly studyUid: StudyUid;
}

/** The last delivery of a destination that went well, was tried in vain, or was parked. */
export interface LastAttempt {
  readonly destination: string;
  readonly at: Instant;
  readonly kind: 'sent' | 'failed';
  readonly reason: Reason | null;
}

/** Everything of one study. */
export interface StudyHistory {
  readonly study: Study;
  readonly instances: readonly Instance[];
  readonly readings: readonly RecordedReading[];
  /** Of a model that reads along; they are no results. */
  readonly shadowReadings: readonly RecordedReading[];
  readonly objects: readonly ReportObject[];
  readonly deliveries: readonly Delivery[];
  readonly feedback: readonly Feedback[];
  readonly events: readonly StudyEvent[];
}

// --- claims -----------------------------------------------------------------------------------------------

/**
 * The right to read a study for as long as the lease lasts. `token` fences: once another worker holds the
 * study (or new films re-opened it), every write with an old token is refused with `ledger.claim-lost`.
 */
export interface StudyClaim {
  readonly studyUid: StudyUid;
  readonly run: number;
  readonly token: number;
  readonly worker: string;
  readonly priority: Priority;
  readonly source: Source;
  /** Failed attempts at this run before this one. */
  readonly attempts: number;
  /** Readers that died over it before this one, in a row: it may be what kills them. */
  readonly deaths: number;
  /** When this run was first taken up. */
  readonly firstAttemptAt: Instant;
  readonly leaseUntil: Instant;
}

export interface ClaimOptions {
  /** Unique among running processes; stands in the ledger while the lease lasts. */
  readonly worker: string;
  /** Lease in milliseconds. */
  readonly leaseMs: number;
}

export type ClaimOutcome =
  | { readonly kind: 'claimed'; readonly claim: StudyClaim }
  /** Another worker reads it. */
  | { readonly kind: 'taken' }
  /** Its next attempt is later. */
  | { readonly kind: 'not-due'; readonly dueAt: Instant }
  /** The study is past this run, or in a state that is not read. */
  | { readonly kind: 'stale' }
  | { readonly kind: 'unknown' };

/** What a worker has to write when it read a study; all of it in one transaction. */
export interface StudyReport {
  /** Every instance looked at, those the ledger did not know included. */
  readonly instances: readonly (InstanceNotice & { readonly selection: Selection })[];
  readonly readings: readonly NewReading[];
  readonly objects: readonly NewReportObject[];
  readonly deliveries: readonly NewDelivery[];
  /** Small JSON for the triage list. */
  readonly summary: unknown;
  /** Patient block for the console where config allows; otherwise none is kept. */
  readonly display?: unknown;
}

export type ReportOutcome =
  | { readonly kind: 'recorded'; readonly state: 'reported' | 'delivered' }
  /** The same claim had recorded it (its first answer was lost). */
  | { readonly kind: 'already-recorded' };

// --- readings and report objects --------------------------------------------------------------------------

export interface NewReading {
  readonly sopUid: InstanceUid;
  readonly reading: Reading;
  readonly inferredAt: Instant;
}

export interface RecordedReading extends NewReading {
  readonly run: number;
  readonly model: ModelIdentity;
}

/** A reading as drift is watched by it. */
export interface RecentReading {
  /** Name of the archive, null for a pushed study. */
  readonly pacs: string | null;
  readonly reading: Reading;
}

export type ReportObjectKind = 'sr-air' | 'sr-text' | 'heat-map' | 'oru';

/** Bytes inside the ledger (readers and deliverers need no shared folder), or in a file of the data folder. */
export type ObjectBody =
  | { readonly kind: 'inline'; readonly bytes: Uint8Array }
  | { readonly kind: 'file'; readonly path: string };

/** A made object. The same (study, kind, uid) is made once: a later run that gives it again keeps the first. */
export interface NewReportObject {
  /** Names the object among those of this report; `NewDelivery.object` points to it. */
  readonly key: string;
  readonly kind: ReportObjectKind;
  /** SOP Instance UID, or the message control id (MSH-10) of an ORU. */
  readonly uid: string;
  /** Series Instance UID and SOP Class UID; null for an ORU. */
  readonly seriesUid: string | null;
  readonly sopClassUid: string | null;
  readonly body: ObjectBody;
  readonly sha256: string;
  readonly bytes: number;
}

export interface ReportObject {
  readonly id: number;
  readonly run: number;
  readonly kind: ReportObjectKind;
  readonly uid: string;
  readonly seriesUid: string | null;
  readonly sopClassUid: string | null;
  readonly body: { readonly kind: 'inline' } | { readonly kind: 'file'; readonly path: string };
  readonly sha256: string;
  readonly bytes: number;
  readonly madeAt: Instant;
}

// --- deliveries -------------------------------------------------------------------------------------------

export type DeliveryState = 'pending' | 'sent' | 'parked';

/**
 * One object to one destination. Deliveries of a study to the same destination go in the order given here
 * (heat map, then SR): one waits until those before it were sent or parked, those of earlier runs included.
 */
export interface NewDelivery {
  /** Names the delivery among those of this report. */
  readonly key: string;
  /** Name of a configured PACS, RIS or folder. */
  readonly destination: string;
  readonly via: 'pacs' | 'ris' | 'folder';
  /** `NewReportObject.key`. */
  readonly object: string;
  /** Keys of deliveries of this report that must have been sent before (an ORU after its SR). */
  readonly after?: readonly string[];
}

export interface Delivery {
  readonly id: number;
  readonly studyUid: StudyUid;
  readonly run: number;
  readonly destination: string;
  readonly via: 'pacs' | 'ris' | 'folder';
  readonly object: ReportObject;
  readonly state: DeliveryState;
  /** True while it waits for other deliveries. */
  readonly waiting: boolean;
  readonly attempts: number;
  readonly nextAttemptAt: Instant;
  readonly lastFailure: Reason | null;
  readonly firstAttemptAt: Instant | null;
  readonly endedAt: Instant | null;
}

/** The right to make one attempt at a delivery; fenced like `StudyClaim`. */
export interface DeliveryClaim {
  readonly token: number;
  readonly worker: string;
  readonly leaseUntil: Instant;
  readonly priority: Priority;
  readonly delivery: Delivery;
}

export interface DeliveryClaimOptions extends ClaimOptions {
  readonly destination: string;
}

/** `delivered`: it was the last one, the study is done. */
export type DeliveryOutcome =
  | { readonly kind: 'recorded'; readonly study: StudyState }
  | { readonly kind: 'already-recorded'; readonly study: StudyState };

/** What became of a study's deliveries to a destination that is not there any more. */
export interface RedirectOutcome {
  readonly moved: number;
  /** The destination of each that was given up. */
  readonly givenUp: readonly string[];
  /** The worker that is sending one of them: nothing of the study was touched. */
  readonly heldBy?: string;
}

/** Deliveries of one destination, for metrics and readiness. */
export interface DestinationBacklog {
  readonly destination: string;
  readonly pending: number;
  readonly parked: number;
  readonly oldestPendingAt: Instant | null;
}

// --- polls, feedback, retention ---------------------------------------------------------------------------

export type StudyObservation =
  /** How many polls in a row, this one included, saw the same number of instances. */
  { readonly kind: 'same'; readonly polls: number } | { readonly kind: 'changed' };

/** How far ahead the times of the ledger can be, in milliseconds. */
export interface LongestWaits {
  /** Of a study that is read again. */
  readonly readAgainMs: number;
  /** Of a delivery that is tried again. */
  readonly sendAgainMs: number;
  /** Of whatever somebody works on. */
  readonly leaseMs: number;
  /** Of a study that settles, by how it came. */
  readonly settleMs: Readonly<Record<Source['kind'], number>>;
}

/** A study that has to be looked at for new films. */
export interface Look {
  readonly studyUid: StudyUid;
  /** Name of a configured PACS; null: whichever has it. */
  readonly pacs: string | null;
  readonly priority: Priority;
}

export interface LookClaim extends Look {
  readonly token: number;
  /** How often it failed before, and when it first did. */
  readonly failures: number;
  readonly firstFailedAt: Instant | null;
}

export interface NewFeedback {
  readonly agree: boolean;
  readonly label: string | null;
  readonly comment: string | null;
  readonly author: string | null;
}

export interface Feedback extends NewFeedback {
  readonly run: number;
  readonly at: Instant;
}

export interface Expirable {
  readonly studyUid: StudyUid;
  /** Files of the data folder that belong to it: received films and made objects. */
  readonly files: readonly string[];
}

// --- the ledger -------------------------------------------------------------------------------------------

/**
 * The only memory of the service. Every operation is one transaction, is safe for several processes at once,
 * and throws a `DeepHealthError`: `ledger.unreachable` and `ledger.busy` (transient), `ledger.full`
 * (transient), `ledger.claim-lost` (the work belongs to somebody else now), others as in the error table.
 */
export interface Ledger {
  readonly dialect: 'sqlite' | 'postgres';
  readonly studies: {
    /** Study and instances that came up, recorded together; idempotent. */
    notice(notice: StudyNotice): Promise<NoticeOutcome>;
    /** The study is complete: to the queue. */
    settle(studyUid: StudyUid): Promise<SettleOutcome>;
    /** Settles those whose time has come, the oldest first; gives their jobs. */
    settleDue(limit?: number): Promise<readonly ReadingJob[]>;
    /** Takes up a failed study, or the parked deliveries of its last run. */
    retry(studyUid: StudyUid): Promise<RetryOutcome>;
    /** A new run over the same films (another model, for example), whatever the state; a reader at work is fenced. */
    reread(studyUid: StudyUid, priority?: Priority): Promise<RereadOutcome>;
    get(studyUid: StudyUid): Promise<Study | undefined>;
    history(studyUid: StudyUid): Promise<StudyHistory | undefined>;
    /** Newest first, by time of notice; a page is not disturbed by studies that come in between. */
    list(filter?: StudyFilter): Promise<StudyPage>;
    /** In the order in which people should look: stat first, then present, then what needs a person. */
    triage(filter?: TriageFilter): Promise<StudyPage>;
    /** Another text after whatever changed a list: cheap to ask for often. */
    revision(): Promise<string>;
    countByState(): Promise<Readonly<Record<StudyState, number>>>;
    /** Studies in the queue, retries that are not due yet included. */
    waiting(): Promise<Readonly<Record<Priority, number>>>;
    /** When the study that waits longest in the queue was due; null when none waits. */
    oldestWaiting(): Promise<Readonly<Record<Priority, Instant | null>>>;
  };
  readonly films: {
    /** All instances of the study in the order they were seen. */
    list(studyUid: StudyUid): Promise<readonly Instance[]>;
    /** Which of these SOP Instance UIDs of the study are known. */
    known(studyUid: StudyUid, sopUids: readonly InstanceUid[]): Promise<ReadonlySet<InstanceUid>>;
    /** Which of these files of the data folder (relative paths) are films or results of any study. */
    recorded(paths: readonly string[]): Promise<ReadonlySet<string>>;
    /** The received bytes were removed; the films are fetched from the PACS from now on, or are gone. */
    bytesRemoved(studyUid: StudyUid, location: ByteLocation): Promise<void>;
  };
  readonly claims: {
    /** The study of one job. */
    claim(job: Omit<ReadingJob, 'priority'>, options: ClaimOptions): Promise<ClaimOutcome>;
    /** The best waiting study: stat before routine, then the longest due. */
    claimNext(options: ClaimOptions): Promise<StudyClaim | undefined>;
    /** A longer lease; gives the claim with its new end, or throws `ledger.claim-lost`. */
    extend(claim: StudyClaim, leaseMs: number): Promise<StudyClaim>;
    /** Instances found while reading (listed by the PACS), so that they do not count as late ones. */
    found(claim: StudyClaim, instances: readonly InstanceNotice[]): Promise<void>;
    /** Read: instances, readings, objects and deliveries, in one transaction. */
    report(claim: StudyClaim, report: StudyReport): Promise<ReportOutcome>;
    /** Nothing to read. */
    skip(claim: StudyClaim, reason: Reason, instances?: StudyReport['instances']): Promise<void>;
    /** Parked for a person. */
    fail(claim: StudyClaim, reason: Reason, instances?: StudyReport['instances']): Promise<void>;
    /** Failed for now: it is due again at `retryAt`. */
    retryLater(claim: StudyClaim, reason: Reason, retryAt: Instant): Promise<void>;
    /** Given back unread (the worker stops): due at once, not counted as an attempt. */
    putBack(claim: StudyClaim): Promise<void>;
    /**
     * Studies whose lease ran out go back to the queue; one whose readers died `maxDeaths` times in a row
     * (default 5) is parked as `queue.poison`. Gives the jobs that are due again.
     */
    reap(options?: { readonly maxDeaths?: number; readonly limit?: number }): Promise<readonly ReadingJob[]>;
    /** At start: what this worker held when it died goes back at once instead of after the lease. */
    releaseWorker(worker: string, options?: { readonly maxDeaths?: number }): Promise<readonly ReadingJob[]>;
  };
  readonly outbox: {
    /** Jobs that are due and that no broker confirmed, stat first. */
    unpublished(limit: number): Promise<readonly ReadingJob[]>;
    published(jobs: readonly ReadingJob[]): Promise<void>;
    /** Jobs that a broker confirmed before `before` and nobody took (it lost them): to be published again. */
    forgetPublished(priority: Priority, before: Instant): Promise<number>;
    /** Jobs that a broker gave up: to be published again, unless the study moved on. */
    givenUp(jobs: readonly ReadingJob[]): Promise<void>;
  };
  readonly readings: {
    /** What a model that reads along made of a run; repeated ones and those of an unknown study are dropped. */
    addShadow(studyUid: StudyUid, run: number, readings: readonly NewReading[]): Promise<void>;
    /** The readings reported last, the newest studies first, with the archive they came from. */
    recent(studies: number): Promise<readonly RecentReading[]>;
    /** The readings of the study's last run that was reported. */
    latest(studyUid: StudyUid): Promise<readonly RecordedReading[]>;
    objects(studyUid: StudyUid): Promise<readonly ReportObject[]>;
    /** The stored bytes of an inline object; undefined when retention removed them or they are in a file. */
    bytes(objectId: number): Promise<Uint8Array | undefined>;
  };
  readonly deliveries: {
    /** A due delivery to this destination: stat first, then the longest due. */
    claim(options: DeliveryClaimOptions): Promise<DeliveryClaim | undefined>;
    extend(claim: DeliveryClaim, leaseMs: number): Promise<DeliveryClaim>;
    /**
     * With `goOn`, the next delivery of the same study to the same destination is claimed in the same step, where
     * there is one that is due and waits for nothing else.
     */
    sent(
      claim: DeliveryClaim,
      goOn?: Pick<DeliveryClaimOptions, 'leaseMs'>,
    ): Promise<DeliveryOutcome & { readonly next?: DeliveryClaim }>;
    /** Failed for now: due again at `retryAt`. */
    failed(claim: DeliveryClaim, reason: Reason, retryAt: Instant): Promise<DeliveryOutcome>;
    /** For a person: this delivery, and those that must wait until it was sent. */
    parked(claim: DeliveryClaim, reason: Reason): Promise<DeliveryOutcome>;
    /** Given back unsent (the worker stops). */
    putBack(claim: DeliveryClaim): Promise<void>;
    /** At start: what this worker held when it died is due at once. */
    releaseWorker(worker: string): Promise<number>;
    /** The destination answers again: what failed last for one of these reasons is due now; gives how many. */
    dueAgain(destination: string, codes: readonly string[]): Promise<number>;
    /** When the next delivery to this destination is due; null when none is pending and free to go. */
    nextDue(destination: string): Promise<Instant | null>;
    backlog(): Promise<readonly DestinationBacklog[]>;
    /** Studies with deliveries to this destination that are not done with, by their UIDs after `after`. */
    open(
      destination: string,
      after: StudyUid | null,
      limit: number,
    ): Promise<readonly { readonly studyUid: StudyUid; readonly via: Delivery['via'] }[]>;
    /**
     * What of a study was to go to `from`, which is not there any more, goes to another destination, or is given up (null).
     * What must wait until it was sent waits for the same report at another archive; where that goes nowhere else it is
     * given up too. What is moved is as good as new, also where it was parked, and follows what earlier runs have on its way
     * there. Both stand in the study's history. A study of which something is being sent to `from` is left as it is.
     */
    redirect(
      studyUid: StudyUid,
      from: string,
      to: Pick<NewDelivery, 'destination' | 'via'> | null,
    ): Promise<RedirectOutcome>;
  };
  readonly polls: {
    /** The evidence for settling: did the PACS show the same number of instances as at the last poll? */
    observe(pacs: string, studyUid: StudyUid, instances: number): Promise<StudyObservation>;
  };
  readonly activity: {
    /** The events of these kinds since then, in their order; at most the last 100,000 of the ledger are looked at. */
    since(from: Instant, kinds: readonly StudyEvent['kind'][]): Promise<readonly PassedEvent[]>;
    /** Of each destination, in the order in which they were made. */
    lastAttempts(): Promise<readonly LastAttempt[]>;
  };
  /** What follows when the wall clock was set back. */
  readonly clockSteps: {
    /** Brings every time that lies further ahead than its kind can be back to that; gives how many did. */
    pullIn(longest: LongestWaits): Promise<number>;
  };
  /** Looks at archives that were promised (a webhook named a study that is known already). */
  readonly looks: {
    /** To be made; one that was promised before and not made yet stays one. */
    promise(look: Look): Promise<void>;
    /** The oldest that is due, for this process alone while the lease lasts. */
    claim(leaseMs: number): Promise<LookClaim | undefined>;
    /** Done with, unless it was promised anew meanwhile. */
    made(claim: LookClaim): Promise<void>;
    failed(claim: LookClaim, retryAt: Instant): Promise<void>;
    /** No further look is made, unless it was promised anew meanwhile (false); the study's history says why. */
    givenUp(claim: LookClaim, reason: Reason): Promise<boolean>;
  };
  readonly feedback: {
    /** The radiologist's word on the last reading; false when the study is not known. */
    add(studyUid: StudyUid, feedback: NewFeedback): Promise<{ readonly kind: 'recorded' | 'unknown' }>;
  };
  readonly retention: {
    /** Ended studies (`states`, unchanged since `before`) with their files, the oldest first. */
    expirable(options: {
      readonly states: readonly ('delivered' | 'skipped' | 'failed')[];
      readonly before: Instant;
      readonly limit: number;
    }): Promise<readonly Expirable[]>;
    /**
     * The study and all that belongs to it is removed. With `unlessSince`, a study that changed at or after that
     * instant stays whole (`kept`): a late film may have opened it again meanwhile.
     *
     * @param removeFiles removes the study's files, which may happen twice. It is called while nobody else can change
     * the study, and what it throws keeps the rows: no file is left of which nobody knows, no row without its film.
     */
    forget(
      studyUid: StudyUid,
      unlessSince?: Instant,
      removeFiles?: () => Promise<void>,
    ): Promise<{ readonly kind: 'forgotten' | 'unknown' | 'kept' }>;
    /** Poll observations older than `before` are removed. */
    forgetObservations(before: Instant): Promise<number>;
  };
  /** Asks the database something; throws when it does not answer. */
  check(): Promise<void>;
  close(): Promise<void>;
}
