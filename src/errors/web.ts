import { errorTable } from './kinds.ts';

export const WEB_ERRORS = errorTable({});
