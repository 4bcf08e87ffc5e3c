/** Served from src/ai/, where the reports have it too. */
export { percentInWords, percentOf, tenthsOf } from '../../../ai/tenths.js';
