import type { FuzzTarget } from '../target.ts';
import { codecs } from './codecs.ts';
import { decoders, film, identity } from './film.ts';
import { config, manifest, mllp } from './others.ts';
import { picture } from './picture.ts';
import { qido, store, stow, wado } from './web.ts';

export const TARGETS: readonly FuzzTarget[] = [
  film,
  identity,
  decoders,
  codecs,
  picture,
  stow,
  qido,
  wado,
  store,
  mllp,
  config,
  manifest,
];
