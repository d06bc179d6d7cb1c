import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runVerifier } from '../quickstart/verifier.ts';
import { read } from './agent.fixture.ts';
import { buildPrograms } from './built-programs.fixture.ts';
import { Deployment, type Services } from './fabric-services.fixture.ts';
import { filesWith, holds } from './found-in.fixture.ts';
import { compiledBundle } from './pf-process.fixture.ts';
import { SecretsClient } from './secrets-client.fixture.ts';

// `pf serve secrets ledger` as built, with the PostgreSQL that comes along.
const CANARY = `canary-${randomBytes(18).toString('base64url')}`;
const NEXT = `canary-${randomBytes(18).toString('base64url')}`;

let deployment: Deployment;
let services: Services;
let url: string;
let ann: SecretsClient;

beforeAll(async () => {
  await buildPrograms();
  deployment = new Deployment({ bundle: await compiledBundle('quickstart') });
  services = deployment.serve(['secrets', 'ledger']);
  url = await services.url('secrets');
  ann = await SecretsClient.of(url, deployment.data);
});
afterAll(() => services.stop());

const as = (role: string, tenant = 'acme', principal = role) =>
  SecretsClient.of(url, deployment.data, { role, tenant, principal });

describe.sequential('the secrets service', () => {
  it('refuses names that are none, and values that are too large, before anything is asked', async () => {
    const names = [
      '../t2/db',
      '..%2ft2%2fdb',
      'a/../../t2/db',
      '%2e%2e/t2',
      'db%3fversion=1',
      'd%d0%b0tabase',
      'a%00b',
    ];
    for (const name of names) {
      const refused = await ann.write(name, CANARY);
      expect([name, refused.status, refused.body.code]).toEqual([
        name,
        expect.toSatisfy((status: number) => status === 400 || status === 404),
        expect.stringMatching(/^(?:SECRET_NAME_INVALID|NOT_FOUND|REQUEST_MALFORMED)$/),
      ]);
      expect(holds(refused.text, CANARY)).toBe(false);
    }
    const tooLarge = { status: 413, body: { code: 'BODY_TOO_LARGE' } };
    const large = (bytes: number) => {
      const value = { value: CANARY.repeat(Math.ceil(bytes / CANARY.length)) };
      return ann.ask('PUT', '/api/secrets/large', { value }, false);
    };
    for (const bytes of [61_441, 2 ** 19]) {
      const refused = await large(bytes);
      expect(refused).toMatchObject(tooLarge);
      expect(holds(refused.text, CANARY)).toBe(false);
    }
    // Past a limit no more of it is read: the connection is cut, whether or not the answer was read before.
    expect(await large(2 ** 21).catch(() => tooLarge)).toMatchObject(tooLarge);
    expect(await ann.ask('GET', '/api/secrets')).toMatchObject({ status: 200, body: [] });
  });

  it('keeps every version, and rolls back by number and by id', async () => {
    expect(await ann.write('db/primary', CANARY, { cas: 0 })).toMatchObject({ status: 200 });
    expect(await ann.write('db/primary', NEXT, { cas: 0 })).toMatchObject({ status: 409 });
    expect(await ann.write('db/primary', NEXT, { cas: 1 })).toMatchObject({ status: 200 });
    const versions = await ann.ask('GET', '/admin/secrets/versions/acme/db/primary');
    const [second, first] = versions.body as unknown as readonly { readonly id: string }[];
    expect([first?.id, second?.id]).toEqual([
      expect.stringMatching(/^v\d{13}-[a-z0-9]{6}$/),
      expect.stringMatching(/^v\d{13}-[a-z0-9]{6}$/),
    ]);
    const rollback = (targetVersion: unknown) =>
      ann.ask('POST', '/admin/secrets/rollback', {
        tenantId: 'acme',
        secretKey: 'db/primary',
        targetVersion,
      });
    expect(await rollback(1)).toMatchObject({ status: 200, body: { version: { version: 3 } } });
    expect((await ann.read('db/primary')).body.value).toEqual({ value: CANARY });
    expect(await rollback(second?.id)).toMatchObject({ status: 200, body: { version: { version: 4 } } });
    expect((await ann.read('db/primary')).body.value).toEqual({ value: NEXT });
    expect((await ann.read('db/primary', first?.id)).body.value).toEqual({ value: CANARY });
    expect((await ann.read('db/primary')).body.value).toEqual({ value: NEXT });
    expect(await rollback('v1700000000000-aaaaaa')).toMatchObject({ status: 404 });
  });

  it('answers HEAD without a value, and puts it on record', async () => {
    const before = (await ann.accesses('&secret=db/primary')).length;
    expect(await ann.ask('HEAD', '/api/secrets/db/primary')).toMatchObject({ status: 200, text: '' });
    const [newest, ...others] = await ann.accesses('&secret=db/primary');
    expect(others).toHaveLength(before);
    expect(newest).toMatchObject({ action: 'READ', result: 'SUCCESS', principal: 'ann' });
  });

  it('hands nothing to a stranger, however it asks: on record with them, and not with whom they asked for', async () => {
    const mallory = await as('secrets-admin', 'globex', 'admin-mallory');
    const before = await ann.accesses();
    const wanted = { tenantId: 'acme', secretKey: 'db/primary' };
    const refused = [
      await mallory.ask('GET', '/api/secrets/db/primary?tenant=acme'),
      await mallory.ask('GET', '/admin/secrets/versions/acme/db/primary'),
      await mallory.ask('GET', '/admin/secrets/audit?tenant=acme'),
      await mallory.ask('GET', '/v1/secret/data/production/tenants/acme/db/primary'),
      await mallory.ask('POST', '/admin/secrets/rollback', { ...wanted, targetVersion: 1 }),
      await mallory.ask('POST', '/admin/secrets/rotate', wanted),
    ];
    for (const { status, text } of refused) {
      expect(status).toBe(403);
      expect(holds(text, CANARY) || holds(text, NEXT)).toBe(false);
    }
    // Their own secret of that name is not there, whoever's the cache has.
    expect(await mallory.read('db/primary')).toMatchObject({
      status: 404,
      body: { code: 'SECRET_NOT_FOUND' },
    });
    expect(await ann.accesses()).toEqual(before);
    const denied = (await mallory.accesses()).filter(({ result }) => result === 'DENIED');
    expect(denied.length).toBeGreaterThanOrEqual(5);
    // A refusal comes before the provider: nothing was begun.
    expect((await mallory.accesses()).filter(({ result }) => result === 'STARTED')).toEqual([]);
  });

  it('goes by roles, not by what somebody is called', async () => {
    for (const role of ['auditor', 'secrets-sidecar', 'support', 'secrets'])
      expect(await (await as(role, 'acme', 'admin-system')).read('db/primary')).toMatchObject({
        status: 403,
      });
    const viewer = await as('secrets-viewer');
    expect(await viewer.read('db/primary')).toMatchObject({ status: 200 });
    expect(await viewer.rotate('db/primary')).toMatchObject({ status: 403 });
    expect(await viewer.write('db/primary', CANARY)).toMatchObject({ status: 403 });
    const platform = await as('platform-secrets-admin', 'operations');
    expect(await platform.ask('GET', '/api/secrets/db/primary?tenant=acme')).toMatchObject({ status: 200 });
  });

  it('rotates, and the value before goes on as the version before', async () => {
    await ann.write('ci/token', CANARY);
    const rotated = await ann.rotate('ci/token', { waitMs: 10_000 });
    expect(rotated).toMatchObject({ status: 200, body: { tenant: 'acme', secret: 'ci/token' } });
    const { body } = await ann.read('ci/token');
    expect(body).toMatchObject({ version: { version: 2, state: 'current' } });
    expect(body.value).not.toEqual({ value: CANARY });
    expect((await ann.read('ci/token', 1)).body.value).toEqual({ value: CANARY });
  });

  it('proves one access to anybody: its row names a statement that is in the log', async () => {
    const [row] = await ann.accesses('&secret=ci/token');
    const file = join(deployment.root, 'access.json');
    const keys = ['--keys', join(deployment.data, 'keys')];
    for (const named of [row?.statement_digest, row?.id]) {
      await deployment.pfctl('certs', 'export', `${named}`, '--output', file);
      const proven = await runVerifier([file, ...keys]);
      expect(proven).toMatchObject({ exitCode: 0, output: expect.stringContaining('ci/token') });
      expect(proven.output).toMatch(/^verified: /m);
    }
    const exported = JSON.parse(readFileSync(file, 'utf8')) as {
      readonly entries: readonly { readonly envelope: { payload: string } }[];
    };
    const last = exported.entries.at(-1)?.envelope as { payload: string };
    const payload = Buffer.from(last.payload, 'base64').toString();
    last.payload = Buffer.from(payload.replace('"ann"', '"bob"')).toString('base64');
    writeFileSync(file, JSON.stringify(exported));
    expect((await runVerifier([file, ...keys])).exitCode).not.toBe(0);
  });

  it('has every row attested, and is continuous', async () => {
    expect((await ann.accesses()).every(({ statement_digest }) => statement_digest !== null)).toBe(true);
    expect(await deployment.pfctl('continuity', 'check', '--since', '1hour')).toContain('continuous');
  });

  it('leaves a value nowhere: not in the folder, its database, the log, the metrics, the rows, the proof', async () => {
    const { text: metrics } = await read(`${url}/metrics`);
    expect(metrics).toContain('secret_access_total');
    expect(metrics).not.toContain('db/primary');
    const rows = JSON.stringify(await ann.accesses());
    expect(await services.stop()).toEqual({ code: 0, signal: null });
    const database = readdirSync(join(deployment.data, 'postgres'), { recursive: true });
    expect(database.length).toBeGreaterThan(100);
    // The search finds what is there.
    expect(filesWith(deployment.data, 'db/primary').some((path) => path.includes('postgres'))).toBe(true);
    for (const value of [CANARY, NEXT]) {
      expect(filesWith(deployment.root, value)).toEqual([]);
      for (const text of [services.out.text, services.err.text, metrics, rows])
        expect(holds(text, value)).toBe(false);
    }
  });
});
