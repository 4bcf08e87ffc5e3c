import type { Population } from '../applicability.ts';

/** Share of films whose header must tell age or view before they describe the population. */
const TOLD = 0.8;
/** Ages at both ends that may be odd ones out, and the least share of films for a view to belong. */
const TAIL = 0.01;
const VIEW_SHARE = 0.05;

/**
 * The population of a retrained model: ages and views of the films it was trained on where their headers
 * tell, else the base's.
 */
export function populationOf(
  films: readonly { readonly age: number | undefined; readonly view: string | undefined }[],
  base: Population,
  description: string,
): Population {
  const ages = films
    .map((film) => film.age)
    .filter((age) => age !== undefined)
    .toSorted((a, b) => a - b);
  const views = films.map((film) => film.view).filter((view) => view !== undefined);
  const at = (share: number) =>
    Math.floor(ages[Math.min(ages.length - 1, Math.floor(share * ages.length))] ?? 0);
  const common = [...new Set(views)].filter(
    (view) => views.filter((other) => other === view).length >= VIEW_SHARE * views.length,
  );
  return {
    ageYears: ages.length >= TOLD * films.length ? [at(TAIL), at(1 - TAIL)] : base.ageYears,
    views: views.length >= TOLD * films.length ? common.toSorted() : base.views,
    description,
  };
}
