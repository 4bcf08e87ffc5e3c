/** Served from src/ai/, where the reports have it too. */
export { percentOf, tenthsOf } from '../../../ai/tenths.js';
