import type { Code } from '../codes.ts';
import { DCM } from '../codes.ts';
import { code, type Modifier, modifiedBy } from '../content.ts';

/** TID 1204 Language of Content Item and Descendants (PS3.16). */
export function languageOfContent(language: Code): Modifier {
  return modifiedBy(code(DCM.language, language));
}
