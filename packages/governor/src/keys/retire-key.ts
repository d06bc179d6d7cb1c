import { GovernorError } from '../errors.ts';
import { changeRing, type KeyMaking } from './change-ring.ts';
import type { RingKey } from './ring.ts';
import { retiredKey } from './rotate-key.ts';

/** Takes a key out of use with nothing in its place: what it signs from now on, or has signed and was not applied, no longer counts. */
export async function retireKey(folder: string, keyId: string, making: KeyMaking): Promise<RingKey> {
  return changeRing(folder, making, async ({ keys, get }) => {
    const key = get(keyId);
    if (key?.state !== 'active')
      throw new GovernorError('KEY_UNKNOWN', 'expected the id of a key in use; see `safeai keys list`');
    const retired = retiredKey(key, null, making.now());
    return { keys: keys.map((other) => (other === key ? retired : other)), result: retired };
  });
}
