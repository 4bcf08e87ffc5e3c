import { errorTable } from './kinds.ts';

/** Commands, configuration and the files that commands read and write. */
export const USAGE_ERRORS = errorTable({
  'usage.wrong': {
    retry: 'permanent',
    meaning: 'The command was called with arguments that do not fit.',
    remedy: 'See `deep-health <command> --help`.',
  },
  'config.invalid': {
    retry: 'permanent',
    meaning: 'The configuration has problems; each is listed with its path.',
    remedy: 'Mend them; `deep-health config check` lists all at once.',
  },
  'input.not-found': {
    retry: 'permanent',
    meaning: 'There is no file or folder at this path.',
    remedy: 'Check the path.',
  },
  'input.unreadable': {
    retry: 'permanent',
    meaning:
      'The account that runs the command may not read this file or folder, or it is not a regular file.',
    remedy: 'Check its permissions.',
  },
  'input.failed': {
    retry: 'transient',
    meaning: 'Reading the file failed part of the way (device or network file system).',
    remedy: 'Check the disk or the mount and run the command again.',
  },
  'input.nothing': {
    retry: 'permanent',
    meaning: 'The folders given hold no files.',
    remedy: 'Check the path; hidden files and folders are left out.',
  },
  'input.loop': {
    retry: 'permanent',
    meaning: 'A folder links back to one of its own parents; it was entered once only.',
    remedy: 'Nothing has to be done; remove the link if it is not wanted.',
  },
  'output.disk-full': {
    retry: 'transient',
    meaning: 'The results could not be written because the disk is full; nothing half-written was left.',
    remedy: 'Free some space and run the command again for the files named.',
  },
  'output.not-writable': {
    retry: 'permanent',
    meaning: 'The results could not be written to the folder given.',
    remedy: 'Check that the folder exists or can be made, and its permissions.',
  },
  'internal.unexpected': {
    retry: 'transient',
    meaning: 'The program met a case that it does not know; this is a defect of ours.',
    remedy: 'Please report it with the log line and, if possible, a de-identified film.',
  },
});
