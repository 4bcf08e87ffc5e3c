import { errorTable } from './kinds.ts';

export const USAGE_ERRORS = errorTable({});
