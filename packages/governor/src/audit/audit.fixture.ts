import { createHash, createPrivateKey, createPublicKey, randomBytes, sign, verify } from 'node:crypto';
import { asDigest, type Crypto, digestOf, utf8 } from '@provability-fabric/kernel';
import { MemoryJournal } from '@provability-fabric/testkit';
import type { PolicyIdentity } from '../policy/plan.ts';
import type { ChangeEvent } from './change-event.ts';
import type { ChangeSource } from './change-source.ts';
import { type ChangeTrail, type ChangeTrailOptions, createChangeTrail } from './change-trail.ts';
import { journalChanges } from './journal-changes.ts';

export const LOG_ID = 'ab'.repeat(16);
export const TENANT = 'acme';

function keyOf(seed: string) {
  const der = Buffer.concat([
    Buffer.from('302e020100300506032b657004220420', 'hex'),
    createHash('sha256').update(seed).digest(),
  ]);
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const raw = new Uint8Array(
    createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-32),
  );
  return { raw, signer: (keyid: string) => ({ keyid, sign: signing }) };

  function signing(message: Uint8Array): Uint8Array {
    return new Uint8Array(sign(null, message, privateKey));
  }
}

const ours = keyOf('the evidence key of these tests');
const signer = ours.signer('evidence.one');
/** Signs as ours does, with a key that nobody knows. */
export const forger = keyOf('somebody else').signer('evidence.one');
export const KEYS: ReadonlyMap<string, Uint8Array> = new Map([[signer.keyid, ours.raw]]);

export const crypto: Crypto = {
  sha256: (data) => new Uint8Array(createHash('sha256').update(data).digest()),
  verifyEd25519: (key, message, signature) => {
    const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), key]);
    return verify(null, message, createPublicKey({ key: spki, format: 'der', type: 'spki' }), signature);
  },
};

/** A journal that tells when it grew, as the file log does. */
export class ToldJournal extends MemoryJournal {
  readonly #listeners = new Set<() => void>();

  override async commit(commit: Parameters<MemoryJournal['commit']>[0]) {
    const result = await super.commit(commit);
    for (const listener of this.#listeners) listener();
    return result;
  }

  onDurable(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

export interface TestTrail {
  readonly journal: ToldJournal;
  readonly source: ChangeSource;
  readonly trail: ChangeTrail;
}

export function trailOn(journal = new ToldJournal(), options: Partial<ChangeTrailOptions> = {}): TestTrail {
  const random = (length: number) => new Uint8Array(randomBytes(length));
  const given = { journal, crypto, signer, random, logId: LOG_ID, tenant: TENANT, ...options };
  const source = journalChanges({ log: journal, logId: given.logId, tenant: given.tenant });
  return { journal, source, trail: createChangeTrail(given) };
}

export const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, Math.min(ms, 5)));

export function digest(text: string) {
  return digestOf(crypto, utf8(text));
}

const POLICY: PolicyIdentity = { digest: asDigest('cd'.repeat(32)), version: 3 };
let made = 0;

export function changeEvent(change: Partial<ChangeEvent> = {}): ChangeEvent {
  made += 1;
  return {
    id: `00000000-0000-4000-8000-${String(made).padStart(12, '0')}`,
    kind: 'change-applied',
    at: Date.parse('2026-01-01T00:00:00.000Z') + made,
    actor: 'api',
    principal: 'alice',
    manifest: digest(`manifest ${made}`),
    idempotencyKey: `key-${made}`,
    reverts: null,
    verdict: 'approved',
    errorCode: null,
    detail: null,
    signers: [{ keyId: 'default', role: 'human' }],
    policy: POLICY,
    tree: { before: digest(`tree ${made}`), after: digest(`tree ${made + 1}`) },
    files: [{ path: 'src/a.ts', before: null, after: { digest: digest('a'), mode: '100644' } }],
    sandbox: {
      rc: 0,
      duration_ms: 12.6,
      timed_out: false,
      end: 'exited',
      commands: 1,
      stdout_bytes: 3,
      stderr_bytes: 0,
      tier: 'rlimits',
      engine: 'bubblewrap 0.8.0',
    },
    outputDigest: digest('out'),
    commit: null,
    ...change,
  };
}
