import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type KeyRing, openKeyRing, rotateKey } from './keys/key-ring.ts';
import { temporaryFolders } from './testing/log-fixture.ts';
import { issueToken, MAX_TOKEN_LENGTH, type TokenRequest, verifyToken } from './tokens.ts';

const folders = temporaryFolders();
afterAll(() => folders.removeAll());

const NOW = Date.parse('2026-06-01T12:00:00Z');
const SECOND = NOW / 1000;
const origin = 'tokens.example/log';
const request: TokenRequest = {
  sub: 'agent-1',
  aud: 'sidecar-watcher',
  tenant: 'acme',
  roles: ['assistant'],
  org: 'acme',
  caps: ['mail'],
  epoch: 3,
  ttlSeconds: 600,
};
let directory: string;
let ring: KeyRing;

beforeAll(async () => {
  directory = join(await folders.make(), 'keys');
  ring = await openKeyRing(directory, { origin, create: true });
});

const issue = (change: Partial<TokenRequest> = {}) =>
  issueToken({ ...request, ...change }, { name: 'fabric', key: ring.tokenKey(), now: NOW, jti: 'token-1' });

const verify = (token: string, change: { now?: number; keys?: ReadonlyMap<string, Uint8Array> } = {}) =>
  verifyToken(token, {
    issuer: 'fabric',
    audience: 'sidecar-watcher',
    keys: ring.tokenKeys(),
    now: NOW,
    clockToleranceSeconds: 5,
    ...change,
  });

type Parts = Record<string, unknown>;
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const claims: Parts = {
  iss: 'fabric',
  aud: 'sidecar-watcher',
  sub: 'agent-1',
  tenant: 'acme',
  roles: [],
  org: 'acme',
  caps: [],
  epoch: 3,
  jti: 'token-2',
  iat: SECOND,
  exp: SECOND + 600,
};

/** A token with any header and claims, signed by the real key: what the issuer would never make. */
function forge(header: Parts, payload: Parts): string {
  const { kid, privateKey } = ring.tokenKey();
  const input = `${encode({ alg: 'EdDSA', typ: 'JWT', kid, ...header })}.${encode({ ...claims, ...payload })}`;
  return `${input}.${sign(null, Buffer.from(input), privateKey).toString('base64url')}`;
}

function signedBy(header: Parts, signature: (input: string) => Buffer): string {
  const input = `${encode({ typ: 'JWT', kid: ring.tokenKey().kid, ...header })}.${encode(claims)}`;
  return `${input}.${signature(input).toString('base64url')}`;
}

const publicKey = () => Buffer.from([...ring.tokenKeys().values()][0] as Uint8Array);
const stranger = () => generateKeyPairSync('ed25519').privateKey;

/** name, token, code, what the reason says */
const attacks: [string, () => string | Promise<string>, string, RegExp][] = [
  ['nothing', () => '', 'UNAUTHENTICATED', /three parts/],
  ['text', () => 'Bearer of bad news', 'UNAUTHENTICATED', /three parts/],
  ['five parts (an encrypted token)', () => 'e30.e30.e30.e30.e30', 'UNAUTHENTICATED', /three parts/],
  [
    'a header that is no JSON',
    () => `${Buffer.from('{').toString('base64url')}.e30.AA`,
    'UNAUTHENTICATED',
    /three/,
  ],
  [
    'a payload that is no object',
    () => forge({}, {}).replace(/\..*\./, '.MQ.'),
    'UNAUTHENTICATED',
    /signature/,
  ],
  ['a megabyte', () => `${'a'.repeat(1 << 20)}.e30.AA`, 'UNAUTHENTICATED', /at most 8192/],
  ['alg none', () => signedBy({ alg: 'none' }, () => Buffer.alloc(0)), 'UNAUTHENTICATED', /EdDSA/],
  ['alg NONE with a signature', () => forge({ alg: 'NONE' }, {}), 'UNAUTHENTICATED', /EdDSA/],
  [
    'HS256 keyed with the public key',
    () => signedBy({ alg: 'HS256' }, (input) => createHmac('sha256', publicKey()).update(input).digest()),
    'UNAUTHENTICATED',
    /EdDSA/,
  ],
  ['Ed25519 as an algorithm of its own', () => forge({ alg: 'Ed25519' }, {}), 'UNAUTHENTICATED', /EdDSA/],
  ['an unknown critical header', () => forge({ crit: ['b64'], b64: false }, {}), 'UNAUTHENTICATED', /.+/],
  ['no kid', () => forge({ kid: undefined }, {}), 'UNAUTHENTICATED', /key id/],
  ['an unknown kid', () => forge({ kid: 'token.nobody' }, {}), 'UNAUTHENTICATED', /key id/],
  ['a kid from the prototype', () => forge({ kid: '__proto__' }, {}), 'UNAUTHENTICATED', /key id/],
  [
    'the kid of another purpose',
    () => forge({ kid: [...ring.evidenceKeys().keys()][0] }, {}),
    'UNAUTHENTICATED',
    /key id/,
  ],
  [
    'a key that it brings itself',
    () => {
      const key = stranger();
      const jwk = key.export({ format: 'jwk' });
      return signedBy({ alg: 'EdDSA', jwk: { kty: 'OKP', crv: 'Ed25519', x: jwk.x } }, (input) =>
        sign(null, Buffer.from(input), key),
      );
    },
    'UNAUTHENTICATED',
    /signature/,
  ],
  [
    "a stranger's signature",
    () => signedBy({ alg: 'EdDSA' }, (input) => sign(null, Buffer.from(input), stranger())),
    'UNAUTHENTICATED',
    /signature/,
  ],
  ['another type', () => forge({ typ: 'at+jwt' }, {}), 'UNAUTHENTICATED', /type/],
  ['another issuer', () => forge({}, { iss: 'stranger' }), 'UNAUTHENTICATED', /issuer/],
  ['another audience', () => forge({}, { aud: 'ledger' }), 'UNAUTHENTICATED', /audience/],
  ['a list of audiences', () => forge({}, { aud: ['sidecar-watcher', 'x'] }), 'UNAUTHENTICATED', /aud/],
  ['no expiry', () => forge({}, { exp: undefined }), 'UNAUTHENTICATED', /exp/],
  ['an expiry as text', () => forge({}, { exp: '9999999999' }), 'UNAUTHENTICATED', /exp/],
  ['no issue time', () => forge({}, { iat: undefined }), 'UNAUTHENTICATED', /iat/],
  ['no id', () => forge({}, { jti: undefined }), 'UNAUTHENTICATED', /jti/],
  ['a life of more than an hour', () => forge({}, { exp: SECOND + 3601 }), 'UNAUTHENTICATED', /life/],
  [
    'a life of 292 billion years',
    () => forge({}, { exp: Number.MAX_SAFE_INTEGER }),
    'UNAUTHENTICATED',
    /life/,
  ],
  [
    'an expiry before its issue',
    () => forge({}, { iat: SECOND + 4, exp: SECOND + 3 }),
    'UNAUTHENTICATED',
    /life/,
  ],
  ['an issue time to come', () => forge({}, { iat: SECOND + 6 }), 'UNAUTHENTICATED', /clocks/],
  ['a beginning to come', () => forge({}, { nbf: SECOND + 6 }), 'UNAUTHENTICATED', /clocks/],
  ['an unknown claim', () => forge({}, { admin: true }), 'UNAUTHENTICATED', /well-formed/],
  ['no tenant', () => forge({}, { tenant: undefined }), 'UNAUTHENTICATED', /tenant/],
  ['roles that are no list', () => forge({}, { roles: 'admin' }), 'UNAUTHENTICATED', /roles/],
  ['a negative epoch', () => forge({}, { epoch: -1 }), 'UNAUTHENTICATED', /epoch/],
  [
    'an expiry that has passed',
    () => forge({}, { iat: SECOND - 600, exp: SECOND - 6 }),
    'CAP_EXPIRED',
    /expired/,
  ],
];

describe('a token', () => {
  it.each(attacks)('with %s is refused, and none of it is repeated', async (_, make, code, reason) => {
    const token = await make();
    const check = await verify(token);
    expect(check).toEqual({ ok: false, code, reason: expect.stringMatching(reason) });
    for (const part of token.split('.').filter((text) => text.length > 6)) {
      expect(JSON.stringify(check)).not.toContain(part);
    }
  });

  it('is refused when any character of it is changed', async () => {
    const token = await issue();
    for (let at = 0; at < token.length; at += 1) {
      const changed = `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`;
      const check = await verify(changed);
      // The last character of a base64url part has bits that stand for nothing.
      if (check.ok)
        expect(Buffer.from(changed.split('.')[2] ?? '', 'base64url')).toEqual(
          Buffer.from(token.split('.')[2] ?? '', 'base64url'),
        );
    }
  });

  it('expires to the second, and not within the tolerance of the clocks', async () => {
    const token = await issue({ ttlSeconds: 60 });
    expect(await verify(token, { now: NOW + 64_000 })).toMatchObject({ ok: true });
    expect(await verify(token, { now: NOW + 65_000 })).toMatchObject({ ok: false, code: 'CAP_EXPIRED' });
  });

  it('carries who, for whom, in which tenant, with what, since when', async () => {
    const { ttlSeconds, ...rest } = request;
    expect(await verify(await issue({ sid: 's1' }))).toEqual({
      ok: true,
      claims: { ...rest, sid: 's1', iss: 'fabric', jti: 'token-1', iat: SECOND, exp: SECOND + ttlSeconds },
    });
    const check = await verify(await issue());
    expect(check.ok && 'sid' in check.claims).toBe(false);
  });

  it('of a retired key still verifies, and of a removed one no longer', async () => {
    const token = await issue();
    await rotateKey(directory, 'token', { origin });
    const after = await openKeyRing(directory, { origin, create: false });
    expect(after.tokenKey().kid).not.toBe(ring.tokenKey().kid);
    expect(await verify(token, { keys: after.tokenKeys() })).toMatchObject({ ok: true });
    const keys = new Map([...after.tokenKeys()].filter(([kid]) => kid !== ring.tokenKey().kid));
    expect(await verify(token, { keys })).toMatchObject({ ok: false, code: 'UNAUTHENTICATED' });
  });
});

describe('issuing a token', () => {
  it.each([
    { ttlSeconds: 3601 },
    { ttlSeconds: 0 },
    { ttlSeconds: 1.5 },
    { sub: '' },
    { tenant: 'x'.repeat(300) },
    { epoch: -1 },
    { caps: Array(256).fill('x'.repeat(100)) },
  ])('is refused for %j', async (change) => {
    await expect(issue(change)).rejects.toMatchObject({ code: 'BAD_TOKEN_REQUEST' });
  });

  it('makes tokens that are not too long to be taken', async () => {
    expect((await issue({ ttlSeconds: 3600 })).length).toBeLessThan(MAX_TOKEN_LENGTH);
  });
});
