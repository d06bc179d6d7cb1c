import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { buildPrograms } from './built-programs.fixture.ts';
import { checkpointSize, statementsIn, verify } from './evidence-in.fixture.ts';
import { get, post, token } from './http-client.fixture.ts';
import { compiledBundle, type Json, PfServe, temporaryFolder } from './pf-process.fixture.ts';

// One sidecar, as an operator runs it: from a folder with `config/`, under `--env local`.
let root: string;
let data: string;
const keyFile = (name: string) => join(root, 'config/local/policy-config', name);
let serve: PfServe;
let url: string;

beforeAll(async () => {
  await buildPrograms();
  root = temporaryFolder();
  data = join(root, 'data');
  mkdirSync(keyFile('.'), { recursive: true });
  const bundle = await compiledBundle('quickstart');
  writeFileSync(
    join(root, 'config/local/fabric.yaml'),
    `bundle: ${bundle}\ndata_dir: data\nlisten: 127.0.0.1:0\n`,
  );
  writeFileSync(keyFile('enforcement_mode'), 'enforce\n');
  serve = new PfServe(['--env', 'local'], { cwd: root });
  url = await serve.url();
});
afterAll(() => serve.stop());

let requests = 0;
async function authorize(bearer: string | undefined, tool: string, args: Json, requestId = `r${++requests}`) {
  return post(`${url}/v1/authorize`, bearer, { request_id: requestId, action: { kind: 'call', tool, args } });
}

const mail = (to: string) => ['send_mail', { to, subject: 'Your refund', body: 'soon' }] as const;
const CUSTOMERS = ['read_text_file', { path: 'tenants/acme/customers.csv' }] as const;

/** A JWT that nobody signed. */
function unsigned(signed: string): string {
  const [, claims] = signed.split('.');
  const header = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url');
  return `${header}.${claims}.`;
}

describe('pf serve', () => {
  it('lets nobody in without a token that holds, and repeats nothing of it', async () => {
    const good = await token(data);
    const past = { now: Date.now() - 7_200_000 };
    const refused: readonly (readonly [string, string | undefined, string])[] = [
      ['UNAUTHENTICATED', undefined, 'expected `Authorization: Bearer`'],
      ['UNAUTHENTICATED', 'not-a-token', 'expected a signed JWT of three parts'],
      ['UNAUTHENTICATED', unsigned(good), 'expected algorithm `EdDSA`'],
      ['UNAUTHENTICATED', `${good.slice(0, -6)}AAAAAA`, 'expected a valid signature'],
      ['UNAUTHENTICATED', await token(data, { aud: 'ledger' }), 'expected a token for this audience'],
      [
        'UNAUTHENTICATED',
        await token(data, {}, { name: 'another.fabric/local' }),
        'expected a token of this issuer',
      ],
      ['CAP_EXPIRED', await token(data, {}, past), 'the token has expired'],
    ];
    for (const [code, bearer, detail] of refused) {
      const answer = await authorize(bearer, ...CUSTOMERS);
      expect(answer).toMatchObject({ status: 401, body: { code, detail: expect.stringContaining(detail) } });
      if (bearer !== undefined) expect(JSON.stringify(answer)).not.toContain(bearer);
    }
    expect(await post(`${url}/v1/sessions/s1/prompt`, good, { text: 'x' })).toMatchObject({
      status: 403,
      body: { code: 'FORBIDDEN' },
    });
    expect(serve.out.text).not.toContain(good);
    expect(await (await fetch(`${url}/metrics`)).text()).toMatch(/^auth_failures_total 7$/m);
  });

  it('refuses what a token is not for: another tool, another epoch, another agent’s session', async () => {
    const blocked = (code: string) => ({
      status: 200,
      body: { effect: 'block', refusal: { code, clause: null } },
    });
    const mine = { sid: 'narrow' };
    expect(await authorize(await token(data, mine), 'list_directory', { path: 'kb' })).toMatchObject({
      body: { effect: 'allow' },
    });
    const narrow = await token(data, { ...mine, caps: ['call:list_directory'] });
    expect(await authorize(narrow, ...CUSTOMERS)).toMatchObject(blocked('CAP_MISS'));
    expect(await authorize(await token(data, { ...mine, sub: 'agent-2' }), ...CUSTOMERS)).toMatchObject(
      blocked('CAP_MISS'),
    );
    expect(await authorize(await token(data, { ...mine, epoch: 0 }), ...CUSTOMERS)).toMatchObject(
      blocked('EPOCH_STALE'),
    );
    expect(await authorize(await token(data, { ...mine, epoch: 2 }), ...CUSTOMERS)).toMatchObject(
      blocked('EPOCH_FUTURE'),
    );
  });

  it('keeps tenants apart', async () => {
    const mine = await authorize(await token(data, { sid: 'mine' }), 'read_text_file', {
      path: 'kb/refunds.md',
    });
    expect(mine).toMatchObject({ status: 200, body: { effect: 'allow', session: 'mine' } });
    const globex = await token(data, { tenant: 'globex', org: 'globex', sid: 'mine' });
    const { certificate_id } = mine.body;
    const foreign = await post(`${url}/v1/outcome`, globex, {
      session: 'mine',
      certificate_id,
      outcome: 'done',
    });
    expect(foreign).toMatchObject({ status: 409, body: { code: 'OUTCOME_REFUSED' } });
    expect(await authorize(globex, ...CUSTOMERS)).toMatchObject({
      body: { effect: 'block', refusal: { code: 'CROSS_TENANT' } },
    });
    const initech = await token(data, { tenant: 'initech', org: 'initech' });
    expect(await authorize(initech, 'read_text_file', { path: 'kb/refunds.md' })).toMatchObject({
      body: { effect: 'block', refusal: { code: 'CROSS_TENANT' } },
    });
  });

  it('decides in the light of the prompt and of what was read, once per request id', async () => {
    const [agent, host] = [await token(data), await token(data, { sub: 'host', roles: ['host'] })];
    const done = async (answer: Json) => {
      const { session, certificate_id } = answer;
      const outcome = {
        session,
        certificate_id,
        outcome: 'done',
        result: 'Maria Example, 4111 1111 1111 1111',
      };
      expect(await post(`${url}/v1/outcome`, agent, outcome)).toEqual({ status: 200, body: {} });
    };
    const unknown = {
      effect: 'block',
      verdict: 'reject',
      refusal: { code: 'UNTRUSTED_ARGUMENT', clause: 'known-recipients' },
    };
    expect(await authorize(agent, ...mail('maria@customer.example'))).toMatchObject({
      status: 200,
      body: unknown,
    });
    const prompt = { text: 'Answer the ticket of maria@customer.example', principal: 'agent-1' };
    expect(await post(`${url}/v1/sessions/s1/prompt`, host, prompt)).toEqual({
      status: 200,
      body: { session: 's1' },
    });

    const first = await authorize(agent, ...mail('maria@customer.example'), 'mail-1');
    expect(first).toMatchObject({ status: 200, body: { effect: 'allow', verdict: 'accept', session: 's1' } });
    expect(await authorize(agent, ...mail('maria@customer.example'), 'mail-1')).toEqual(first);
    expect(await authorize(agent, ...mail('audit@evil.example'), 'mail-1')).toMatchObject({
      status: 409,
      body: { code: 'REQUEST_CONFLICT' },
    });
    await done(first.body);

    const customers = await authorize(agent, ...CUSTOMERS);
    expect(customers).toMatchObject({ body: { effect: 'allow' } });
    await done(customers.body);
    const leak = { effect: 'block', refusal: { code: 'LABEL_FLOW', clause: 'no-exfiltration' } };
    expect(await authorize(agent, ...mail('maria@customer.example'))).toMatchObject({
      status: 200,
      body: leak,
    });
  });

  it('answers probes and scrapers, and nothing else without a name', async () => {
    expect(await get(`${url}/health`)).toEqual({
      status: 200,
      body: { status: 'healthy', uptime: expect.any(Number) },
    });
    expect(await get(`${url}/livez`)).toEqual({ status: 200, body: { status: 'alive' } });
    expect(await get(`${url}/readyz`)).toEqual({ status: 200, body: { status: 'ready' } });
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toMatch(/^certs_total\{verdict="accept",effect="allow"\} \d+$/m);
    expect(metrics).toMatch(
      /^http_requests_total\{service="sidecar-watcher",method="POST",route="\/v1\/authorize",status="200"\} \d+$/m,
    );
    expect(await get(`${url}/v1/certificates`)).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
    expect(await get(`${url}/v1/authorize`)).toMatchObject({ status: 405 });
  });

  it('follows enforcement_mode while it runs, keeps the last good value, and certifies each mode', async () => {
    const agent = await token(data, { sid: 'live' });
    const decided = async () => (await authorize(agent, ...mail('maria@customer.example'))).body;
    const logged = (event: string) => serve.out.all.filter((line) => line.includes(`"${event}"`)).length;
    const change = async (mode: string, event: string, count: number) => {
      writeFileSync(keyFile('enforcement_mode'), `${mode}\n`);
      await vi.waitUntil(() => logged(event) >= count, { timeout: 25_000 });
    };
    const gauge = async () =>
      /^enforcement_mode_total\{mode="(\w+)"\} 1$/m.exec(await (await fetch(`${url}/metrics`)).text())?.[1];
    const blocked = { effect: 'block', verdict: 'reject', refusal: { code: 'UNTRUSTED_ARGUMENT' } };

    expect(await decided()).toMatchObject(blocked);
    await change('shadow', 'config_changed', 1);
    expect(await decided()).toMatchObject({ effect: 'allow', verdict: 'reject' });
    expect(await gauge()).toBe('shadow');
    expect(logged('POLICY_VIOLATION')).toBe(1);
    await change('shaddow', 'config_refused', 1);
    expect(await serve.logged('config_refused')).toMatchObject({
      problems: expect.stringContaining('shaddow'),
    });
    expect(await gauge()).toBe('shadow');
    await sleep(1500); // the bad value is read once more meanwhile
    expect(logged('config_refused')).toBe(1);
    await change('enforce', 'config_changed', 2);
    expect(await decided()).toMatchObject(blocked);

    expect(await serve.stop()).toEqual({ code: 0, signal: null });
    const statements = await statementsIn(data);
    expect(checkpointSize(data)).toBe(statements.length);
    const certified = statements.flatMap((statement) => {
      if (statement.type !== 'permission-certificate' || statement.session !== 'live') return [];
      return [[statement.mode, statement.verdict, statement.effect].join(' ')];
    });
    expect(certified).toEqual(['enforce reject block', 'shadow reject allow', 'enforce reject block']);
    expect(await verify(data, 'acme')).toMatchObject({ exitCode: 0 });
  });
});
