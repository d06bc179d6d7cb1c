import {
  asDigest,
  type Crypto,
  canonicalBytes,
  digestJson,
  type JsonObject,
  parseJsonBytes,
} from '@provability-fabric/kernel';
import { z } from 'zod';
import { GovernorError } from '../errors.ts';

const digest = z.string().transform((text, context) => {
  try {
    return asDigest(text);
  } catch {
    context.addIssue('no digest');
    return z.NEVER;
  }
});
const mode = z.enum(['100644', '100755']);
const permissions = z.int().min(0).max(0o777);
const objectId = z.string().regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/);

const planShape = z.strictObject({
  /** ms since 1970: changes that were not finished are taken up in this order. */
  at: z.int(),
  id: z.string(),
  manifest: digest,
  reverts: digest.nullable(),
  tree: z.strictObject({ before: digest, after: digest }),
  files: z
    .array(
      z.strictObject({
        path: z.string(),
        before: z.strictObject({ digest, gid: z.int(), mode, permissions, uid: z.int() }).nullable(),
        after: z.strictObject({ digest, mode, permissions }).nullable(),
      }),
    )
    .readonly(),
  /** Folders that the change makes, from the root down. */
  made: z.array(z.string()).readonly(),
  /** Folders that it leaves without any file, from the root up. */
  emptied: z.array(z.strictObject({ path: z.string(), permissions })).readonly(),
  commit: z.strictObject({ id: objectId, previous: objectId.nullable(), ref: z.string() }).nullable(),
});

/** What is about to be done, written down before anything of it is: enough to finish or undo it in another process. */
export type ChangePlan = z.infer<typeof planShape>;
export type PlannedFile = ChangePlan['files'][number];

export function planBytes(crypto: Crypto, plan: ChangePlan): Uint8Array {
  const change: JsonObject = JSON.parse(JSON.stringify(plan));
  return canonicalBytes({ change, digest: digestJson(crypto, change) });
}

/** A plan that does not hold is TREE_DAMAGED: what it began can neither be finished nor undone by guessing. */
export function parsePlan(crypto: Crypto, id: string, bytes: Uint8Array): ChangePlan {
  try {
    const whole = z
      .strictObject({ change: z.record(z.string(), z.json()), digest: z.string() })
      .parse(parseJsonBytes(bytes));
    const change = planShape.parse(whole.change);
    if (change.id === id && digestJson(crypto, whole.change as JsonObject) === whole.digest) return change;
  } catch {
    // Told below, with what to do about it.
  }
  throw new GovernorError(
    'TREE_DAMAGED',
    `the journal of change \`${id}\` in \`.safeai/journal\` was altered; compare the tree with a backup, then move the entry away`,
  );
}
