import { errorTable } from './kinds.ts';

export const REPORT_ERRORS = errorTable({});
