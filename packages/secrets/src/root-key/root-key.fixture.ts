import { randomBytes } from 'node:crypto';
import type { SecretRows } from '../ports.ts';
import type { KeyManagement } from './kms-source.ts';

/** A key management that answers here: AES-KW or the like is not needed to show that ours asks it rightly. */
export class FakeKms implements KeyManagement {
  readonly #kept = new Map<string, Uint8Array>();
  down = false;

  async wrap(key: Uint8Array): Promise<Uint8Array> {
    if (this.down) throw new Error('connection refused');
    const handle = randomBytes(32);
    this.#kept.set(handle.toString('hex'), Uint8Array.from(key));
    return handle;
  }

  async unwrap(wrapped: Uint8Array): Promise<Uint8Array> {
    const key = this.#kept.get(Buffer.from(wrapped).toString('hex'));
    if (this.down || key === undefined) throw new Error('access denied');
    return Uint8Array.from(key);
  }
}

const CHANGING: ReadonlySet<string | symbol> = new Set([
  'change',
  'addTenantKey',
  'rewrapTenantKey',
  'dropTenantKey',
  'addRootKey',
  'dropRootKey',
]);

/** Rows under a process that dies at its nth change: before it is made, or when it is made and not yet answered. */
export function fakeDyingRows(rows: SecretRows, nth: number, when: 'before' | 'after'): SecretRows {
  let changes = 0;
  let dead = false;
  return new Proxy(rows, {
    get(target, property) {
      const method: unknown = Reflect.get(target, property);
      if (typeof method !== 'function') return method;
      return async (...args: readonly unknown[]) => {
        const dies = CHANGING.has(property) && ++changes === nth;
        if (dead || (dies && when === 'before')) {
          dead = true;
          throw new Error('killed');
        }
        const answer: unknown = await Reflect.apply(method, target, args);
        if (dies) {
          dead = true;
          throw new Error('killed');
        }
        return answer;
      };
    },
  });
}
