import { errorTable } from './kinds.ts';

/** The ledger and the queue. */
export const STORE_ERRORS = errorTable({
  'ledger.uid-invalid': {
    retry: 'permanent',
    meaning: 'A UID is not digits and dots of at most 64 characters.',
    remedy: 'Have the system that made the study looked at; a study is found by its UID alone.',
  },
  'ledger.url-invalid': {
    retry: 'permanent',
    meaning: 'The ledger is neither a path of a SQLite file nor a postgres:// URL.',
    remedy: 'Set ledger in the config to a file path or to postgres://user:password@host:port/database.',
  },
  'ledger.unreachable': {
    retry: 'transient',
    meaning: 'The database of the ledger does not answer.',
    remedy: 'Start the database or mend the network; the service goes on by itself.',
  },
  'ledger.busy': {
    retry: 'transient',
    meaning: 'Another process held the ledger for too long.',
    remedy:
      'Nothing; it is tried again. If it lasts, look for a backup or a shell that keeps the file locked.',
  },
  'ledger.commit-unknown': {
    retry: 'ambiguous',
    meaning: 'The connection to the ledger broke while a change was being committed.',
    remedy: 'Nothing; every change is made so that repeating it does no harm.',
  },
  'ledger.full': {
    retry: 'transient',
    meaning: 'The disk of the ledger is full.',
    remedy: 'Free space on that disk; the service goes on by itself.',
  },
  'ledger.read-only': {
    retry: 'permanent',
    meaning: 'The ledger cannot be written by the user that runs the service.',
    remedy: 'Give that user write permission on the file and its folder, or the right on the database.',
  },
  'ledger.access-denied': {
    retry: 'permanent',
    meaning: 'The database refuses the user, the password or the database name.',
    remedy: 'Check the ledger URL in the config and the grants on the database.',
  },
  'ledger.corrupt': {
    retry: 'permanent',
    meaning: 'The file is not a ledger or is damaged.',
    remedy: 'Stop the service, keep a copy of the file and its -wal file, and put the last backup back.',
  },
  'ledger.schema-newer': {
    retry: 'permanent',
    meaning: 'The ledger was written by a newer version of the service.',
    remedy: 'Run the newer version again, or put back the backup made before the update.',
  },
  'ledger.refused': {
    retry: 'permanent',
    meaning: 'The database refused a change that the service asked for.',
    remedy: 'Report it with the log line; the study stays as it was.',
  },
  'ledger.claim-lost': {
    retry: 'permanent',
    meaning:
      'The work was taken over by another worker or the study changed meanwhile; this result is dropped.',
    remedy: 'Nothing. If it is frequent, the machines of the readers are overloaded or their clocks jump.',
  },
  'ledger.cursor-invalid': {
    retry: 'permanent',
    meaning: 'The cursor of a list is not one that this service gave.',
    remedy: 'Begin the list again without a cursor.',
  },
  'ledger.report-invalid': {
    retry: 'permanent',
    meaning: 'A delivery points to an object or a delivery that is not part of its report.',
    remedy: 'Report it: this is a fault of the service.',
  },
  'delivery.predecessor-parked': {
    retry: 'permanent',
    meaning: 'The delivery it has to wait for was parked.',
    remedy: 'Mend what parked that one and retry the study; both are taken up.',
  },
  'queue.unreachable': {
    retry: 'transient',
    meaning: 'The message broker does not answer or takes nothing at the moment.',
    remedy: 'Start the broker or free its disk and memory; what waits in the ledger is published then.',
  },
  'queue.access-denied': {
    retry: 'transient',
    meaning: 'The message broker refuses the user, the password or the virtual host.',
    remedy: 'Check the queue URL in the config and the permissions of the user at the broker.',
  },
  'queue.unconfirmed': {
    retry: 'ambiguous',
    meaning: 'The broker did not confirm a message in time.',
    remedy: 'Nothing; it is published again and a double does no harm.',
  },
  'queue.message-unreadable': {
    retry: 'permanent',
    meaning: 'A message in the queue is not one of this service; it was put aside.',
    remedy: 'Find out who else publishes to the queues; look at the messages in <prefix>.unreadable.',
  },
  'queue.url-invalid': {
    retry: 'permanent',
    meaning: 'The queue is neither `embedded` nor an amqp:// or amqps:// URL.',
    remedy: 'Set queue in the config to embedded or to amqp://user:password@host:port/vhost.',
  },
  'queue.poison': {
    retry: 'permanent',
    meaning: 'The readers died several times in a row while they had this study in work.',
    remedy: 'Look for the cause in the log of the readers, then retry the study.',
  },
  'queue.closed': {
    retry: 'transient',
    meaning: 'The queue was closed because the service is stopping.',
    remedy: 'Nothing; the job is in the ledger and is published after the restart.',
  },
});
