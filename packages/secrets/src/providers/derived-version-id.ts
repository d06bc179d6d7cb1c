import { createHash } from 'node:crypto';
import { makeVersionId } from '../version-id.ts';

/** The id of a version whose store keeps none: out of what the store says of it and never changes, so always the same. */
export function derivedVersionId(at: number, identity: readonly (string | number)[]): string {
  let round = 0;
  return makeVersionId(at, (bytes) =>
    createHash('sha256')
      .update(JSON.stringify([round++, ...identity]))
      .digest()
      .subarray(0, bytes),
  );
}
