/**
 * The content tree of a structured report (PS3.3 C.17.3) as types: what Comprehensive SR (A.35.3) and
 * Comprehensive 3D SR (A.35.13) do not allow cannot be written down, and an item that was built is valid.
 * Items are made by the functions below only (a brand keeps literals out); the relationship between an item
 * and its parent is part of the child, and each kind of parent lists what it takes.
 */
import { DeepHealthError } from '../../errors/error.ts';
import type { Code } from './codes.ts';
import { withoutControls } from './legal.ts';
import { isUid } from './uid.ts';

declare const built: unique symbol;
interface Built {
  readonly [built]: true;
}

export interface ContainerItem extends Built {
  readonly valueType: 'CONTAINER';
  readonly name: Code;
  /** Template of the root (PS3.3 C.18.8), identified in DCMR. */
  readonly template: string | null;
  readonly children: readonly ContainerChild[];
}
export interface TextItem extends Built {
  readonly valueType: 'TEXT';
  readonly name: Code;
  readonly value: string;
  readonly children: readonly Modifier[];
}
export interface CodeItem extends Built {
  readonly valueType: 'CODE';
  readonly name: Code;
  readonly value: Code;
  readonly children: readonly Modifier[];
}
export interface NumItem extends Built {
  readonly valueType: 'NUM';
  readonly name: Code;
  /** A DS value; a NUM without one is not built here. */
  readonly value: string;
  readonly unit: Code;
  readonly children: readonly Modifier[];
}
export interface DateItem extends Built {
  readonly valueType: 'DATE';
  readonly name: Code;
  readonly value: string;
  readonly children: readonly [];
}
export interface TimeItem extends Built {
  readonly valueType: 'TIME';
  readonly name: Code;
  readonly value: string;
  readonly children: readonly [];
}
export interface UidItem extends Built {
  readonly valueType: 'UIDREF';
  readonly name: Code;
  readonly value: string;
  readonly children: readonly [];
}
export interface ImageItem extends Built {
  readonly valueType: 'IMAGE';
  /** Null only where the template gives none (TID 1601 row 1, TID 1501 row 10d). */
  readonly name: Code | null;
  readonly value: SopReference;
  readonly children: readonly (Modifier | AcquisitionContext)[];
}
export interface ScoordItem extends Built {
  readonly valueType: 'SCOORD';
  readonly name: Code;
  /** A closed POLYLINE as [column, row] pairs, top left pixel's corner 0\0. */
  readonly value: readonly (readonly [number, number])[];
  /** The image that the coordinates were SELECTED FROM: always exactly one. */
  readonly children: readonly [SelectedFrom];
}

/** An instance that the report names. */
export interface SopReference {
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
}

export type ContentItem =
  | ContainerItem
  | TextItem
  | CodeItem
  | NumItem
  | DateItem
  | TimeItem
  | UidItem
  | ImageItem
  | ScoordItem;

type ContextItem = TextItem | CodeItem | NumItem | DateItem | TimeItem | UidItem;

export interface Contained {
  readonly relationship: 'CONTAINS';
  readonly item: ContentItem;
}
export interface Modifier {
  readonly relationship: 'HAS CONCEPT MOD';
  readonly item: TextItem | CodeItem;
}
export interface ObservationContext {
  readonly relationship: 'HAS OBS CONTEXT';
  readonly item: ContextItem;
}
export interface AcquisitionContext {
  readonly relationship: 'HAS ACQ CONTEXT';
  readonly item: ContextItem;
}
export interface SelectedFrom {
  readonly relationship: 'SELECTED FROM';
  readonly item: ImageItem;
}
export type ContainerChild = Contained | Modifier | ObservationContext | AcquisitionContext;
export type ContentChild = ContainerChild | SelectedFrom;

export function contains(item: ContentItem): Contained {
  return { relationship: 'CONTAINS', item };
}
export function modifiedBy(item: TextItem | CodeItem): Modifier {
  return { relationship: 'HAS CONCEPT MOD', item };
}
export function observedIn(item: ContextItem): ObservationContext {
  return { relationship: 'HAS OBS CONTEXT', item };
}
export function acquiredIn(item: ContextItem): AcquisitionContext {
  return { relationship: 'HAS ACQ CONTEXT', item };
}

/** CONTAINER, always SEPARATE; `template` is the TID of a root. */
export function container(
  name: Code,
  children: readonly ContainerChild[],
  template: string | null = null,
): ContainerItem {
  return brand({ valueType: 'CONTAINER', name: checked(name), template, children });
}

/** TEXT; control characters other than line ends and tabs are taken out, nothing left is refused. */
export function text(name: Code, value: string, children: readonly Modifier[] = []): TextItem {
  const clean = withoutControls(value, 'lines').trim();
  if (clean === '') throw refusal(name, 'has no text');
  return brand({ valueType: 'TEXT', name: checked(name), value: clean, children });
}

export function code(name: Code, value: Code, children: readonly Modifier[] = []): CodeItem {
  return brand({ valueType: 'CODE', name: checked(name), value: checked(value), children });
}

/** NUM with exactly one value: a decimal string of at most 16 characters (DS) and its unit. */
export function num(name: Code, value: string, unit: Code, children: readonly Modifier[] = []): NumItem {
  if (value.length > 16 || !/^-?\d+(\.\d+)?$/.test(value)) throw refusal(name, 'is not a decimal number');
  return brand({ valueType: 'NUM', name: checked(name), value, unit: checked(unit), children });
}

export function date(name: Code, value: string): DateItem {
  if (!/^\d{8}$/.test(value)) throw refusal(name, 'is not a date');
  return brand({ valueType: 'DATE', name: checked(name), value, children: [] });
}

export function time(name: Code, value: string): TimeItem {
  if (!/^\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?$/.test(value)) throw refusal(name, 'is not a time');
  return brand({ valueType: 'TIME', name: checked(name), value, children: [] });
}

export function uidref(name: Code, value: string): UidItem {
  if (!isUid(value)) throw refusal(name, 'is not a UID');
  return brand({ valueType: 'UIDREF', name: checked(name), value, children: [] });
}

export function image(
  name: Code | null,
  value: SopReference,
  children: readonly (Modifier | AcquisitionContext)[] = [],
): ImageItem {
  if (!isUid(value.sopClassUid) || !isUid(value.sopInstanceUid)) throw refusal(name, 'names no instance');
  return brand({ valueType: 'IMAGE', name: name === null ? null : checked(name), value, children });
}

/** SCOORD, a closed POLYLINE in the coordinates of the image it was selected from. */
export function polyline(
  name: Code,
  points: readonly (readonly [number, number])[],
  selectedFrom: ImageItem,
): ScoordItem {
  const first = points[0];
  const last = points.at(-1);
  if (first === undefined || last === undefined || points.length < 4) throw refusal(name, 'is no area');
  if (first[0] !== last[0] || first[1] !== last[1]) throw refusal(name, 'is not closed');
  if (points.flat().some((value) => !Number.isFinite(value) || value < 0)) {
    throw refusal(name, 'lies outside of the image');
  }
  return brand({
    valueType: 'SCOORD',
    name: checked(name),
    value: points,
    children: [{ relationship: 'SELECTED FROM', item: selectedFrom }],
  });
}

/** Every item of the tree, parents first, in reading order. */
export function* walk(root: ContentItem): Generator<ContentItem> {
  yield root;
  for (const child of root.children) yield* walk(child.item);
}

/** A code that fits its attributes: value SH or, when longer, UC; designator SH; meaning LO (PS3.3 8). */
function checked(concept: Code): Code {
  const { value, scheme, meaning } = concept;
  const plain = (part: string) => withoutControls(part, 'none') === part && !part.includes('\\');
  if (value.trim() === '' || !plain(value)) throw refusal(concept, 'has a value that is not legal');
  if (scheme.trim() === '' || scheme.length > 16 || !plain(scheme)) {
    throw refusal(concept, 'has a designator that is not legal');
  }
  if (meaning.trim() === '' || [...meaning].length > 64 || !plain(meaning)) {
    throw refusal(concept, 'has a meaning that is not legal');
  }
  return concept;
}

/** The message names our own concepts only by code, never what a film brought along. */
function refusal(name: Code | null, why: string): DeepHealthError {
  const known = name !== null && ['DCM', '99DEEPHEALTH'].includes(name.scheme) ? ` (${name.value})` : '';
  return new DeepHealthError('report.content-invalid', `A content item${known} ${why}.`);
}

function brand<Item extends Omit<ContentItem, typeof built>>(item: Item): Item & Built {
  return item as Item & Built;
}
