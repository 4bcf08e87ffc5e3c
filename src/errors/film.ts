import { errorTable } from './kinds.ts';

/** Files and films that come from outside: parsing, selection, decoding, grayscale. */
export const FILM_ERRORS = errorTable({
  'file.empty': {
    retry: 'permanent',
    meaning: 'The file holds no bytes.',
    remedy: 'Check how the file was exported or copied.',
  },
});
