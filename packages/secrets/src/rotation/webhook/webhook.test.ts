import { generateKeyPairSync, type KeyObject, randomBytes, sign, verify } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SecretError } from '../../errors.ts';
import { ALICE, openRotating } from '../rotating.fixture.ts';
import { asTargetKey, openSealedValue, sealValue } from './sealed-value.ts';
import { checkTargetUrl, guardedLookup } from './target-address.ts';
import { createWebhookNotifier, createWebhookRotator } from './webhook-rotator.ts';

const HERE = { allowLoopback: true, allowed: [] } as const;
const AWAY = { allowLoopback: false, allowed: [] } as const;
const rawOf = (key: KeyObject) =>
  key.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64url');

const targetKeys = generateKeyPairSync('x25519');
const ours = generateKeyPairSync('ed25519');
const posting = {
  signer: { sign: (message: Uint8Array) => new Uint8Array(sign(null, message, ours.privateKey)) },
  addresses: HERE,
  timeoutMs: 1_000,
};

interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly body: Record<string, string>;
}

let server: Server;
let base: string;
let received: Received[] = [];
/** What the target answers: status and body, or nothing at all. */
let answer: (message: Received) => { status: number; text: string; location?: string } | null;

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk) => chunks.push(chunk as Buffer));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const message = { path: request.url ?? '', headers: request.headers, text, body: JSON.parse(text) };
      received.push(message);
      const given = answer(message);
      if (given === null) return;
      response.writeHead(given.status, given.location === undefined ? {} : { location: given.location });
      response.end(given.text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  received = [];
  answer = honest;
});

/** Reads what it is sent, and proves it. */
function honest({ headers, body }: Received) {
  if (body.type !== 'provision') return { status: 204, text: '' };
  const { proof } = openSealedValue(body.sealed ?? '', targetKeys.privateKey, `${headers['webhook-id']}`);
  return { status: 200, text: JSON.stringify({ proof }) };
}

async function rotateAt(url: string, attempts = 2) {
  const rotating = await openRotating({
    rotators: [createWebhookRotator({ ...posting, randomBytes })],
    retries: { attempts, firstPauseMs: 1, longestPauseMs: 1 },
  });
  const { rotationId } = await rotating.rotations.rotateNow(ALICE, rotating.place, {
    rotator: 'webhook',
    options: { url, publicKey: rawOf(targetKeys.publicKey) },
    gracePeriodHours: 0,
  });
  const at = async () => rotating.store.rotation(rotating.place.tenant, rotationId);
  for (let step = 0; step < 20 && !['done', 'failed'].includes((await at())?.phase ?? ''); step += 1) {
    rotating.clock.time += 10;
    const claimed = await at();
    if (claimed !== null) await rotating.rotations.start();
    await expect.poll(async () => (await at())?.phase, { timeout: 200, interval: 5 }).toBeDefined();
    await new Promise((resolve) => setTimeout(resolve, 20));
    await rotating.rotations.stop();
  }
  return { ...rotating, rotation: await at() };
}

describe('addresses of targets', () => {
  it.each([
    'http://target.example/x',
    'ftp://target.example/x',
    'file:///etc/passwd',
    'https://user:password@target.example/',
    'https://target.example/?to=1',
    'https://target.example/#x',
    'https://169.254.169.254/latest/meta-data',
    'https://0xa9fea9fe/',
    'https://2852039166/',
    'https://[::ffff:169.254.169.254]/',
    'https://[fe80::1]/',
    'https://[fd00:ec2::254]/',
    'https://[64:ff9b::a9fe:a9fe]/',
    'https://100.100.100.200/',
    'https://0.0.0.0/',
    'https://224.0.0.1/',
    'https://127.0.0.1/',
    'https://localhost/',
    'https://[::1]/',
    'not a url',
    '',
    undefined,
  ])('%s is refused', (url) => {
    expect(() => checkTargetUrl(url, AWAY)).toThrow(SecretError);
  });

  it('may be what the operator allows, and private networks', () => {
    expect(checkTargetUrl('https://10.1.2.3/x', AWAY).hostname).toBe('10.1.2.3');
    expect(checkTargetUrl('https://target.example/x', AWAY).hostname).toBe('target.example');
    expect(checkTargetUrl('http://localhost:8080/x', HERE).port).toBe('8080');
    const allowed = { ...AWAY, allowed: ['169.254.10.0/24'] };
    expect(checkTargetUrl('https://169.254.10.7/', allowed).hostname).toBe('169.254.10.7');
    expect(() => checkTargetUrl('https://169.254.11.7/', allowed)).toThrow(SecretError);
  });

  it('are checked where names lead to, when they are connected', async () => {
    const found = await new Promise<Error | null>((resolve) =>
      guardedLookup(AWAY)('localhost', { all: true }, (error) => resolve(error)),
    );
    expect(found).toMatchObject({ code: 'ROTATION_INVALID' });
  });
});

describe('sealed values', () => {
  it('can be read by their target alone, for their message alone, and not changed', () => {
    const value = fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.string({ unit: 'grapheme' }), {
      minKeys: 1,
    });
    fc.assert(
      fc.property(value, fc.nat(), (plain, place) => {
        const { sealed, isProvenBy } = sealValue(plain, targetKeys.publicKey, 'm1');
        const opened = openSealedValue(sealed, targetKeys.privateKey, 'm1');
        expect(opened.value).toEqual({ ...plain });
        expect(isProvenBy(opened.proof)).toBe(true);
        expect(() => openSealedValue(sealed, targetKeys.privateKey, 'm2')).toThrow(SecretError);
        const bytes = Buffer.from(sealed, 'base64url');
        bytes[place % bytes.length] = (bytes[place % bytes.length] ?? 0) ^ 1;
        const changed = bytes.toString('base64url');
        expect(() => openSealedValue(changed, targetKeys.privateKey, 'm1')).toThrow(SecretError);
      }),
      { numRuns: 100 },
    );
    const other = generateKeyPairSync('x25519');
    const { sealed, isProvenBy } = sealValue({ a: 'b' }, targetKeys.publicKey, 'm1');
    expect(() => openSealedValue(sealed, other.privateKey, 'm1')).toThrow(SecretError);
    for (const lie of [undefined, '', 'AA', 7]) expect(isProvenBy(lie)).toBe(false);
  });

  it('are not sealed to a key of low order, or to none', () => {
    for (const key of [Buffer.alloc(32), Buffer.from([1, ...Buffer.alloc(31)])])
      expect(() => sealValue({ a: 'b' }, asTargetKey(key.toString('base64url')), 'm')).toThrow(/low order/);
    for (const key of ['', 'AAAA', 5, undefined]) expect(() => asTargetKey(key)).toThrow(/X25519/);
  });
});

describe('a rotation at a target that speaks HTTP', () => {
  it('shows the value to its target alone, signed, and the new password in no message', async () => {
    const { rotation, current } = await rotateAt(base);
    expect(rotation?.phase).toBe('done');
    expect(received.map(({ path, body }) => [path, body.step])).toEqual([
      ['/hooks/provision', 'set'],
      ['/hooks/provision', 'test'],
      ['/hooks/promote', 'promote'],
      ['/hooks/revoke', 'revoke-previous'],
    ]);
    const { password = '' } = await current();
    for (const { headers, text, body } of received) {
      expect(text).not.toContain(password);
      const [version, signature = ''] = `${headers['webhook-signature']}`.split(',');
      expect(version).toBe('v1a');
      const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${text}`;
      expect(verify(null, Buffer.from(signed), ours.publicKey, Buffer.from(signature, 'base64'))).toBe(true);
      const { value } = openSealedValue(body.sealed ?? '', targetKeys.privateKey, `${headers['webhook-id']}`);
      expect(value.password).toBe(body.step === 'revoke-previous' ? 'old' : password);
    }
  });

  it.each([
    ['no proof', () => ({ status: 200, text: '{}' })],
    ['the proof of something else', () => ({ status: 200, text: JSON.stringify({ proof: 'A'.repeat(43) }) })],
    ['a redirect', () => ({ status: 307, text: '', location: 'http://127.0.0.1:1/elsewhere' })],
    ['an error', () => ({ status: 500, text: 'the password is …' })],
    ['more than anybody reads', () => ({ status: 200, text: 'x'.repeat(20_000) })],
  ])('fails, and keeps the old value, where the target answers with %s', async (_name, answers) => {
    answer = answers;
    const { rotation, current, types } = await rotateAt(base);
    expect(rotation?.phase).toBe('failed');
    expect((await current()).password).toBe('old');
    expect(types()).not.toContain('rotation-success');
    expect(received.every(({ path }) => path.startsWith('/hooks/'))).toBe(true);
  });

  it('refuses an address that only this host can reach before anything is sent', async () => {
    const { rotation } = await rotateAt('https://169.254.169.254/hooks');
    expect(rotation).toMatchObject({ phase: 'failed', errorCode: 'ROTATION_INVALID' });
    expect(received).toEqual([]);
  });

  it('ends a message that is not answered', async () => {
    answer = () => null;
    const rotator = createWebhookRotator({ ...posting, timeoutMs: 100, randomBytes });
    const context = {
      rotationId: 'r',
      place: { tenant: 't', name: 'n' } as never,
      options: { url: base, publicKey: rawOf(targetKeys.publicKey) },
      now: 0,
      signal: new AbortController().signal,
      readSecret: async () => ({}),
    };
    await expect(rotator.set({ password: 'p' }, {}, context)).rejects.toMatchObject({
      code: 'PROVIDER_UNAVAILABLE',
    });
  });
});

describe('dependants', () => {
  it('are told names, and no value', async () => {
    const notifier = createWebhookNotifier(posting, () => 1_800_000_000_000);
    const rotation = { id: 'r1', tenant: 'acme', name: 'db', version: 7, rotator: 'random' } as never;
    const service = {
      serviceId: 's1',
      serviceName: 's',
      serviceType: 'api',
      environment: 'production',
    } as const;
    await notifier.tell({ ...service, url: base }, rotation, new AbortController().signal);
    expect(received[0]).toMatchObject({
      path: '/hooks/reload',
      body: { type: 'reload', tenant: 'acme', secret: 'db', rotation: 'r1', version: 7, service: 's1' },
    });
    expect(received[0]?.headers['webhook-id']).toBe('r1.reload.s1');
    expect(received[0]?.headers['webhook-timestamp']).toBe('1800000000');
  });
});
