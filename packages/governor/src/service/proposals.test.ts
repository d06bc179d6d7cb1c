import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { base64, type Envelope, type JsonValue } from '@provability-fabric/kernel';
import { describe, expect, it } from 'vitest';
import { ringOf, testKey } from '../gate/gate.fixture.ts';
import { signManifest } from '../gate/sign-manifest.ts';
import { loadPolicy, OPEN_POLICY } from '../policy/policy.fixture.ts';
import { CALLER, testGovernor, writing } from './governor.fixture.ts';

const json = (envelope: Envelope) => envelope as unknown as JsonValue;

async function twoSigners() {
  const test = await testGovernor();
  const bob = testKey('bob');
  test.levers.ring = ringOf(test.key, bob);
  test.levers.policy = await loadPolicy(`${OPEN_POLICY}signatures: {required: 2}\n`);
  const { hash } = await test.governor.propose(CALLER, writing('two\n'));
  const { manifest } = await test.governor.proposal(hash);
  return {
    ...test,
    hash,
    bob,
    byAlice: await signManifest(manifest, [test.key.signer]),
    byBob: await signManifest(manifest, [bob.signer]),
  };
}

describe('a signature that nobody made', () => {
  it.each([
    ['more of them than an envelope holds', Array.from({ length: 63 }, (_, at) => `ed25519:nobody-${at}`)],
    ['one of a key that is yet to come', ['ed25519:carol']],
  ])('keeps no proposal from being approved by others: %s', async (_, keyids) => {
    const { governor, levers, hash, byAlice, byBob, key, bob, place } = await twoSigners();
    const sig = base64(new Uint8Array(64));
    const stuffed = {
      ...byAlice,
      signatures: [...byAlice.signatures, ...keyids.map((keyid) => ({ keyid, sig }))],
    };
    const first = governor.approve(CALLER, hash, json(stuffed));
    await expect(first).rejects.toMatchObject({ code: 'SIGNATURES_MISSING' });
    levers.ring = ringOf(key, bob, testKey('carol'));
    await governor.approve(CALLER, hash, json(byBob));
    expect(readFileSync(join(place.root, 'a.txt'), 'utf8')).toBe('two\n');
    expect((await governor.proposal(hash)).envelope?.signatures.map(({ keyid }) => keyid)).toEqual([
      'ed25519:alice',
      'ed25519:bob',
    ]);
  });
});

describe('a proposal whose change is in the tree already', () => {
  it('is never said to be refused', async () => {
    const { governor, hash, byAlice, byBob } = await twoSigners();
    const both = { ...byAlice, signatures: [...byAlice.signatures, ...byBob.signatures] };
    const applied = await governor.apply(CALLER, { signed_envelope: json(both) });
    const answer = await governor.approve(CALLER, hash, json(both));
    expect(answer).toMatchObject({ success: true, audit_index: applied.audit_index });
    expect(await governor.check(CALLER, hash)).toMatchObject({ status: 'applied' });
  });
});
