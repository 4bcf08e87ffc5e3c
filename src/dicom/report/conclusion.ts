import type { Findings } from './findings.ts';
import type { Texts } from './texts.ts';

/**
 * The result in one sentence, made from the codes; the same text stands in both SRs and the ORU. It never
 * calls a film normal: the model knows three classes only. Several films are told apart by number.
 */
export function conclusionOf(films: readonly Findings[], texts: Texts): string {
  if (films.length === 1) return `${films.map((film) => clause(film, texts)).join('')}.`;
  return `${films.map((film, index) => `${texts.film(index + 1)}: ${clause(film, texts)}`).join(' / ')}.`;
}

function clause({ label, pneumonia, certainty, applicability }: Findings, texts: Texts): string {
  const words = texts.conclusion;
  const percent = certainty === null ? null : texts.percent(certainty);
  const result =
    percent === null
      ? words.noResult
      : label === 'normal'
        ? words.normal(percent)
        : label === null
          ? words.pneumoniaOfOpenType(percent)
          : words.pneumonia(label, percent);
  const reserved = pneumonia !== 'undetermined' && applicability.status !== 'in';
  return reserved ? `${result}; ${words.applicability[applicability.status as 'out' | 'unknown']}` : result;
}
