import type { AuditCode, AuditMessage, AuditObject, Participant } from './message.ts';

const dcm = (code: string, meaning: string): AuditCode => [code, 'DCM', meaning];

/** Event and type codes: CID 400, 401, 402. */
const EVENT = {
  activity: dcm('110100', 'Application Activity'),
  accessed: dcm('110103', 'DICOM Instances Accessed'),
  transferred: dcm('110104', 'DICOM Instances Transferred'),
  exported: dcm('110106', 'Export'),
  alert: dcm('110113', 'Security Alert'),
  authentication: dcm('110114', 'User Authentication'),
} as const;
const TYPE = {
  start: dcm('110120', 'Application Start'),
  stop: dcm('110121', 'Application Stop'),
  login: dcm('110122', 'Login'),
  node: dcm('110126', 'Node Authentication'),
  configuration: dcm('110131', 'Software Configuration'),
  recordingStopped: dcm('110133', 'Audit Recording Stopped'),
} as const;
const ROLE = {
  application: dcm('110150', 'Application'),
  launcher: dcm('110151', 'Application Launcher'),
  destination: dcm('110152', 'Destination Role ID'),
  source: dcm('110153', 'Source Role ID'),
  destinationMedia: dcm('110154', 'Destination Media'),
} as const;

/** Another machine: a configured peer by name and address, or a caller by user and address. */
export interface Peer {
  readonly name: string;
  readonly address?: string | undefined;
}

/** A study and, as far as it is known, whose it is. */
export interface AuditedStudy {
  readonly studyUid: string;
  readonly patient?: { readonly id: string; readonly name: string } | undefined;
  readonly accessionNumber?: string | undefined;
  /** By SOP Class UID: the SOP Instance UIDs. */
  readonly instances?: ReadonlyMap<string, readonly string[]>;
}

/** The events of this service; `us` is its name in them (`deep-health@host`, the process). */
export function auditEvents(us: { readonly name: string; readonly host: string; readonly pid: number }) {
  const self = (isRequestor: boolean, ...roles: readonly AuditCode[]): Participant => ({
    userId: us.name,
    alternativeUserId: String(us.pid),
    isRequestor,
    networkAddress: us.host,
    ...(roles.length === 0 ? {} : { roles }),
  });
  const other = (peer: Peer, isRequestor: boolean, ...roles: readonly AuditCode[]): Participant => ({
    userId: peer.name,
    isRequestor,
    ...(peer.address === undefined ? {} : { networkAddress: peer.address }),
    ...(roles.length === 0 ? {} : { roles }),
  });
  const message = (
    rest: Omit<AuditMessage, 'at' | 'objects' | 'outcome'> & Partial<AuditMessage>,
  ): AuditMessage => ({ at: new Date(), outcome: 0, objects: [], ...rest });

  return {
    /** The service began or ended (PS3.15 A.5.3.1). */
    activity: (what: 'start' | 'stop') =>
      message({
        event: EVENT.activity,
        type: TYPE[what],
        action: 'E',
        participants: [self(false, ROLE.application)],
      }),
    /** Films came to us: pushed by a peer, or fetched from an archive (A.5.3.7). */
    imported: (study: AuditedStudy, from: Peer, asked: 'they' | 'we') =>
      message({
        event: EVENT.transferred,
        action: 'C',
        participants: [other(from, asked === 'they', ROLE.source), self(asked === 'we', ROLE.destination)],
        objects: objectsOf(study),
      }),
    /** Films were opened and read (A.5.3.6). */
    read: (study: AuditedStudy) =>
      message({ event: EVENT.accessed, action: 'R', participants: [self(true)], objects: objectsOf(study) }),
    /** A report or heat map was stored in an archive (A.5.3.7). */
    stored: (study: AuditedStudy, to: Peer) =>
      message({
        event: EVENT.transferred,
        action: 'R',
        participants: [self(true, ROLE.source), other(to, false, ROLE.destination)],
        objects: objectsOf(study),
      }),
    /** A result left the archive's world: a message to a RIS, a file (A.5.3.4). */
    exported: (study: AuditedStudy, to: Peer, controlId: string | null) =>
      message({
        event: EVENT.exported,
        action: 'R',
        participants: [self(true, ROLE.source), other(to, false, ROLE.destinationMedia)],
        objects: [
          ...objectsOf(study),
          ...(controlId === null ? [] : [{ kind: 'message', controlId } as const]),
        ],
      }),
    /** A person looked at a result, or did something with the study (A.5.3.6). */
    used: (study: AuditedStudy, who: Peer, what: 'view' | 'feedback' | 'retry' | 'reread' | 'notify') =>
      message({
        event: EVENT.accessed,
        action: what === 'view' ? 'R' : 'U',
        participants: [other(who, true), self(false)],
        objects: objectsOf(study, { use: what }),
      }),
    /** Somebody was not let in; `times` when several attempts are told at once (A.5.3.10). */
    refused: (who: Peer, times: number) =>
      message({
        event: EVENT.authentication,
        type: TYPE.login,
        action: 'E',
        outcome: 4,
        description:
          times === 1 ? 'Credentials refused' : `Credentials refused ${times} times within a minute`,
        participants: [other(who, true), self(false)],
      }),
    /** A machine was not let in at TLS (A.5.3.9). */
    nodeRefused: (who: Peer) =>
      message({
        event: EVENT.alert,
        type: TYPE.node,
        action: 'E',
        outcome: 4,
        description: 'TLS handshake refused',
        participants: [other(who, true), self(false)],
        objects: [{ kind: 'settings', name: 'server.tls', details: {} }],
      }),
    /** Another configuration is in force, or was refused (A.5.3.9). */
    configured: (keys: readonly string[], accepted: boolean) =>
      message({
        event: EVENT.alert,
        type: TYPE.configuration,
        action: 'E',
        outcome: accepted ? 0 : 4,
        description: accepted
          ? 'The changed configuration is in force'
          : 'The changed configuration was refused',
        participants: [self(true)],
        objects: [{ kind: 'settings', name: 'configuration', details: { changed: keys.join(', ') } }],
      }),
    /** Messages could not be kept: what is missing in the trail is told by it. */
    lost: (messages: number) =>
      message({
        event: EVENT.alert,
        type: TYPE.recordingStopped,
        action: 'E',
        outcome: 8,
        description: `${messages} audit messages could not be kept and are missing here`,
        participants: [self(true)],
        objects: [{ kind: 'settings', name: 'audit trail', details: { lost: String(messages) } }],
      }),
  };
}

export type AuditEvents = ReturnType<typeof auditEvents>;

function objectsOf(
  { studyUid, patient, accessionNumber, instances }: AuditedStudy,
  details: Readonly<Record<string, string>> = {},
): AuditObject[] {
  const study: AuditObject = {
    kind: 'study',
    studyUid,
    details,
    ...(accessionNumber === undefined || accessionNumber === ''
      ? {}
      : { accessionNumbers: [accessionNumber] }),
    ...(instances === undefined ? {} : { instances }),
  };
  if (patient === undefined) return [study];
  return [study, { kind: 'patient', patientId: patient.id, patientName: patient.name }];
}
