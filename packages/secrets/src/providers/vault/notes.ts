import { z } from 'zod';
import type { SecretPlace } from '../../names.ts';
import { movedValue, NOTE_FIELD, placeText, UNKNOWN_AUTHOR } from '../fabric-note.ts';
import { jsonOf } from './answers.ts';

const words = { by: z.string().max(320), why: z.string().max(512) };
/** Of one write: what was stored is known again by it when the answer was lost. */
const nonce = z.string().regex(/^[0-9a-f]{32}$/);

const valueNote = z.object({
  kind: z.literal('value'),
  place: z.string(),
  nonce,
  ...words,
  /** Which staged value it was. */
  promoted: z.string().optional(),
});
const aboutNote = z.object({
  kind: z.literal('about'),
  place: z.string(),
  nonce,
  sensitivity: z.enum(['low', 'medium', 'high', 'critical']),
  tags: z.record(z.string(), z.string()),
  casRequired: z.boolean(),
  /** Who wrote the versions that cannot be read any more, and why. */
  hidden: z.record(z.string().regex(/^[1-9][0-9]{0,15}$/), z.object(words)),
});
const pointerNote = z.object({
  kind: z.literal('pointer'),
  place: z.string(),
  nonce,
  /** Null: nothing is staged. */
  token: z.string().min(1).max(256).nullable(),
  /** The current version when it was staged: promoted it can only be a later one. */
  base: z.number().int().min(0),
});
const pendingNote = z.object({ kind: z.literal('pending'), place: z.string(), nonce, token: z.string() });

export type ValueNote = z.infer<typeof valueNote>;
export type AboutNote = z.infer<typeof aboutNote>;
export type PointerNote = z.infer<typeof pointerNote>;
export type PendingNote = z.infer<typeof pendingNote>;

const SCHEMAS = { value: valueNote, about: aboutNote, pointer: pointerNote, pending: pendingNote };
type Notes = { value: ValueNote; about: AboutNote; pointer: PointerNote; pending: PendingNote };
type Data = Readonly<Record<string, unknown>>;

/** As text, since other readers of KV expect texts. */
export function noted(note: Notes[keyof Notes], fields: Data = {}): Data {
  return { ...fields, [NOTE_FIELD]: JSON.stringify(note) };
}

/** Undefined where there is none; PROVIDER_INCONSISTENT for one of another place or kind. */
export function noteOf<K extends keyof Notes>(kind: K, place: SecretPlace, data: Data): Notes[K] | undefined {
  const text = data[NOTE_FIELD];
  if (text === undefined) return undefined;
  const parsed = SCHEMAS[kind].safeParse(typeof text === 'string' ? jsonOf(text) : undefined);
  if (!parsed.success || parsed.data.place !== placeText(place)) throw movedValue(place);
  return parsed.data as Notes[K];
}

/** What somebody else wrote has no note. */
export function wordsOf(note: ValueNote | undefined): { readonly by: string; readonly why: string } {
  return note === undefined ? { by: UNKNOWN_AUTHOR, why: '' } : { by: note.by, why: note.why };
}
