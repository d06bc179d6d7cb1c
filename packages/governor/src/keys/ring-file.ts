// `ring.json`: whose signatures count. It holds the public keys themselves, so that this one file decides; a `.vk` beside it is
// for people and other programs.
import { BytesError, base64, fromBase64, JsonError, parseJsonBytes, utf8 } from '@provability-fabric/kernel';
import { z } from 'zod';
import { GovernorError } from '../errors.ts';
import { SIGNER_ROLES } from '../gate/signer.ts';
import { isKeyId } from './key-id.ts';
import { type KeyRing, keyRingOf, type RingKey } from './ring.ts';

export const MAX_RING_KEYS = 1_000;
const MAX_PRINCIPAL = 255;

const ID = z.string().refine(isKeyId, { message: 'expected a key id' });
const RING_SHAPE = z.strictObject({
  version: z.literal(1),
  keys: z
    .array(
      z.strictObject({
        id: ID,
        public_key: z.string().max(44),
        role: z.enum(SIGNER_ROLES as ['human', 'agent', 'service']),
        principal: z.string().max(MAX_PRINCIPAL).nullable(),
        state: z.enum(['active', 'retired']),
        successor: ID.nullable(),
        added_at: z.iso.datetime(),
        retired_at: z.iso.datetime().nullable(),
      }),
    )
    .max(MAX_RING_KEYS),
});

/** Throws KEY_INVALID with the path; nothing that cannot be read as a ring counts for an empty one. */
export function parseRing(path: string, bytes: Uint8Array): KeyRing {
  try {
    const read = RING_SHAPE.safeParse(parseJsonBytes(bytes, { maxDepth: 8 }));
    if (!read.success) {
      const [issue] = read.error.issues;
      throw new GovernorError('KEY_INVALID', `\`${issue?.path.join('.')}\` is not as expected`);
    }
    return keyRingOf(read.data.keys.map(ringKey));
  } catch (cause) {
    if (cause instanceof GovernorError || cause instanceof JsonError || cause instanceof BytesError)
      throw new GovernorError('KEY_INVALID', `key ring \`${path}\`: ${cause.message}`, { cause });
    throw cause;
  }
}

type Entry = z.infer<typeof RING_SHAPE>['keys'][number];

function ringKey(entry: Entry): RingKey {
  const { id, public_key, role, principal, state, successor, added_at, retired_at } = entry;
  return {
    keyId: id,
    publicKey: fromBase64(public_key),
    role,
    principal,
    state,
    successor,
    addedAt: Date.parse(added_at),
    retiredAt: retired_at === null ? null : Date.parse(retired_at),
  };
}

export function formatRing({ keys }: KeyRing): Uint8Array {
  const entries = keys.map((key) => ({
    id: key.keyId,
    public_key: base64(key.publicKey),
    role: key.role,
    principal: key.principal,
    state: key.state,
    successor: key.successor,
    added_at: new Date(key.addedAt).toISOString(),
    retired_at: key.retiredAt === null ? null : new Date(key.retiredAt).toISOString(),
  }));
  return utf8(`${JSON.stringify({ version: 1, keys: entries }, null, 2)}\n`);
}
