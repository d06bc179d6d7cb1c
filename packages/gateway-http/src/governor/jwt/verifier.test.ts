import { createHmac, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { exportJWK } from 'jose';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { GatewayError } from '../../errors.ts';
import type { TokenCheck } from '../../ports.ts';
import { claims, ED, NOW, RSA, SETTINGS, signed, tokenFor } from '../testing/jwt-issuer.ts';
import { issueJwt } from './issue.ts';
import type { JwtSettings } from './settings.ts';
import { createJwtVerifier } from './verifier.ts';

const folder = mkdtempSync(join(tmpdir(), 'jwt-'));
afterAll(() => rmSync(folder, { recursive: true }));

const peer = { address: '127.0.0.1', certificate: null };
const SECRET = 'a secret of more than thirty-two bytes';
const { publicKey: _, ...WITHOUT_KEY } = SETTINGS;
const HS256: JwtSettings = { ...WITHOUT_KEY, algorithm: 'HS256', secret: SECRET };

function verifierOf(settings: Partial<JwtSettings> = {}) {
  const verifier = createJwtVerifier({ ...SETTINGS, ...settings }, { now: () => NOW });
  return (token: string) => verifier.verify(`Bearer ${token}`, peer);
}

const codeOf = (check: TokenCheck) => (check.ok ? 'ok' : check.code);
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('a token that tries to choose how it is checked', () => {
  it('is refused where it is signed with the public key as a secret', async () => {
    const verify = verifierOf();
    for (const secret of [
      RSA.publicPem,
      RSA.publicPem.trim(),
      RSA.publicKey.export({ format: 'der', type: 'spki' }),
    ]) {
      const text = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims())}`;
      const mac = createHmac('sha256', secret).update(text).digest('base64url');
      expect(await verify(`${text}.${mac}`)).toMatchObject({
        code: 'UNAUTHENTICATED',
        tag: 'AUTH_FAILED',
        reason: 'expected a token signed with `RS256`',
      });
    }
  });

  it.each(['none', 'None', 'NONE', 'nOnE', ''])('is refused with the algorithm `%s`', async (alg) => {
    const verify = verifierOf();
    const body = part(claims());
    const [, , signature] = (await tokenFor('admin')).split('.');
    for (const text of [`${part({ alg })}.${body}.`, `${part({ alg })}.${body}.${signature}`])
      expect(codeOf(await verify(text))).toBe('UNAUTHENTICATED');
  });

  it('is refused where it brings its own key, or says where one is', async () => {
    const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const jwk = await exportJWK(stranger.publicKey);
    let asked = 0;
    const host = createServer((_request, answer) => {
      asked += 1;
      answer.end(JSON.stringify({ keys: [jwk] }));
    });
    await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(host.address() as AddressInfo).port}/keys`;
    const verify = verifierOf();
    for (const header of [{ jwk }, { jku: url }, { x5u: url }, { kid: url }, { kid: '../../dev/null' }]) {
      const token = await signed(claims(), { alg: 'RS256', ...header }, stranger.privateKey);
      expect(codeOf(await verify(token))).toBe('UNAUTHENTICATED');
    }
    host.close();
    expect(asked).toBe(0);
  });

  it('is refused with another algorithm of the same key, and with a critical header', async () => {
    const verify = verifierOf();
    for (const alg of ['RS384', 'RS512', 'PS256'])
      expect(codeOf(await verify(await signed(claims(), { alg })))).toBe('UNAUTHENTICATED');
    const [, body, signature] = (await signed(claims())).split('.');
    const header = part({ alg: 'RS256', crit: ['exp'], exp: 1 });
    expect(codeOf(await verify(`${header}.${body}.${signature}`))).toBe('UNAUTHENTICATED');
    const asEd = await signed(claims(), { alg: 'EdDSA' }, ED.privateKey);
    expect(codeOf(await verify(asEd))).toBe('UNAUTHENTICATED');
  });

  it('is refused where it is no token at all', async () => {
    const { verify } = createJwtVerifier(SETTINGS, { now: () => NOW });
    const good = await tokenFor('admin');
    for (const header of ['', 'Bearer', 'Basic YTpi', good, `Bearer ${good} ${good}`, `Bearer ${good},x`])
      expect(codeOf(await verify(header, peer))).toBe('UNAUTHENTICATED');
    expect(await verify(undefined, peer)).toMatchObject({ tag: 'UNAUTHORIZED' });
    for (const text of ['a', 'a.b', 'a.b.c', 'a.b.c.d', 'e30.e30.', `${good}.x`, 'A'.repeat(9000)])
      expect(codeOf(await verify(`Bearer ${text}`, peer))).toBe('UNAUTHENTICATED');
  });

  it('does not survive one changed character', async () => {
    const verify = verifierOf();
    const good = await tokenFor('admin');
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.';
    await fc.assert(
      fc.asyncProperty(
        // The last character carries bits that are no part of the signature.
        fc.nat(good.length - 2),
        fc.constantFrom(...alphabet),
        async (at, other) => {
          if (good[at] === other) return;
          const check = await verify(`${good.slice(0, at)}${other}${good.slice(at + 1)}`);
          expect(check.ok).toBe(false);
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe('the claims of a token', () => {
  const at = NOW / 1000;
  it.each(['iss', 'aud', 'sub', 'role', 'iat', 'exp', 'jti'])('need `%s`', async (claim) => {
    expect(codeOf(await verifierOf()(await signed(claims({ [claim]: undefined }))))).toBe('UNAUTHENTICATED');
  });

  it.each([
    ['another issuer', { iss: 'https://issuer.example.evil' }],
    ['another audience', { aud: 'ledger' }],
    ['no audience of ours among several', { aud: ['ledger', 'safeai2'] }],
    ['a role that is none', { role: 'root' }],
    ['several roles', { role: ['admin'] }],
    ['a subject with a line break', { sub: 'ann\nadmin' }],
    ['a subject without end', { sub: 'a'.repeat(256) }],
    ['an empty id', { jti: '' }],
    ['a time that has not begun', { nbf: at + 60 }],
    ['an issue time to come', { iat: at + 60, exp: at + 600 }],
    ['an issue time as text', { iat: `${at}` }],
    ['a life that is too long', { iat: at, exp: at + 3601 }],
    ['a long life that is nearly over', { iat: at - 86_400, exp: at + 60 }],
    ['an end before its beginning', { iat: at + 3, exp: at + 2 }],
  ])('are refused with %s', async (_what, change) => {
    expect(codeOf(await verifierOf()(await signed(claims(change))))).toBe('UNAUTHENTICATED');
  });

  it('are held to the clock, with five seconds to spare', async () => {
    const verify = verifierOf();
    const ended = (ago: number) => signed(claims({ iat: at - 600, exp: at - ago }));
    expect(codeOf(await verify(await ended(3)))).toBe('ok');
    expect(codeOf(await verify(await ended(6)))).toBe('CAP_EXPIRED');
    expect(codeOf(await verify(await signed(claims({ iat: at + 4 }))))).toBe('ok');
  });

  it('say who it is, and nothing else of them is looked at', async () => {
    const more = { aud: ['x', 'safeai'], sub: 'auth0|5f7c', tenant: 'globex', roles: ['admin'], scope: '*' };
    expect(await verifierOf()(await signed(claims(more)))).toEqual({
      ok: true,
      principal: { id: 'auth0|5f7c', roles: ['operator'], org: 'acme', tenant: 'acme', attributes: {} },
      capability: { id: 't1', caps: [], expires: NOW + 600_000 },
      session: null,
      epoch: 0,
      host: false,
    });
  });
});

describe('tokens that `issueJwt` makes', () => {
  const issuer = { issuer: SETTINGS.issuer, audience: SETTINGS.audience, maxLifetimeSeconds: 3600 };
  const request = { subject: 'ann', role: 'admin', lifetimeSeconds: 60, id: 'j1', now: NOW } as const;

  it.each([
    ['RS256', { privateKey: RSA.privatePem }, { publicKey: RSA.publicPem }],
    ['EdDSA', { privateKey: ED.privatePem }, { publicKey: ED.publicPem.replaceAll('\n', '\\n') }],
    ['HS256', { secret: SECRET }, { secret: SECRET }],
  ] as const)('hold under %s, and under no other key', async (algorithm, own, shown) => {
    const token = await issueJwt({ ...issuer, algorithm, ...own }, request);
    const verifier = createJwtVerifier({ ...WITHOUT_KEY, algorithm, ...shown }, { now: () => NOW });
    expect(codeOf(await verifier.verify(`Bearer ${token}`, peer))).toBe('ok');
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
    const strange =
      algorithm === 'RS256' ? other.export({ format: 'pem', type: 'spki' }).toString() : RSA.publicPem;
    expect(codeOf(await verifierOf({ publicKey: strange })(token))).toBe('UNAUTHENTICATED');
  });

  it('read their keys from files', async () => {
    const [sk, vk] = [join(folder, 'sk.pem'), join(folder, 'vk.pem')];
    writeFileSync(sk, RSA.privatePem, { mode: 0o600 });
    writeFileSync(vk, RSA.publicPem);
    const token = await issueJwt({ ...issuer, algorithm: 'RS256', privateKey: sk, keyId: 'k1' }, request);
    expect(codeOf(await verifierOf({ publicKey: vk })(token))).toBe('ok');
  });

  it.each([
    [{}, { lifetimeSeconds: 3601 }],
    [{}, { lifetimeSeconds: 0 }],
    [{}, { subject: 'two words' }],
    [{}, { role: 'root' as 'admin' }],
    [{ algorithm: 'EdDSA' as const }, {}],
    [{ privateKey: '/nowhere/key.pem' }, {}],
    [{ privateKey: RSA.publicPem }, {}],
    [{ algorithm: 'HS256' as const, secret: 'short' }, {}],
  ])('are not made of %j and %j', async (ownIssuer, ownRequest) => {
    const whole = { ...issuer, algorithm: 'RS256', privateKey: RSA.privatePem, ...ownIssuer } as const;
    await expect(issueJwt(whole, { ...request, ...ownRequest })).rejects.toMatchObject({
      code: 'JWT_INVALID',
    });
  });
});

describe('settings that let nobody in, or anybody', () => {
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({
    format: 'pem',
    type: 'spki',
  });
  // The neutral point: a signature under it verifies for every message.
  const neutral = Buffer.concat([
    Buffer.from('302a300506032b6570032100', 'hex'),
    Buffer.from([1]),
    Buffer.alloc(31),
  ]);
  const lowOrder = `-----BEGIN PUBLIC KEY-----\n${neutral.toString('base64')}\n-----END PUBLIC KEY-----\n`;
  it.each<[string, object]>([
    ['a short secret', { ...HS256, secret: 'x'.repeat(31) }],
    ['no secret', { ...WITHOUT_KEY, algorithm: 'HS256' }],
    ['a public key as the secret', { ...HS256, secret: RSA.publicPem }],
    ['a secret and a public key', { ...HS256, publicKey: RSA.publicPem }],
    ['no key', WITHOUT_KEY],
    ['two keys', { ...SETTINGS, jwksUrl: 'https://issuer.example/keys' }],
    ['an RSA key of 1024 bits', { ...SETTINGS, publicKey: weak.toString() }],
    ['an Ed25519 key for RS256', { ...SETTINGS, publicKey: ED.publicPem }],
    ['an RSA key for EdDSA', { ...SETTINGS, algorithm: 'EdDSA' }],
    ['a point of low order', { ...SETTINGS, algorithm: 'EdDSA', publicKey: lowOrder }],
    ['a private key', { ...SETTINGS, publicKey: RSA.privatePem }],
    ['a key file that is not there', { ...SETTINGS, publicKey: '/nowhere/key.pem' }],
    ['a key set over plain HTTP', { ...WITHOUT_KEY, jwksUrl: 'http://issuer.example/keys' }],
    ['a key set file that is not there', { ...WITHOUT_KEY, jwksFile: '/nowhere/keys.json' }],
    ['no issuer', { ...SETTINGS, issuer: '' }],
    ['no audience', { ...SETTINGS, audience: '' }],
    ['a revocation file that is not there', { ...SETTINGS, revokedFile: '/nowhere/revoked' }],
  ])('are refused: %s', (_what, settings: object) => {
    const open = () => createJwtVerifier(settings as JwtSettings, { now: () => NOW });
    expect(open).toThrow(GatewayError);
    expect(open).toThrow(expect.objectContaining({ code: 'JWT_INVALID' }));
  });
});

describe('revoked tokens', () => {
  it('are refused as soon as the file says so, and nobody is let in while it cannot be read', async () => {
    const revokedFile = join(folder, 'revoked');
    const write = (text: string) => {
      writeFileSync(`${revokedFile}.new`, text);
      renameSync(`${revokedFile}.new`, revokedFile);
    };
    write('# none yet\n');
    const verify = verifierOf({ revokedFile });
    const token = await tokenFor('admin');
    expect(codeOf(await verify(token))).toBe('ok');
    write('# left the house\n token-of-admin-1 \n\n');
    expect(codeOf(await verify(token))).toBe('CAP_REVOKED');
    write('token of ann\n');
    expect(codeOf(await verify(token))).toBe('AUTHORITY_STALE');
    rmSync(revokedFile);
    expect(codeOf(await verify(token))).toBe('AUTHORITY_STALE');
    write('token-of-somebody\n');
    expect(codeOf(await verify(token))).toBe('ok');
  });
});

describe('a key set', () => {
  const hosts: { close(): void; closeAllConnections(): void }[] = [];
  afterEach(() => {
    for (const host of hosts.splice(0)) {
      host.closeAllConnections();
      host.close();
    }
  });
  const jwkOf = async (key: Parameters<typeof exportJWK>[0], kid: string) => ({
    ...(await exportJWK(key)),
    kid,
  });

  async function serve(keys: object[]) {
    const state = { keys, asked: 0, answer: undefined as string | undefined, status: 200 };
    const host = createServer((_request, answer) => {
      state.asked += 1;
      answer.statusCode = state.status;
      answer.end(state.answer ?? JSON.stringify({ keys: state.keys }));
    });
    hosts.push(host);
    await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
    return { state, host, jwksUrl: `http://127.0.0.1:${(host.address() as AddressInfo).port}/keys` };
  }
  const openAt = (settings: Pick<JwtSettings, 'jwksUrl' | 'jwksFile'>) => {
    const verifier = createJwtVerifier({ ...WITHOUT_KEY, ...settings } as JwtSettings, { now: () => NOW });
    return (token: string) => verifier.verify(`Bearer ${token}`, peer);
  };
  const by = (kid: string, key = RSA.privateKey) => signed(claims(), { alg: 'RS256', kid }, key);

  it('is asked once, and again for an unknown key at most twice a minute', async () => {
    const { state, jwksUrl } = await serve([await jwkOf(RSA.publicKey, 'a')]);
    const verify = openAt({ jwksUrl });
    expect(codeOf(await verify(await by('a')))).toBe('ok');
    expect(codeOf(await verify(await by('a')))).toBe('ok');
    for (let i = 0; i < 20; i++) expect(codeOf(await verify(await by(`b${i}`)))).toBe('UNAUTHENTICATED');
    expect(state.asked).toBe(1);
  });

  it.each([
    ['fails', 500, undefined],
    ['sends elsewhere', 302, undefined],
    ['is no JSON', 200, '<html>'],
    ['is no key set', 200, '{}'],
    ['is too long', 200, `{"keys":[],"x":"${'x'.repeat(300_000)}"}`],
  ])('that %s lets nobody in and blames no token', async (_what, status, answer) => {
    const { state, jwksUrl } = await serve([await jwkOf(RSA.publicKey, 'a')]);
    Object.assign(state, { status, answer });
    expect(codeOf(await openAt({ jwksUrl })(await by('a')))).toBe('AUTHORITY_STALE');
    expect(state.asked).toBe(1);
  });

  it('that is away lets nobody in, is not asked for each token, and is back by itself', async () => {
    const { state, jwksUrl } = await serve([await jwkOf(RSA.publicKey, 'a')]);
    const verify = openAt({ jwksUrl });
    state.status = 503;
    for (let i = 0; i < 20; i++) expect(codeOf(await verify(await by(`a${i}`)))).toBe('AUTHORITY_STALE');
    expect(state.asked).toBeLessThan(3);
    state.status = 200;
    const good = await by('a');
    await expect.poll(async () => codeOf(await verify(good)), { timeout: 5000 }).toBe('ok');
  });

  it('holds no key that is weak, symmetric or of another algorithm', async () => {
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const oct = { kty: 'oct', k: Buffer.from(SECRET).toString('base64url'), kid: 'o', alg: 'HS256' };
    const { jwksUrl } = await serve([
      await jwkOf(weak.publicKey, 'w'),
      await jwkOf(ED.publicKey, 'e'),
      oct,
      await jwkOf(RSA.publicKey, 'a'),
    ]);
    const verify = openAt({ jwksUrl });
    const forged = `${part({ alg: 'RS256', kid: 'w' })}.${part(claims())}.AAAA`;
    const mac = await signed(claims(), { alg: 'HS256', kid: 'o' }, Buffer.from(SECRET));
    for (const token of [forged, mac, await signed(claims(), { alg: 'EdDSA', kid: 'e' }, ED.privateKey)])
      expect(codeOf(await verify(token))).toBe('UNAUTHENTICATED');
    expect(codeOf(await verify(await by('a')))).toBe('ok');
  });

  it('in a file is rotated by replacing the file', async () => {
    const jwksFile = join(folder, 'keys.json');
    const next = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const write = (keys: object[]) => {
      writeFileSync(`${jwksFile}.new`, JSON.stringify({ keys }));
      renameSync(`${jwksFile}.new`, jwksFile);
    };
    const [old, fresh] = [await jwkOf(RSA.publicKey, 'a'), await jwkOf(next.publicKey, 'b')];
    write([old]);
    const verify = openAt({ jwksFile });
    expect(codeOf(await verify(await by('b', next.privateKey)))).toBe('UNAUTHENTICATED');
    write([old, fresh]);
    expect(codeOf(await verify(await by('b', next.privateKey)))).toBe('ok');
    write([fresh]);
    expect(codeOf(await verify(await by('a')))).toBe('UNAUTHENTICATED');
    rmSync(jwksFile);
    expect(codeOf(await verify(await by('b', next.privateKey)))).toBe('AUTHORITY_STALE');
  });
});
