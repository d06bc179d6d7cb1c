import { BytesError, fromBase64, utf8 } from '@provability-fabric/kernel';
import { z } from 'zod';
import { MANIFEST_LIMITS as LIMITS } from './manifest-limits.ts';

const DIGEST = z.string().regex(/^[0-9a-f]{64}$/, 'expected a SHA-256 digest of 64 lowercase hex digits');
const LINE = z
  .number()
  .int()
  .min(0)
  .max(2 ** 31 - 1);

/** One spelling per file: what normalises to another path, or leaves the tree, is no path. */
const PATH = textOf(LIMITS.pathBytes, 1).refine(isPlainPath, {
  message:
    'expected a path below the root such as `src/main.ts`: `/` between names, no `.`, `..` or empty name, at most ' +
    `${LIMITS.pathNames} names`,
});

const EDIT = z.strictObject({
  path: PATH,
  op: z.enum(['replace', 'insert', 'delete']),
  start: LINE,
  end: LINE,
  text: textOf(LIMITS.contentBytes).default(''),
});

const DIFF = z.strictObject({ path: PATH, base: DIGEST, diff: textOf(LIMITS.contentBytes, 1) });

const WRITE = z.strictObject({
  path: PATH,
  base: DIGEST.nullable(),
  content: z
    .union([
      z.strictObject({ text: textOf(LIMITS.contentBytes) }),
      z.strictObject({
        base64: z.string().refine(isBase64OfAtMost(LIMITS.contentBytes), {
          message: `expected padded base64 of at most ${LIMITS.contentBytes} bytes`,
        }),
      }),
    ])
    .nullable(),
  mode: z.enum(['100644', '100755']).optional(),
});

const MANIFEST = {
  // The original's manifests leave out what they do not need.
  version: z.literal('1.0.0').default('1.0.0'),
  targets: z.array(PATH).min(1).max(LIMITS.targets),
  edits: z.array(EDIT).max(LIMITS.edits).default([]),
  diffs: z.array(DIFF).max(LIMITS.targets).default([]),
  files: z.array(WRITE).max(LIMITS.targets).default([]),
  tests: z.array(textOf(LIMITS.testBytes, 1)).max(LIMITS.tests).default([]),
  rationale: textOf(LIMITS.rationaleBytes),
  reverts: DIGEST.optional(),
};

export const MANIFEST_SHAPE = z.strictObject(MANIFEST);

export const BOUND_MANIFEST_SHAPE = z.strictObject({
  ...MANIFEST,
  base_tree: DIGEST,
  policy: z.strictObject({ digest: DIGEST, version: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER) }),
  expires_at: z
    .string()
    .refine(isUtcTime, { message: 'expected a time such as `2026-01-01T00:00:00Z`, in UTC' }),
  idempotency_key: z.string().regex(/^[A-Za-z0-9._:-]{1,128}$/, 'expected 1 to 128 of A-Z a-z 0-9 . _ : -'),
});

/** Without NUL, which ends a text for the systems that it is handed to, and without lone surrogates. */
function textOf(maxBytes: number, minBytes = 0) {
  return z.string().refine((text) => text.length <= maxBytes && isText(text, minBytes, maxBytes), {
    message: `expected text of ${minBytes} to ${maxBytes} bytes of UTF-8 without NUL`,
  });
}

function isText(text: string, minBytes: number, maxBytes: number): boolean {
  if (text.includes('\0')) return false;
  const bytes = byteLength(text);
  return bytes !== undefined && bytes >= minBytes && bytes <= maxBytes;
}

function byteLength(text: string): number | undefined {
  try {
    return utf8(text).length;
  } catch (error) {
    if (error instanceof BytesError) return undefined;
    throw error;
  }
}

function isPlainPath(path: string): boolean {
  const names = path.split('/');
  return (
    names.length <= LIMITS.pathNames && names.every((name) => name !== '' && name !== '.' && name !== '..')
  );
}

function isBase64OfAtMost(maxBytes: number): (text: string) => boolean {
  return (text) => {
    if (text.length > Math.ceil(maxBytes / 3) * 4) return false;
    try {
      return fromBase64(text).length <= maxBytes;
    } catch (error) {
      if (error instanceof BytesError) return false;
      throw error;
    }
  };
}

function isUtcTime(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/.test(text)) return false;
  const at = new Date(text);
  // A 30th of February is read as a day of March.
  return !Number.isNaN(at.getTime()) && at.toISOString().slice(0, 19) === text.slice(0, 19);
}
