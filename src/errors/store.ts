import { errorTable } from './kinds.ts';

export const STORE_ERRORS = errorTable({});
