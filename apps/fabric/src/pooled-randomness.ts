import { randomBytes } from 'node:crypto';
import type { Randomness } from '@provability-fabric/enforcement';

const POOL_BYTES = 8192;

/** Bytes of the operating system's generator, fetched in pools since each fetch costs microseconds. No byte is given twice. */
export function pooledRandomness(): Randomness {
  let pool = randomBytes(POOL_BYTES);
  let used = 0;
  return {
    bytes(length) {
      if (length > POOL_BYTES) return new Uint8Array(randomBytes(length));
      if (used + length > POOL_BYTES) {
        pool = randomBytes(POOL_BYTES);
        used = 0;
      }
      const bytes = new Uint8Array(pool.subarray(used, used + length));
      used += length;
      return bytes;
    },
  };
}
