import { placeOf, type VaultFault } from '@provability-fabric/testkit';
import { describe, expect, it } from 'vitest';
import { SecretError } from '../../errors.ts';
import { openVault } from './vault.fixture.ts';
import { createVaultProvider } from './vault-provider.ts';

const BY = { author: 'alice' };
const CANARY = 'canary-91f2ab';
const isData = (method: string, path: string) =>
  method === 'GET' && path.includes('/data/') && path.endsWith('db/primary') && !path.includes('/_');
const isWrite = (method: string) => method === 'POST';

async function failure(work: Promise<unknown>): Promise<SecretError> {
  const error = await work.then(
    () => undefined,
    (thrown) => thrown,
  );
  expect(error).toBeInstanceOf(SecretError);
  return error as SecretError;
}

function answer(status: number, body: unknown, headers: Record<string, string> = {}): VaultFault {
  return { kind: 'answer', status, body: JSON.stringify(body), headers };
}

describe('a Vault that is slow, down or lies', () => {
  it.each<[string, VaultFault, string]>([
    [
      'another version',
      { kind: 'lie', change: (body) => body.replaceAll('"version":1', '"version":7') },
      'PROVIDER_INCONSISTENT',
    ],
    ['no JSON', answer(200, undefined), 'PROVIDER_INCONSISTENT'],
    ['the form of KV version 1', answer(200, { data: { v: CANARY } }), 'PROVIDER_INCONSISTENT'],
    [
      'a version without data that is not deleted',
      { kind: 'lie', change: (body) => body.replace(/"data":\{"v"[^}]*\}/, '"data":null') },
      'PROVIDER_INCONSISTENT',
    ],
    ['a status of its own', answer(418, {}), 'PROVIDER_INCONSISTENT'],
    [
      'a redirect',
      { kind: 'answer', status: 307, body: '', headers: { location: 'http://127.0.0.1:9/' } },
      'PROVIDER_UNAVAILABLE',
    ],
    [
      'more than is ever true',
      { kind: 'answer', status: 200, body: CANARY.repeat(200_000) },
      'PROVIDER_UNAVAILABLE',
    ],
    ['that it is sealed', answer(503, { errors: ['Vault is sealed'] }), 'SECRETS_SEALED'],
    ['that it has no right', answer(403, { errors: [`permission denied ${CANARY}`] }), 'PROVIDER_FORBIDDEN'],
  ])('is refused when it answers %s', async (_, fault, code) => {
    const { provider, vault } = await openVault();
    const place = placeOf();
    await provider.write(place, { v: CANARY }, BY);
    vault.trap(isData, fault, 10);
    const error = await failure(
      provider.read(place, fault.kind === 'lie' && code === 'PROVIDER_INCONSISTENT' ? 1 : 'current'),
    );
    expect(error.code).toBe(code);
    for (let at: unknown = error; at instanceof Error; at = at.cause)
      expect(`${at.message} ${at.stack} ${JSON.stringify(at)}`).not.toContain(CANARY);
  });

  it.each<[string, VaultFault]>([
    ['too many requests', { kind: 'answer', status: 429, body: '', headers: { 'retry-after': '0' } }],
    ['a standby that has not got our write', answer(412, { errors: ['required index state not present'] })],
    ['maintenance', answer(503, { errors: [] })],
    ['an error of its own', answer(500, { errors: ['local node not active'] })],
    ['a broken connection', { kind: 'reset' }],
    ['half an answer', { kind: 'half-answer' }],
    ['a lost answer', { kind: 'lose-answer' }],
  ])('is asked again for what is read after %s', async (_, fault) => {
    const { provider, vault } = await openVault();
    const place = placeOf();
    await provider.write(place, { v: '1' }, BY);
    vault.trap(isData, fault);
    expect((await provider.read(place)).value).toEqual({ v: '1' });
  });

  it('is not asked for ever', async () => {
    const { provider, vault } = await openVault();
    const place = placeOf();
    await provider.write(place, { v: '1' }, BY);
    vault.trap(isData, { kind: 'reset' }, 100);
    const before = vault.asked.length;
    expect((await failure(provider.read(place))).code).toBe('PROVIDER_UNAVAILABLE');
    expect(vault.asked.length - before).toBeLessThan(10);
  });

  it.each<[string, VaultFault]>([
    ['lost', { kind: 'lose-answer' }],
    ['cut in half', { kind: 'half-answer' }],
    ['an error after the deed', { kind: 'lie', change: () => '' }],
  ])('wrote once what was written though the answer was %s', async (_, fault) => {
    const { provider, vault } = await openVault();
    const place = placeOf();
    await provider.write(place, { v: '1' }, BY);
    vault.trap(isWrite, fault);
    const code = await provider.write(place, { v: '2' }, { ...BY, cas: 1 }).then(
      ({ version }) => version,
      (error) => error.code,
    );
    expect(code).toBe(fault.kind === 'lie' ? 'PROVIDER_INCONSISTENT' : 2);
    expect((await provider.describe(place)).versions).toHaveLength(2);
  });

  it('does not say that something was written where the request was cut off before', async () => {
    const { provider, vault } = await openVault();
    const place = placeOf();
    await provider.write(place, { v: '1' }, BY);
    for (const fault of [{ kind: 'reset' } as const, answer(502, {})]) {
      vault.trap(isWrite, fault);
      const error = await failure(provider.write(place, { v: '2' }, { ...BY, cas: 1 }));
      expect(error.code).toBe('PROVIDER_UNAVAILABLE');
      expect((await provider.read(place)).version.version).toBe(1);
    }
    expect((await provider.write(place, { v: '2' }, { ...BY, cas: 1 })).version).toBe(2);
  });

  it('takes no longer than it may', async () => {
    const { provider, vault } = await openVault({ options: { timeoutMs: 150, attempts: 2 } });
    const place = placeOf();
    await provider.write(place, { v: '1' }, BY);
    vault.trap(isData, { kind: 'never-answer' }, 10);
    const begun = Date.now();
    expect((await failure(provider.read(place))).message).toContain('too late');
    expect(Date.now() - begun).toBeLessThan(1_500);
  });

  it('gives no value that was stored for another secret or in place of another kind', async () => {
    const { provider, vault } = await openVault();
    const [here, there] = [placeOf('db/primary'), placeOf('db/other')];
    await provider.write(here, { v: 'here' }, BY);
    await provider.write(there, { v: 'there' }, BY);
    const path = (place: typeof here, folder = '') =>
      `production/tenants/${place.tenant}/${folder}${place.name}`;
    const { body } = vault.kv.read(path(there), 0);
    const { data } = body as { data: { data: Record<string, unknown> } };
    vault.kv.write(path(here), { data: data.data });
    expect((await failure(provider.read(here))).code).toBe('PROVIDER_INCONSISTENT');
    vault.kv.write(path(there, '_staged/'), { data: data.data });
    expect((await failure(provider.staged(there))).code).toBe('PROVIDER_INCONSISTENT');
  });

  it('is told of in its health', async () => {
    const { provider, vault } = await openVault();
    expect(await provider.health()).toEqual([]);
    vault.sealed = true;
    expect(await provider.health()).toEqual(['vault is sealed']);
    await vault.close();
    const [problem] = await provider.health();
    expect(problem).toMatch(/^vault cannot be reached \(/);
    expect((await failure(provider.read(placeOf()))).code).toBe('PROVIDER_UNAVAILABLE');
  });

  it.each([
    'http://vault.example:8200',
    `https://user:${CANARY}@vault.example`,
    `https://vault.example/?token=${CANARY}`,
    'ftp://vault.example',
    'vault.example:8200',
    '',
  ])('is not reached at `%s`', (address) => {
    const options = { login: { kind: 'token', tokenFile: '/nowhere' }, clock: Date.now } as const;
    const create = () =>
      createVaultProvider({ ...options, address, randomBytes: (count) => new Uint8Array(count) });
    expect(create).toThrow(expect.objectContaining({ code: 'PROVIDER_UNSUPPORTED' }));
    expect(create).not.toThrow(CANARY);
  });
});
