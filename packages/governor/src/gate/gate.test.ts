import {
  base64,
  canonicalBytes,
  type Envelope,
  fromBase64,
  hex,
  type JsonValue,
  parseJsonBytes,
  preAuthEncoding,
  utf8,
} from '@provability-fabric/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fileSigner } from '../keys/file-signer.ts';
import { generateKey } from '../keys/generate-key.ts';
import { keyFolder, making } from '../keys/keys.fixture.ts';
import { rotateKey } from '../keys/rotate-key.ts';
import { watchKeyRing } from '../keys/watch-key-ring.ts';
import { type BoundManifest, MANIFEST_PAYLOAD_TYPE } from '../manifest/manifest.ts';
import { manifestBytes, manifestHash } from '../manifest/parse-manifest.ts';
import { checkBinding, checkThreshold } from './check-envelope.ts';
import { createGate } from './create-gate.ts';
import { BINDING, boundManifest, crypto, jsonOf, NOW, ringOf, testKey } from './gate.fixture.ts';
import { addSignature, signManifest } from './sign-manifest.ts';
import type { Signer } from './signer.ts';
import { verifyEnvelope } from './verify-envelope.ts';

const ann = testKey('ann');
const bob = testKey('bob');
const bot = testKey('bot', { role: 'agent' });
const stranger = testKey('stranger');
const ring = ringOf(ann, bob, bot);
const manifest = boundManifest();
const signed = await signManifest(manifest, [ann.signer]);

const verify = (envelope: Envelope | JsonValue, keys = ring) =>
  verifyEnvelope({ crypto, ring: keys }, jsonOf(envelope as Envelope));
const code = (code: string, text = '') =>
  expect.objectContaining({ code, message: expect.stringContaining(text) });
const refused = (envelope: unknown, expected: string, text?: string) =>
  expect(() => verify(envelope as Envelope)).toThrow(code(expected, text));

/** An envelope over any payload, with a signature by ann that holds. */
async function sealed(payload: Uint8Array, payloadType = MANIFEST_PAYLOAD_TYPE): Promise<Envelope> {
  const sig = base64(await ann.signer.sign(preAuthEncoding(payloadType, payload)));
  return { payloadType, payload: base64(payload), signatures: [{ keyid: 'ed25519:ann', sig }] };
}

describe('an envelope that somebody changed', () => {
  it('is refused for every bit of its payload and signature', () => {
    fc.assert(
      fc.property(fc.constantFrom('payload', 'sig'), fc.nat(), (member, seed) => {
        const [signature] = signed.signatures as readonly [Envelope['signatures'][0]];
        const bytes = fromBase64(member === 'payload' ? signed.payload : signature.sig);
        const bit = seed % (bytes.length * 8);
        bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
        const changed =
          member === 'payload'
            ? { ...signed, payload: base64(bytes) }
            : { ...signed, signatures: [{ ...signature, sig: base64(bytes) }] };
        refused(changed, 'SIGNATURE_INVALID', 'ann');
      }),
      { numRuns: 200 },
    );
  });

  it('is refused with the signature of another change, or of another key', async () => {
    const other = await signManifest(boundManifest({ idempotency_key: 'change-2' }), [ann.signer]);
    refused({ ...signed, signatures: other.signatures }, 'SIGNATURE_INVALID');
    const [signature] = (await signManifest(manifest, [bob.signer])).signatures;
    refused({ ...signed, signatures: [{ ...signature, keyid: 'ed25519:ann' }] }, 'SIGNATURE_INVALID');
  });

  it('is refused where it was re-targeted, whatever stays the same', () => {
    const text = Buffer.from(signed.payload, 'base64').toString().replaceAll('src/app.py', 'src/pay.py');
    refused({ ...signed, payload: base64(utf8(text)) }, 'SIGNATURE_INVALID');
  });

  it('is refused although another signature of it holds', async () => {
    const both = await signManifest(manifest, [ann.signer, bob.signer]);
    const [first, second] = both.signatures as [Envelope['signatures'][0], Envelope['signatures'][0]];
    refused({ ...both, signatures: [first, { ...second, sig: first.sig }] }, 'SIGNATURE_INVALID', 'bob');
  });

  it('is refused as another type of payload, signed or not', async () => {
    const payload = manifestBytes(manifest);
    refused({ ...signed, payloadType: 'application/vnd.in-toto+json' }, 'ENVELOPE_INVALID');
    refused(await sealed(payload, 'application/vnd.in-toto+json'), 'ENVELOPE_INVALID');
  });
});

describe('what a known key signed', () => {
  const spelled = (change: (text: string) => string) =>
    sealed(utf8(change(Buffer.from(manifestBytes(manifest)).toString())));

  it('is refused in another spelling than the canonical one', async () => {
    for (const change of [
      (text: string) => `${text}\n`,
      (text: string) => text.replace('{', '{ '),
      (text: string) => text.replace('"diffs":[],', ''),
      (text: string) => text.replace('"start":0', '"start":0.0'),
      (text: string) => text.replace('src/app.py', 'src\\/app.py'),
    ])
      refused(await spelled(change), 'ENVELOPE_INVALID', 'canonical');
  });

  it('is refused where it is no JSON, says a thing twice, or nests without end', async () => {
    refused(await sealed(utf8('{')), 'ENVELOPE_INVALID');
    refused(await sealed(Uint8Array.of(0xff)), 'ENVELOPE_INVALID');
    refused(await spelled((text) => text.replace('{', '{"version":"1.0.0",')), 'ENVELOPE_INVALID');
    refused(await sealed(utf8('['.repeat(5000))), 'ENVELOPE_INVALID');
  });

  it('is refused where it is bound to nothing, or says more than is known', async () => {
    const { base_tree: _, ...unbound } = manifest;
    for (const payload of [unbound, { ...manifest, force: true }, [manifest], 'manifest'])
      refused(await sealed(canonicalBytes(payload as unknown as JsonValue)), 'MANIFEST_INVALID');
  });

  it('is refused by a retired key, which says so and names its successor', async () => {
    const retired = { ...ann, entry: { ...ann.entry, state: 'retired', successor: 'bob' } as const };
    expect(() => verify(signed, ringOf(retired, bob))).toThrow(
      code('SIGNATURE_INVALID', 'retired; sign with `bob`'),
    );
    const both = await addSignature(signed, bob.signer);
    expect(() => verify(both, ringOf(retired, bob))).toThrow(
      code('SIGNATURE_INVALID', '`ann`, which is retired'),
    );
  });
});

describe('the form of an envelope', () => {
  it('that the original had is refused with what to do', () => {
    const original = { payload_b64: signed.payload, sig_b64: 'AAAA', pubkey_id: 'ed25519:default' };
    refused(original, 'ENVELOPE_INVALID', 'safeai sign');
  });

  it('has no other member, and one signature or more', () => {
    const [signature] = signed.signatures;
    for (const bad of [
      null,
      'envelope',
      [],
      {},
      { ...signed, manifest: {} },
      { ...signed, signatures: [] },
      { ...signed, signatures: [{ ...signature, cert: 'x' }] },
      { ...signed, signatures: Array.from({ length: 65 }, () => signature) },
      { ...signed, payload: `${signed.payload}=` },
    ])
      refused(bad, 'ENVELOPE_INVALID');
  });

  it('is not read beyond any manifest’s size', () => {
    refused({ ...signed, payload: 'AAAA'.repeat(2 * 1024 * 1024 + 1) }, 'ENVELOPE_INVALID');
  });
});

describe('signers', () => {
  it('who are not in the ring are none', async () => {
    refused(await signManifest(manifest, [stranger.signer]), 'SIGNATURE_INVALID');
    for (const keyid of ['ann', 'ed25519:', 'ed25519:../ann', 'rsa:ann', '__proto__'])
      refused({ ...signed, signatures: [{ ...signed.signatures[0], keyid }] }, 'SIGNATURE_INVALID');
    const both = await signManifest(manifest, [stranger.signer, ann.signer]);
    expect(verify(both).signers).toEqual([{ keyId: 'ann', role: 'human' }]);
  });

  it('count once, however often they sign', () => {
    const [signature] = signed.signatures as readonly [Envelope['signatures'][0]];
    const thrice = { ...signed, signatures: [signature, signature, signature] };
    expect(verify(thrice).signers).toEqual([{ keyId: 'ann', role: 'human' }]);
  });

  it('are named in what is verified, with the manifest, its hash and its bytes', async () => {
    const three = await signManifest(manifest, [ann.signer, bot.signer, bob.signer]);
    expect(verify(three)).toEqual({
      manifest,
      hash: manifestHash(crypto, manifest),
      bytes: manifestBytes(manifest),
      signers: [
        { keyId: 'ann', role: 'human' },
        { keyId: 'bot', role: 'agent' },
        { keyId: 'bob', role: 'human' },
      ],
    });
  });

  it('add to what others signed, over the same bytes, and replace their own', async () => {
    const open = await signManifest(manifest, []);
    expect(open.signatures).toEqual([]);
    const one = await addSignature(open, ann.signer);
    expect(one).toEqual(signed);
    const again = await addSignature(await addSignature(one, bob.signer), ann.signer);
    expect(again.signatures.map(({ keyid }) => keyid)).toEqual(['ed25519:bob', 'ed25519:ann']);
    expect(verify(again).signers).toHaveLength(2);
  });

  it('sign only what can be applied, and only with whole signatures', async () => {
    await expect(addSignature({ ...signed, payloadType: 'text/plain' }, bob.signer)).rejects.toEqual(
      code('ENVELOPE_INVALID'),
    );
    await expect(addSignature(await sealed(utf8('{}')), bob.signer)).rejects.toEqual(
      code('MANIFEST_INVALID'),
    );
    await expect(addSignature({ ...signed, payload: '*' }, bob.signer)).rejects.toEqual(
      code('ENVELOPE_INVALID'),
    );
    const short = { keyId: 'bob', sign: async () => new Uint8Array(63) };
    await expect(addSignature(signed, short)).rejects.toEqual(code('KEY_INVALID'));
  });
});

describe('the threshold', () => {
  const signer = (keyId: string, role: Signer['role'] = 'human'): Signer => ({ keyId, role });
  const missing = (
    required: number,
    signers: readonly Signer[],
    part: { keys?: string[]; roles?: Signer['role'][] } = {},
  ) =>
    expect(() => checkThreshold({ required, keys: part.keys ?? null, roles: part.roles ?? null }, signers));

  it('is not reached by one key twice, by other keys, or by other roles', () => {
    missing(1, []).toThrow(code('SIGNATURES_MISSING', 'came none'));
    missing(2, [signer('ann')]).toThrow(code('SIGNATURES_MISSING', 'expected 2'));
    missing(2, [signer('ann'), signer('ann')]).toThrow(code('SIGNATURES_MISSING'));
    missing(1, [signer('bob')], { keys: ['ann'] }).toThrow(code('SIGNATURES_MISSING', '`ann`'));
    missing(1, [signer('bot', 'agent')], { roles: ['human'] }).toThrow(code('SIGNATURES_MISSING', '`human`'));
    missing(2, [signer('ann'), signer('bot', 'agent')], { roles: ['human'] }).toThrow(
      code('SIGNATURES_MISSING'),
    );
    missing(1, [signer('ann')], { keys: [] }).toThrow(code('SIGNATURES_MISSING'));
    missing(Number.NaN, [signer('ann')]).toThrow(code('SIGNATURES_MISSING'));
  });

  it('is reached by as many distinct keys as the policy counts', () => {
    missing(0, []).not.toThrow();
    missing(2, [signer('ann'), signer('bob'), signer('bot', 'agent')], { roles: ['human'] }).not.toThrow();
    missing(1, [signer('bot', 'agent')], { keys: ['bot'], roles: ['agent'] }).not.toThrow();
  });
});

describe('the binding', () => {
  const { policy } = BINDING;
  const check = (
    now: number,
    options: Partial<Parameters<typeof checkBinding>[1]> = {},
    bound: BoundManifest = manifest,
  ) => expect(() => checkBinding(bound, { now, ...options }));
  const EXPIRES = Date.parse(BINDING.expires_at);

  it('ends at its time, to the millisecond', () => {
    check(EXPIRES).toThrow(code('CHANGE_EXPIRED'));
    check(EXPIRES + 1).toThrow(code('CHANGE_EXPIRED'));
    check(EXPIRES - 1).not.toThrow();
    check(Number.NaN).toThrow(code('CHANGE_EXPIRED'));
  });

  it('is refused for longer than the policy allows, but for five seconds of a clock that is ahead', () => {
    const maxValidityMs = 3_600_000;
    check(NOW, { maxValidityMs }).not.toThrow();
    check(NOW - 5_000, { maxValidityMs }).not.toThrow();
    check(NOW - 5_001, { maxValidityMs }).toThrow(code('CHANGE_EXPIRED', 'max_validity'));
    check(NOW, { maxValidityMs }, boundManifest({ expires_at: '9999-12-31T23:59:59Z' })).toThrow(
      code('CHANGE_EXPIRED'),
    );
    check(NOW, { maxValidityMs: Number.NaN }).toThrow(code('CHANGE_EXPIRED'));
  });

  it('holds for one policy: this content as this version', () => {
    check(NOW, { policy }).not.toThrow();
    check(NOW, { policy: { ...policy, version: 4 } }).toThrow(code('POLICY_MISMATCH', 'version 3'));
    check(NOW, { policy: { ...policy, version: 2 } }).toThrow(code('POLICY_MISMATCH'));
    check(NOW, { policy: { ...policy, digest: BINDING.base_tree } }).toThrow(
      code('POLICY_MISMATCH', 'other content'),
    );
  });
});

describe('the gate', () => {
  it('takes the keys of a folder as they are when an envelope comes', async () => {
    const folder = await keyFolder();
    const maker = making(folder);
    await generateKey(folder, { keyId: 'default', role: 'human' }, maker);
    const gate = createGate({ crypto, ring: watchKeyRing(folder) });
    const before = jsonOf(await signManifest(manifest, [await fileSigner(folder, 'default')]));
    expect((await gate.verify(before)).signers).toEqual([{ keyId: 'default', role: 'human' }]);
    const { key } = await rotateKey(folder, 'default', maker);
    await expect(gate.verify(before)).rejects.toEqual(code('SIGNATURE_INVALID', key.keyId));
    const after = jsonOf(await signManifest(manifest, [await fileSigner(folder, 'default')]));
    expect((await gate.verify(after)).signers).toEqual([{ keyId: key.keyId, role: 'human' }]);
  });

  it('has one hash for one manifest: the SHA-256 of the payload', () => {
    expect(verify(signed).hash).toBe(hex(crypto.sha256(fromBase64(signed.payload))));
    expect(parseJsonBytes(fromBase64(signed.payload))).toEqual(manifest);
  });
});
