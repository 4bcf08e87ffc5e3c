/** A coded value: code, coding scheme, meaning. */
export type AuditCode = readonly [code: string, scheme: string, meaning: string];

/** Who took part (PS3.15 A.5.2.2). */
export interface Participant {
  readonly userId: string;
  readonly isRequestor: boolean;
  readonly roles?: readonly AuditCode[];
  readonly alternativeUserId?: string;
  readonly userName?: string;
  /** Host name or address. */
  readonly networkAddress?: string;
}

/** What it was about (PS3.15 A.5.2.4). */
export type AuditObject =
  | { readonly kind: 'patient'; readonly patientId: string; readonly patientName: string }
  | {
      readonly kind: 'study';
      readonly studyUid: string;
      readonly accessionNumbers?: readonly string[];
      /** By SOP Class UID: the SOP Instance UIDs. */
      readonly instances?: ReadonlyMap<string, readonly string[]>;
      readonly details?: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'message'; readonly controlId: string }
  | { readonly kind: 'settings'; readonly name: string; readonly details: Readonly<Record<string, string>> };

/** One audit message (PS3.15 A.5) before it is written. */
export interface AuditMessage {
  readonly event: AuditCode;
  readonly type?: AuditCode;
  readonly action: 'C' | 'R' | 'U' | 'D' | 'E';
  readonly at: Date;
  /** success, minor failure, serious failure, major failure. */
  readonly outcome: 0 | 4 | 8 | 12;
  readonly description?: string;
  readonly participants: readonly Participant[];
  readonly objects: readonly AuditObject[];
}

/** Who reports. */
export interface AuditSource {
  readonly id: string;
  readonly site?: string | undefined;
}

/**
 * The message as XML on one line, in the order of the schema of PS3.15 A.5.1. Values come from films and
 * strangers: everything is escaped, and what XML cannot hold is replaced.
 */
export function auditXml(message: AuditMessage, source: AuditSource): string {
  const { event, type, action, at, outcome, description, participants, objects } = message;
  return element('AuditMessage', {}, [
    element(
      'EventIdentification',
      { EventActionCode: action, EventDateTime: at.toISOString(), EventOutcomeIndicator: String(outcome) },
      [
        coded('EventID', event),
        ...(type === undefined ? [] : [coded('EventTypeCode', type)]),
        ...(description === undefined ? [] : [element('EventOutcomeDescription', {}, [text(description)])]),
      ],
    ),
    ...participants.map(participantXml),
    element(
      'AuditSourceIdentification',
      {
        ...(source.site === undefined ? {} : { AuditEnterpriseSiteID: source.site }),
        AuditSourceID: source.id,
      },
      [element('AuditSourceTypeCode', { 'csd-code': '4' })],
    ),
    ...objects.map(objectXml),
  ]);
}

function participantXml(participant: Participant): string {
  const { userId, isRequestor, roles = [], alternativeUserId, userName, networkAddress } = participant;
  return element(
    'ActiveParticipant',
    {
      UserID: userId,
      ...(alternativeUserId === undefined ? {} : { AlternativeUserID: alternativeUserId }),
      ...(userName === undefined ? {} : { UserName: userName }),
      UserIsRequestor: String(isRequestor),
      ...(networkAddress === undefined
        ? {}
        : {
            NetworkAccessPointID: networkAddress,
            NetworkAccessPointTypeCode: /^[\d.]+$|:/.test(networkAddress) ? '2' : '1',
          }),
    },
    roles.map((role) => coded('RoleIDCode', role)),
  );
}

/** Types, roles and their codes: PS3.15 A.5.1.2 and CID 404. */
function objectXml(object: AuditObject): string {
  switch (object.kind) {
    case 'patient':
      return participantObject(
        { id: object.patientId, type: '1', role: '1' },
        ['2', 'RFC-3881', 'Patient Number'],
        object.patientName,
        [],
      );
    case 'study':
      return participantObject(
        { id: object.studyUid, type: '2', role: '3' },
        ['110180', 'DCM', 'Study Instance UID'],
        'Study',
        [...detailsXml(object.details), studyDescription(object)],
      );
    case 'message':
      return participantObject(
        { id: object.controlId, type: '2', role: '3' },
        ['10', 'RFC-3881', 'Search Criteria'],
        'HL7 message control id (MSH-10)',
        [],
      );
    case 'settings':
      return participantObject(
        { id: object.name, type: '2', role: '13' },
        ['12', 'RFC-3881', 'URI'],
        object.name,
        detailsXml(object.details),
      );
  }
}

function participantObject(
  { id, type, role }: { readonly id: string; readonly type: string; readonly role: string },
  idType: AuditCode,
  name: string,
  rest: readonly string[],
): string {
  const attributes = {
    ParticipantObjectID: id,
    ParticipantObjectTypeCode: type,
    ParticipantObjectTypeCodeRole: role,
  };
  return element('ParticipantObjectIdentification', attributes, [
    coded('ParticipantObjectIDTypeCode', idType),
    element('ParticipantObjectName', {}, [text(name)]),
    ...rest,
  ]);
}

/** Values go as base64, so that nothing in them is taken for markup. */
function detailsXml(details: Readonly<Record<string, string>> = {}): string[] {
  return Object.entries(details).map(([type, value]) =>
    element('ParticipantObjectDetail', { type, value: Buffer.from(value, 'utf8').toString('base64') }),
  );
}

function studyDescription(study: Extract<AuditObject, { kind: 'study' }>): string {
  const { studyUid, accessionNumbers = [], instances = new Map() } = study;
  return element('ParticipantObjectDescription', {}, [
    ...accessionNumbers.map((number) => element('Accession', { Number: number })),
    ...[...instances].map(([UID, sopUids]) =>
      element(
        'SOPClass',
        { UID, NumberOfInstances: String(sopUids.length) },
        sopUids.map((instance: string) => element('Instance', { UID: instance })),
      ),
    ),
    element('ParticipantObjectContainsStudy', {}, [element('StudyIDs', { UID: studyUid })]),
  ]);
}

function coded(name: string, [code, scheme, meaning]: AuditCode): string {
  return element(name, { 'csd-code': code, codeSystemName: scheme, originalText: meaning });
}

function element(
  name: string,
  attributes: Readonly<Record<string, string>>,
  content: readonly string[] = [],
): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${text(value)}"`);
  const start = `<${name}${written.join('')}`;
  return content.length === 0 ? `${start}/>` : `${start}>${content.join('')}</${name}>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': ' ',
  '\n': ' ',
  '\r': ' ',
};

/** What XML 1.0 (2.2) cannot hold becomes U+FFFD; line ends become blanks, so that a message is one line. */
function text(value: string): string {
  return value
    .toWellFormed()
    .replaceAll(/[&<>"\t\n\r]/g, (sign) => ENTITIES[sign] ?? sign)
    .replaceAll(/[^\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, '\uFFFD');
}
