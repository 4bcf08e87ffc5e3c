import { errorTable } from './kinds.ts';

export const AI_ERRORS = errorTable({});
