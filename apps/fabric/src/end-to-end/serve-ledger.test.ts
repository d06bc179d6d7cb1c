import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { EvidenceExport } from '@provability-fabric/statements';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runVerifier } from '../quickstart/verifier.ts';
import { Agent, ARTICLE, CUSTOMERS, checkpointOf, follows, idOf, read, readAll } from './agent.fixture.ts';
import { buildPrograms } from './built-programs.fixture.ts';
import { ORIGIN } from './evidence-in.fixture.ts';
import { Deployment, eventually, type Services } from './fabric-services.fixture.ts';
import { post, token } from './http-client.fixture.ts';
import { itNeeds, lacks } from './only-where.fixture.ts';
import { compiledBundle, type Json } from './pf-process.fixture.ts';

// One fabric with all of its services; what is decided at the sidecar is looked at from the ledger.
let deployment: Deployment;
let services: Services;
let sidecar: string;
let adapter: string;
let ledger: string;
let auditor: string;

beforeAll(async () => {
  await buildPrograms();
  deployment = new Deployment({ bundle: await compiledBundle('quickstart') });
  services = deployment.serve();
  [sidecar, adapter, ledger] = await Promise.all([
    services.url('sidecar-watcher'),
    services.url('policy-adapter'),
    services.url('ledger'),
  ]);
  auditor = await deployment.token('ledger', 'acme', 'auditor');
});
afterAll(() => services.stop());

const agent = async (claims: Parameters<typeof token>[1] = {}) =>
  new Agent(sidecar, await token(deployment.data, claims));

/** The certificate, once the ledger lists it. */
async function listed(certificateId: unknown, bearer = auditor): Promise<Json> {
  const rows = await eventually(
    () => readAll(`${ledger}/permission-certificates`, bearer),
    (list) => list.some((row) => row.certificate_id === certificateId),
  );
  return rows.find((row) => row.certificate_id === certificateId) as Json;
}

const GUARDED = [
  '/receipts',
  '/egress-certificates',
  '/egress-certificates/count',
  '/permission-certificates',
  '/capability-tokens?status=active',
  `/evidence/${'0'.repeat(64)}`,
];

describe('the ledger of pf serve', () => {
  it('shows nobody anything without a token that holds here', async () => {
    const mine = { aud: 'ledger', roles: ['auditor'] };
    const { data } = deployment;
    const refused: readonly (readonly [string, string | undefined])[] = [
      ['UNAUTHENTICATED', undefined],
      ['UNAUTHENTICATED', 'not-a-token'],
      ['UNAUTHENTICATED', `${auditor.slice(0, -6)}AAAAAA`],
      ['UNAUTHENTICATED', await token(data, { ...mine, aud: 'sidecar-watcher' })],
      ['UNAUTHENTICATED', await token(data, { ...mine, aud: 'policy-adapter' })],
      ['UNAUTHENTICATED', await token(data, mine, { name: 'another.fabric/local' })],
      ['CAP_EXPIRED', await token(data, mine, { now: Date.now() - 7_200_000 })],
    ];
    for (const path of GUARDED) {
      for (const [code, bearer] of refused) {
        const answer = await read(`${ledger}${path}`, bearer);
        expect(answer, path).toMatchObject({ status: 401, type: 'application/problem+json', body: { code } });
        if (bearer !== undefined) expect(answer.text).not.toContain(bearer);
      }
    }
    const nobody = await token(data, { ...mine, roles: ['support'] });
    for (const path of GUARDED)
      expect(await read(`${ledger}${path}`, nobody)).toMatchObject({
        status: 403,
        body: { code: 'FORBIDDEN' },
      });
    expect(await post(`${ledger}/capability-tokens/revoke`, auditor, { token_ids: ['x'] })).toMatchObject({
      status: 403,
    });
    expect(services.out.text).not.toContain(auditor);
  });

  it('shows a tenant nothing of another one', async () => {
    const mine = await (await agent({ sid: 'acme-only' })).act(CUSTOMERS);
    const { certificate_id } = mine.body;
    expect(await listed(certificate_id)).toMatchObject({ tenant: 'acme', session: 'acme-only' });

    const foreign = await deployment.token('ledger', 'globex', 'auditor');
    expect(await read(`${ledger}/permission-certificates`, foreign)).toMatchObject({ status: 200, body: [] });
    expect(await read(`${ledger}/permission-certificates?session=acme-only`, foreign)).toMatchObject({
      body: [],
    });
    expect(await read(`${ledger}/evidence/${certificate_id}`, foreign)).toMatchObject({ status: 404 });
    for (const path of ['/permission-certificates', '/receipts', '/egress-certificates/count'])
      expect(await read(`${ledger}${path}?tenant=acme`, foreign)).toMatchObject({ status: 403 });
    const tokens = await readAll(`${ledger}/capability-tokens?status=all`, foreign);
    expect(new Set(tokens.map(({ tenant }) => tenant))).toEqual(new Set(['globex']));
    const operator = await deployment.token('ledger', 'globex', 'operator');
    const theft = { token_ids: [idOf(auditor)], tenant: 'acme' };
    expect(await post(`${ledger}/capability-tokens/revoke`, operator, theft)).toMatchObject({ status: 403 });
    expect(await read(`${ledger}/receipts`, auditor)).toMatchObject({ status: 200 });
  });

  it('gives evidence that pf-verify proves offline, and disproves with one letter changed', async () => {
    const { certificate_id } = (await (await agent({ sid: 'evident' })).act(ARTICLE)).body;
    await listed(certificate_id);
    const { status, text } = await read(`${ledger}/evidence/${certificate_id}`, auditor);
    expect(status).toBe(200);
    const [file, forged] = [join(deployment.root, 'evidence.json'), join(deployment.root, 'forged.json')];
    writeFileSync(file, text);
    const [payload] = (JSON.parse(text) as EvidenceExport).entries.map(({ envelope }) => envelope.payload);
    if (payload === undefined) throw new Error('expected evidence of at least one entry, came none');
    const at = Math.floor(payload.length / 2);
    const changed = `${payload.slice(0, at)}${payload[at] === 'A' ? 'B' : 'A'}${payload.slice(at + 1)}`;
    writeFileSync(forged, text.replace(payload, changed));
    const keys = ['--keys', join(deployment.data, 'keys')];
    const whole = await runVerifier([file, ...keys, '--require', 're-derived']);
    expect(whole, whole.output).toMatchObject({ exitCode: 0 });
    expect((await runVerifier([forged, ...keys])).exitCode).not.toBe(0);
  });

  it('only ever grows: checkpoint and tiles prove it to whoever kept an older checkpoint', async () => {
    const keys = join(deployment.data, 'keys');
    const asked = await agent({ sid: 'growing' });
    await listed((await asked.act(ARTICLE)).body.certificate_id);
    const older = await checkpointOf(ledger, keys, ORIGIN);
    await listed((await asked.act(ARTICLE)).body.certificate_id);
    const newer = await checkpointOf(ledger, keys, ORIGIN);

    expect(newer.size).toBeGreaterThan(older.size);
    expect(await follows(ledger, older, newer)).toEqual({ ok: true });
    const another = { ...older, root: older.root.map((byte) => byte ^ 1) };
    expect(await follows(ledger, another, newer)).toMatchObject({ ok: false });
    expect(await read(`${ledger}/tile/0/999`)).toMatchObject({ status: 404 });
  });

  it('lists a token before it is used, and ends it within a second of its revocation', async () => {
    const bearer = await deployment.token('sidecar-watcher', 'acme', 'support', '--subject', 'agent-7');
    const id = idOf(bearer);
    const active = () => readAll(`${ledger}/capability-tokens?status=active`, auditor);
    const rows = await eventually(active, (list) => list.some(({ token_id }) => token_id === id));
    expect(rows.find(({ token_id }) => token_id === id)).toMatchObject({
      subject: 'agent-7',
      tenant: 'acme',
      status: 'active',
    });
    expect(JSON.stringify(rows)).not.toContain(bearer);

    const stolen = new Agent(sidecar, bearer);
    expect(await stolen.authorize(ARTICLE)).toMatchObject({ status: 200, body: { effect: 'allow' } });
    expect(await deployment.pfctl('token', 'revoke', id, '--reason', 'stolen', '--ledger', ledger)).toBe(
      `revoked ${id}`,
    );
    const revokedAt = performance.now();
    await eventually(
      () => stolen.authorize(ARTICLE),
      ({ status, body }) => status === 401 && body.code === 'CAP_REVOKED',
    );
    expect(performance.now() - revokedAt).toBeLessThan(1000);
    expect((await active()).map(({ token_id }) => token_id)).not.toContain(id);
  });

  it('ends every token of a tenant whose epoch is raised, and nobody else’s', async () => {
    const globex = await deployment.token('ledger', 'globex', 'auditor');
    const operator = await deployment.token('policy-adapter', 'globex', 'operator');
    const old = await agent({ tenant: 'globex', org: 'globex', sid: 'old' });
    expect(await old.authorize(ARTICLE)).toMatchObject({ status: 200, body: { effect: 'allow' } });
    expect(await post(`${adapter}/v1/epoch`, operator, { tenant: 'acme' })).toMatchObject({ status: 403 });

    expect(await post(`${adapter}/v1/epoch`, operator, {})).toEqual({
      status: 200,
      body: { tenant: 'globex', epoch: 2 },
    });
    const stale = { effect: 'block', refusal: { code: 'EPOCH_STALE' } };
    expect(await old.authorize(ARTICLE)).toMatchObject({ status: 200, body: stale });
    expect(await read(`${ledger}/receipts`, globex)).toMatchObject({
      status: 401,
      body: { code: 'EPOCH_STALE' },
    });
    expect(await post(`${adapter}/v1/epoch`, operator, {})).toMatchObject({ status: 401 });
    const whose = ['--subject', 'agent-1', '--sid', 'old', '--epoch', '2'];
    const newer = await deployment.token('sidecar-watcher', 'globex', 'support', ...whose);
    const renewed = new Agent(sidecar, newer);
    expect(await renewed.authorize(ARTICLE)).toMatchObject({ body: { effect: 'allow' } });
    expect(await read(`${ledger}/receipts`, auditor)).toMatchObject({ status: 200 });
  });
});

describe('the lines of the runbook', () => {
  const line = itNeeds(lacks('curl', ['--version'], 'curl is missing'));

  line('are answered as they are written, once LEDGER_TOKEN is an operator’s of the tenant', async () => {
    const { certificate_id } = (await (await agent({ sid: 'runbook' })).act(ARTICLE)).body;
    await listed(certificate_id);
    const create = 'token create --audience ledger --tenant acme --role auditor --role operator --raw';
    const LEDGER_TOKEN = await deployment.pfctl(...create.split(' '));
    const env = { PATH: process.env.PATH, LEDGER_TOKEN };
    const sh = async (script: string) => {
      const here = script.replaceAll('http://ledger:3000', ledger);
      return (await promisify(execFile)('sh', ['-c', here], { env })).stdout;
    };
    const listOf = async (path: string): Promise<readonly Json[]> =>
      JSON.parse(
        await sh(`curl -sS -f -H "Authorization: Bearer $LEDGER_TOKEN" "http://ledger:3000${path}"`),
      );

    expect(JSON.parse(await sh('curl -sS -f http://ledger:3000/health'))).toMatchObject({
      status: 'healthy',
    });
    expect(await listOf("/receipts?since=$(date -d '1 hour ago' -Iseconds)")).toEqual([]);
    expect(await listOf("/egress-certificates?since=$(date -d '1 hour ago' -Iseconds)")).toEqual([]);
    expect(await listOf('/egress-certificates/count')).toEqual({ count: 0 });
    const recent = await listOf("/permission-certificates?since=$(date -d '1 hour ago' -Iseconds)");
    expect(recent.map((row) => row.certificate_id)).toContain(certificate_id);
    const later = await listOf("/permission-certificates?since=$(date -d 'now + 1 hour' -Iseconds)");
    expect(later).toEqual([]);
    const tokens = await listOf('/capability-tokens?status=active');
    expect(tokens.map(({ token_id }) => token_id)).toContain(idOf(LEDGER_TOKEN));
    const revoked = await sh(
      'curl -sS -f -X POST -H "Authorization: Bearer $LEDGER_TOKEN" ' +
        '"http://ledger:3000/capability-tokens/revoke" -d \'{"token_ids": ["token123", "token456"]}\'',
    );
    expect(JSON.parse(revoked)).toEqual({
      revoked: ['token123', 'token456'],
      unknown: ['token123', 'token456'],
    });
  });
});
