import { z } from 'zod';
import { SecretError } from '../../errors.ts';
import type { SecretPlace } from '../../names.ts';
import type { SecretValue } from '../../value.ts';
import { MAX_VALUE_BYTES } from '../../value.ts';
import { movedValue, NOTE_FIELD, placeText } from '../fabric-note.ts';

const number = z.number().int().min(1).max(Number.MAX_SAFE_INTEGER);
const id = z.string().regex(/^v[0-9]{1,16}-[0-9a-z]{6}$/);
const uuid = z.string().min(32).max(64);
const key = z.string().max(64);

const olderVersion = z.object({ version: number, id, uuid, promoted: key.optional() });
const valueNote = z.object({
  kind: z.literal('value'),
  place: z.string(),
  version: number,
  id,
  by: z.string().max(320),
  why: z.string().max(512),
  promoted: key.optional(),
  /** Random, of the secret: one that was removed and made anew is another. */
  born: z.string().max(64),
  bornAt: z.number().int(),
  metadata: z.object({
    sensitivity: z.enum(['low', 'medium', 'high', 'critical']),
    tags: z.record(z.string(), z.string()),
    maxVersions: z.number().int().min(1),
    casRequired: z.boolean(),
  }),
  /** Newest first: which of AWS' versions are this secret's earlier ones. */
  older: z.array(olderVersion).max(100),
});
const pendingNote = z.object({
  kind: z.literal('pending'),
  place: z.string(),
  token: z.string().max(256),
  born: z.string().max(64),
});
const removedNote = z.object({ kind: z.literal('removed'), place: z.string() });
const anyNote = z.discriminatedUnion('kind', [valueNote, pendingNote, removedNote]);

export type OlderVersion = z.infer<typeof olderVersion>;
export type ValueNote = z.infer<typeof valueNote>;
export type AwsNote = z.infer<typeof anyNote>;

export interface Content {
  /** Undefined: others wrote it. */
  readonly note: AwsNote | undefined;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** The text of a version: the fields as AWS' own readers expect them, and the note beside them. */
export function textOf(note: AwsNote, fields: SecretValue = {}): string {
  const text = JSON.stringify({ ...fields, [NOTE_FIELD]: note });
  const bytes = Buffer.byteLength(text);
  if (bytes <= MAX_VALUE_BYTES) return text;
  throw new SecretError(
    'SECRET_VALUE_INVALID',
    `expected at most ${MAX_VALUE_BYTES} bytes for AWS, got \`${bytes}\` with metadata, author and description; shorten the ` +
      'value, the tags or the description',
  );
}

/** Throws PROVIDER_INCONSISTENT for a note of another place, SECRET_VALUE_INVALID for what has no fields. */
export function contentOf(place: SecretPlace, text: string | undefined): Content {
  const parsed = text === undefined ? undefined : jsonObject(text);
  if (parsed === undefined)
    throw new SecretError(
      'SECRET_VALUE_INVALID',
      'expected the secret at AWS to be a JSON object of texts, got a plain text or bytes; write it anew with fields',
    );
  const { [NOTE_FIELD]: stored, ...fields } = parsed;
  if (stored === undefined) return { note: undefined, fields };
  const note = anyNote.safeParse(stored);
  if (!note.success || note.data.place !== placeText(place)) throw movedValue(place);
  return { note: note.data, fields };
}

function jsonObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
      ? (parsed as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}
