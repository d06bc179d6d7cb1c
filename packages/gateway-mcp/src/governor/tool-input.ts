import { MANIFEST_LIMITS as LIMITS } from '@provability-fabric/governor';
import { z } from 'zod';

// What an agent reads before it calls: each description says what to send, not only what the member is called.

const PATH = z
  .string()
  .min(1)
  .max(LIMITS.pathBytes)
  .describe('path of a file, relative to the root of the tree, `/` between segments, no `.` or `..`');
const DIGEST = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .describe('SHA-256 of a file as it is now, 64 lowercase hex digits, as `sha256sum FILE` prints it');
const LINE = z
  .number()
  .int()
  .min(0)
  .max(2 ** 31 - 1);

const EDIT = z
  .strictObject({
    path: PATH,
    op: z.enum(['replace', 'insert', 'delete']),
    start: LINE.describe('first line, counted from 0 in the file as it is before the change'),
    end: LINE.describe('last line, inclusive; for insert the same as start'),
    text: z.string().max(LIMITS.contentBytes).default('').describe('the new lines; none for delete'),
  })
  .describe('an edit of lines; edits of one file may not overlap');

const DIFF = z
  .strictObject({
    path: PATH,
    base: DIGEST,
    diff: z.string().max(LIMITS.contentBytes).describe('a unified diff of this one file'),
  })
  .describe('a unified diff of one file; it has to apply exactly');

const FILE = z
  .strictObject({
    path: PATH,
    base: DIGEST.nullable().describe(
      'SHA-256 of the file as it is now; null for a file that is not there yet',
    ),
    content: z
      .union([z.strictObject({ text: z.string() }), z.strictObject({ base64: z.string() })])
      .nullable()
      .describe('the whole new file, {"text": …} or {"base64": …}; null deletes it'),
    mode: z.enum(['100644', '100755']).optional().describe('100755: executable; absent: as it is'),
  })
  .describe('a whole file: written, created or deleted');

const CHANGE = {
  rationale: z
    .string()
    .min(1)
    .max(LIMITS.rationaleBytes)
    .describe('why this change is needed, in a sentence or two, for the person who decides'),
  edits: z.array(EDIT).max(LIMITS.edits).optional(),
  diffs: z.array(DIFF).max(LIMITS.targets).optional(),
  files: z.array(FILE).max(LIMITS.targets).optional(),
  tests: z
    .array(z.string().min(1).max(LIMITS.testBytes))
    .max(LIMITS.tests)
    .optional()
    .describe('shell commands that must succeed in the changed tree; they run in a sandbox without network'),
  targets: z
    .array(PATH)
    .max(LIMITS.targets)
    .optional()
    .describe(
      'every path that changes, each once; may be left out, then it is taken from edits, diffs and files',
    ),
  version: z.literal('1.0.0').optional().describe('of the manifest format'),
};

/** Each path by one of edits, diffs and files only. */
export const CHANGE_INPUT = z.strictObject(CHANGE);

export const CHECK_INPUT = z.strictObject({
  hash: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional()
    .describe('the hash that propose_change gave: answers what became of the proposal'),
  manifest: CHANGE_INPUT.optional().describe(
    'a change that is not proposed yet, as for propose_change: answers what the policy says of it, and changes nothing',
  ),
});

export const STATUS_INPUT = z.strictObject({});

/** In the form that the governor reads: every list is there, and so are the targets. */
export function manifestOf(change: z.infer<typeof CHANGE_INPUT>) {
  const { rationale, edits = [], diffs = [], files = [], tests = [], version = '1.0.0' } = change;
  const targets = change.targets ?? [...new Set([...edits, ...diffs, ...files].map(({ path }) => path))];
  return { version, targets, edits, diffs, files, tests, rationale };
}
