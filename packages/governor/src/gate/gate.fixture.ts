import { generateKeyPairSync, sign } from 'node:crypto';
import { nodeCrypto } from '@provability-fabric/evidence';
import { asDigest, type Envelope, type JsonValue } from '@provability-fabric/kernel';
import { type KeyRing, keyRingOf, type RingKey } from '../keys/ring.ts';
import type { BoundManifest, ChangeBinding } from '../manifest/manifest.ts';
import { bindManifest, parseManifest } from '../manifest/parse-manifest.ts';
import type { KeySigner } from './ports.ts';

export const crypto = nodeCrypto();
export const NOW = Date.parse('2026-11-22T12:00:00Z');

export interface TestKey {
  readonly signer: KeySigner;
  readonly entry: RingKey;
}

export function testKey(keyId: string, part: Partial<RingKey> = {}): TestKey {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32));
  return {
    signer: {
      keyId,
      publicKey: raw,
      sign: async (message) => new Uint8Array(sign(null, message, privateKey)),
    },
    entry: {
      keyId,
      publicKey: raw,
      role: 'human',
      principal: null,
      state: 'active',
      successor: null,
      addedAt: NOW,
      retiredAt: null,
      ...part,
    },
  };
}

export function ringOf(...keys: readonly TestKey[]): KeyRing {
  return keyRingOf(keys.map(({ entry }) => entry));
}

export const BINDING: ChangeBinding = {
  base_tree: asDigest('a'.repeat(64)),
  policy: { digest: asDigest('b'.repeat(64)), version: 3 },
  expires_at: '2026-11-22T13:00:00Z',
  idempotency_key: 'change-1',
};

export function boundManifest(part: Partial<ChangeBinding> = {}): BoundManifest {
  const manifest = parseManifest({
    targets: ['src/app.py'],
    edits: [{ path: 'src/app.py', op: 'replace', start: 0, end: 1, text: 'print("hello")\n' }],
    tests: ['pytest -q'],
    rationale: 'greets whoever starts it',
  });
  return bindManifest(manifest, { ...BINDING, ...part });
}

export function jsonOf(envelope: Envelope): JsonValue {
  return JSON.parse(JSON.stringify(envelope)) as JsonValue;
}
