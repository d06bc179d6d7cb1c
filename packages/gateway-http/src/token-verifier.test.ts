import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { issueToken, type TokenRequest, verifyToken } from '@provability-fabric/evidence';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Peer, TokenCheck } from './ports.ts';
import { createTokenVerifier, type TokenVerifierOptions } from './token-verifier.ts';

// Over the real check of evidence: tokens are signed and verified here as they are in a running fabric.

const PEER: Peer = { address: '127.0.0.1', certificate: null };
const NOW = 1_767_225_600_000;
const pair = generateKeyPairSync('ed25519');
const other = generateKeyPairSync('ed25519');
const raw = (key: KeyObject) => new Uint8Array(key.export({ type: 'spki', format: 'der' }).subarray(-32));
const KEY = { kid: 'k1', privateKey: pair.privateKey };

const ASKED: TokenRequest = {
  sub: 'agent-1',
  aud: 'sidecar-watcher',
  tenant: 'acme',
  roles: ['assistant'],
  org: 'acme',
  caps: ['*'],
  epoch: 3,
  sid: 's1',
  ttlSeconds: 60,
};

const issue = (asked: Partial<TokenRequest> = {}, key = KEY) =>
  issueToken({ ...ASKED, ...asked }, { name: 'origin', key, now: NOW, jti: 'jti-1' });

function verifier(options: Partial<TokenVerifierOptions> = {}) {
  const clock = { now: NOW, checks: 0, keys: new Map([['k1', raw(pair.publicKey)]]) };
  const { verify } = createTokenVerifier({
    async check(token) {
      clock.checks += 1;
      const expected = { issuer: 'origin', audience: 'sidecar-watcher', clockToleranceSeconds: 5 };
      return verifyToken(token, { ...expected, keys: clock.keys, now: clock.now });
    },
    maxStaleMs: 5000,
    now: () => clock.now,
    maxTokens: 10,
    rememberMs: 60_000,
    ...options,
  });
  return {
    clock,
    verify: (authorization: string | undefined): Promise<TokenCheck> => verify(authorization, PEER),
  };
}

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('a token that must not hold', () => {
  it('signed with the public key as a shared secret (algorithm confusion) is refused', async () => {
    const { verify } = verifier();
    const [, payload] = (await issue()).split('.');
    for (const secret of [raw(pair.publicKey), pair.publicKey.export({ type: 'spki', format: 'pem' })]) {
      const signed = `${encode({ alg: 'HS256', typ: 'JWT', kid: 'k1' })}.${payload}`;
      const mac = createHmac('sha256', secret).update(signed).digest('base64url');
      expect(await verify(`Bearer ${signed}.${mac}`)).toMatchObject({
        code: 'UNAUTHENTICATED',
        tag: 'AUTH_FAILED',
      });
    }
  });

  it.each(['none', 'None', 'ES256', 'Ed25519ph'])(
    'that claims the algorithm `%s` is refused',
    async (alg) => {
      const { verify } = verifier();
      const [, payload, signature] = (await issue()).split('.');
      for (const end of ['', signature])
        expect(
          await verify(`Bearer ${encode({ alg, typ: 'JWT', kid: 'k1' })}.${payload}.${end}`),
        ).toMatchObject({
          ok: false,
          code: 'UNAUTHENTICATED',
        });
    },
  );

  it.each([
    ['of another key', () => issue({}, { ...KEY, privateKey: other.privateKey })],
    ['of an unknown key id', () => issue({}, { ...KEY, kid: 'k2' })],
    ['for another audience', () => issue({ aud: 'ledger' })],
  ])('%s is refused', async (_what, make) => {
    const { verify } = verifier();
    expect(await verify(`Bearer ${await make()}`)).toMatchObject({ ok: false, code: 'UNAUTHENTICATED' });
  });

  it('is refused with any one character changed, also while the true one is remembered', async () => {
    const { verify } = verifier();
    const token = await issue();
    expect((await verify(`Bearer ${token}`)).ok).toBe(true);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(token.length - 1),
        fc.constantFrom('A', 'b', '0', '_', '.'),
        async (at, character) => {
          const forged = `${token.slice(0, at)}${character}${token.slice(at + 1)}`;
          // The last character of base64 carries bits that are no part of the signature.
          fc.pre(forged !== token && at !== token.length - 1);
          expect((await verify(`Bearer ${forged}`)).ok).toBe(false);
        },
      ),
      { numRuns: 60 },
    );
  });

  it.each([
    [undefined, 'UNAUTHORIZED'],
    ['', 'AUTH_FAILED'],
    ['Bearer', 'AUTH_FAILED'],
    ['Bearer ', 'AUTH_FAILED'],
    ['Basic YTpi', 'AUTH_FAILED'],
    ['Bearer a b', 'AUTH_FAILED'],
    ['Bearer a,Bearer b', 'AUTH_FAILED'],
    [`Bearer ${'a'.repeat(20_000)}`, 'AUTH_FAILED'],
  ])('that is none is refused: %s', async (authorization, tag) => {
    expect(await verifier().verify(authorization)).toMatchObject({ ok: false, code: 'UNAUTHENTICATED', tag });
  });
});

describe('a token that holds', () => {
  it('tells whom it speaks for', async () => {
    const { verify } = verifier();
    expect(await verify(`Bearer ${await issue()}`)).toEqual({
      ok: true,
      principal: { id: 'agent-1', roles: ['assistant'], org: 'acme', tenant: 'acme', attributes: {} },
      capability: { id: 'jti-1', caps: ['*'], expires: NOW + 60_000 },
      session: 's1',
      epoch: 3,
      host: false,
    });
    expect(await verify(`bearer ${await issue({ roles: ['host'] })}`)).toMatchObject({ host: true });
  });

  it('is proved once, and is over the moment it expires', async () => {
    const { verify, clock } = verifier();
    const token = `Bearer ${await issue()}`;
    for (let i = 0; i < 3; i++) expect((await verify(token)).ok).toBe(true);
    expect(clock.checks).toBe(1);
    clock.now += 66_000;
    expect(await verify(token)).toMatchObject({ ok: false, code: 'CAP_EXPIRED', tag: 'AUTH_FAILED' });
  });

  it('is proved again after a while, so that a key which was withdrawn stops verifying', async () => {
    const { verify, clock } = verifier({ rememberMs: 30 });
    const token = `Bearer ${await issue()}`;
    expect((await verify(token)).ok).toBe(true);
    clock.keys.clear();
    // The wall clock may go back as it likes.
    clock.now -= 1000;
    await sleep(40);
    expect(await verify(token)).toMatchObject({ ok: false, code: 'UNAUTHENTICATED' });
  });

  it('is forgotten before memory runs out', async () => {
    const { verify, clock } = verifier({ maxTokens: 2 });
    const tokens = await Promise.all(['a', 'b', 'c'].map((sub) => issue({ sub })));
    for (const token of tokens) await verify(`Bearer ${token}`);
    await verify(`Bearer ${tokens[2]}`);
    await verify(`Bearer ${tokens[1]}`);
    expect(clock.checks).toBe(3);
    await verify(`Bearer ${tokens[0]}`);
    expect(clock.checks).toBe(4);
  });

  it('that was refused is not remembered', async () => {
    const { verify, clock } = verifier();
    for (let i = 0; i < 3; i++) await verify('Bearer a.b.c');
    expect(clock.checks).toBe(3);
  });
});

describe('what was taken back', () => {
  it('is asked each time: a remembered token ends with its revocation', async () => {
    const revoked = new Set<string>();
    const standing = {
      revoked: (id: string, { tenant, id: principal }: { tenant: string; id: string }) =>
        revoked.has(id) || revoked.has(`${tenant}/${principal}`),
      staleMs: () => 0,
    };
    const { verify } = verifier({ standing });
    const token = `Bearer ${await issue()}`;
    expect((await verify(token)).ok).toBe(true);
    revoked.add('jti-1');
    expect(await verify(token)).toMatchObject({ ok: false, code: 'CAP_REVOKED', tag: 'AUTH_FAILED' });
    revoked.clear();
    revoked.add('acme/agent-1');
    expect(await verify(token)).toMatchObject({ ok: false, code: 'CAP_REVOKED' });
  });

  it('fails closed once it is too long ago that it was known', async () => {
    let stale = 0;
    const { verify } = verifier({ standing: { revoked: () => false, staleMs: () => stale } });
    const token = `Bearer ${await issue()}`;
    stale = 5000;
    expect((await verify(token)).ok).toBe(true);
    stale = 5001;
    expect(await verify(token)).toMatchObject({ ok: false, code: 'AUTHORITY_STALE' });
    expect((await verify('Bearer a.b.c')).ok).toBe(false);
  });

  it.each([
    [2, 'EPOCH_FUTURE'],
    [4, 'EPOCH_STALE'],
  ])('is also an epoch, where nothing behind looks at it: in force %i', async (inForce, code) => {
    const { verify } = verifier({ epoch: (tenant) => (tenant === 'acme' ? inForce : 3) });
    expect(await verify(`Bearer ${await issue()}`)).toMatchObject({ ok: false, code, tag: 'AUTH_FAILED' });
    expect((await verify(`Bearer ${await issue({ tenant: 'globex' })}`)).ok).toBe(true);
  });
});
