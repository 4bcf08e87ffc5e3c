import { errorTable } from './kinds.ts';

export const HL7_ERRORS = errorTable({});
