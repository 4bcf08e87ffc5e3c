import { errorTable } from './kinds.ts';

/** The daemon: start, intake, reading a study, and its own HTTP interface. */
export const SERVICE_ERRORS = errorTable({
  'service.port-taken': {
    retry: 'permanent',
    meaning: 'Another program listens on the address and port of the server already.',
    remedy: 'Stop it, or set server.port to another port (0 takes a free one).',
  },
  'service.address': {
    retry: 'permanent',
    meaning: 'The server cannot listen on the configured address.',
    remedy: 'Set server.host to an address of this machine, and server.port to a port the account may use.',
  },
  'service.folder': {
    retry: 'permanent',
    meaning: 'The data folder cannot be made or written.',
    remedy: 'Check storage.folder and the permissions of the account that runs the service.',
  },
  'service.certificate': {
    retry: 'permanent',
    meaning: 'A certificate, key or CA file that the configuration names cannot be read or used.',
    remedy: 'Check the path, its permissions and that it is PEM.',
  },
  'service.certificate-expired': {
    retry: 'permanent',
    meaning: 'A certificate that the configuration names is not valid now.',
    remedy: 'Have it renewed, and check the clock of this machine.',
  },
  'service.no-data': {
    retry: 'permanent',
    meaning: 'There is no data folder or no ledger where the configuration says.',
    remedy:
      'Give --config the file that the service runs with; paths are relative to the folder it starts in.',
  },
  'service.reload-refused': {
    retry: 'permanent',
    meaning: 'The changed configuration cannot be taken over while the service runs; the old one stays.',
    remedy: 'Mend what the message names, or restart the service.',
  },
  'service.start': {
    retry: 'permanent',
    meaning: 'The service could not start; each problem is listed.',
    remedy: 'Mend what the lines name and start it again.',
  },
  'service.stopping': {
    retry: 'transient',
    meaning: 'The service is stopping.',
    remedy: 'Nothing; the work goes on after the restart.',
  },
  'storage.low': {
    retry: 'transient',
    meaning: 'Less disk is free than storage.reserve; nothing new is taken in.',
    remedy: 'Free space on the disk of the data folder; the service takes up intake again by itself.',
  },
  'storage.failed': {
    retry: 'transient',
    meaning: 'A file of the data folder could not be read or written.',
    remedy: 'Check the disk or the mount of the data folder.',
  },
  'storage.film-gone': {
    retry: 'permanent',
    meaning: 'The bytes of the film are no longer in the data folder, and no PACS has it.',
    remedy: 'Send the film again.',
  },
  'study.empty': {
    retry: 'permanent',
    meaning: 'The study holds no CR or DX film.',
    remedy: 'Nothing, if it is of another kind; else check what the modality stored.',
  },
  'study.nothing-to-read': {
    retry: 'permanent',
    meaning: 'The study holds no frontal chest film that may be read; each film has its own reason.',
    remedy: 'See the films of the study with `deep-health studies show`.',
  },
  'study.not-in-pacs': {
    retry: 'transient',
    attempts: 6,
    meaning: 'No configured PACS shows the study.',
    remedy: 'Check that the study is in the PACS and visible to the account of this service.',
  },
  'study.look-given-up': {
    retry: 'permanent',
    meaning: 'A PACS could not be asked for new films of a study for seven days; nobody asks any more.',
    remedy:
      'Mend what keeps the PACS from answering, then announce the study again (`POST /api/studies/{study}`); a poll finds it too.',
  },
  'study.no-pacs': {
    retry: 'permanent',
    meaning: 'No PACS is configured from which the study could be fetched.',
    remedy: 'Add the PACS to the configuration, or push the study to this service by STOW-RS.',
  },
  'reading.timeout': {
    retry: 'transient',
    attempts: 3,
    meaning: 'The study was not read within the time limit.',
    remedy: 'Check the load of the machine and the size of the study.',
  },
  'delivery.object-gone': {
    retry: 'permanent',
    meaning: 'The stored bytes of the result are no longer there.',
    remedy: 'Have the study read again: `deep-health studies retry --reread`.',
  },
  'delivery.expired': {
    retry: 'permanent',
    meaning: 'The destination did not take the result for a whole day.',
    remedy: 'Mend the destination, then retry the study.',
  },
  'delivery.no-destination': {
    retry: 'permanent',
    meaning: 'The result was to go to a PACS or RIS that the configuration does not name any more.',
    remedy:
      'Put it back under its name, or have what waits sent elsewhere or given up: `deep-health studies deliveries`.',
  },
  'delivery.folder': {
    retry: 'transient',
    meaning: 'The result could not be written to the outbox folder.',
    remedy: 'Check the disk and the permissions of the data folder.',
  },
  'audit.unreachable': {
    retry: 'transient',
    meaning: 'The audit record repository does not answer; messages wait on disk.',
    remedy: 'Start it or mend the network; what waits is sent then, in order.',
  },
  'audit.tls': {
    retry: 'transient',
    meaning: 'The audit record repository and this service do not agree on TLS; messages wait on disk.',
    remedy: 'Check observe.audit.tls: the authority, our certificate, and the name in the other one.',
  },
  'audit.file': {
    retry: 'transient',
    meaning: 'An audit message could not be written to disk.',
    remedy: 'Check the disk and the permissions of the folder of observe.audit, or of the data folder.',
  },
  'audit.lost': {
    retry: 'permanent',
    meaning: 'Audit messages were dropped because the spool was full or could not be written.',
    remedy: 'Bring the audit record repository back, or raise observe.audit.spool.',
  },
  'api.unauthorized': {
    retry: 'permanent',
    meaning: 'The request carries no user, password or token that the configuration knows.',
    remedy: 'Sign in with a user of server.users or a token of server.tokens.',
  },
  'api.held-back': {
    retry: 'transient',
    meaning: 'Too many wrong passwords or tokens came from this address: sign-in waits.',
    remedy: 'Wait as long as Retry-After says; find out what keeps trying (the log names its address).',
  },
  'api.too-slow': {
    retry: 'transient',
    meaning: 'The body of the request did not come to its end in time.',
    remedy: 'Check the network and the sender; it has to send again.',
  },
  'api.not-found': {
    retry: 'permanent',
    meaning: 'There is nothing at this address.',
    remedy: 'Check the address; studies are found by their Study Instance UID.',
  },
  'api.method': {
    retry: 'permanent',
    meaning: 'This address does not take the method of the request.',
    remedy: 'See the Allow header of the answer.',
  },
  'api.bad-request': {
    retry: 'permanent',
    meaning: 'The request is not what this address takes.',
    remedy: 'Mend what the message names.',
  },
  'api.media-type': {
    retry: 'permanent',
    meaning: 'The media type of the request is not one that this address takes.',
    remedy: 'Send application/json to the API, and application/dicom, image/jpeg or image/png to predict.',
  },
  'api.cross-site': {
    retry: 'permanent',
    meaning: 'The request was made by a page of another site, or under a host name that is not ours.',
    remedy:
      'Use the address of the service itself; a proxy must pass the Host header on, and without users or tokens only a loopback name is taken.',
  },
  'api.not-shown': {
    retry: 'permanent',
    meaning: 'The film has text burned in that may name the patient, and the console may not show patients.',
    remedy: 'Look at it in the PACS, or set server.console.showPatient.',
  },
  'api.busy': {
    retry: 'transient',
    meaning: 'As many films as are read at once through the API are in hand.',
    remedy: 'Send it again after the time that Retry-After names; for many films use classify or push them.',
  },
  'api.too-large': {
    retry: 'permanent',
    meaning: 'The body of the request is larger than the limit.',
    remedy: 'If it is a real film, raise server.maxFilm.',
  },
});
