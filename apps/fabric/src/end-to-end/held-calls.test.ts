import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPrograms } from './built-programs.fixture.ts';
import { statementsIn, verify } from './evidence-in.fixture.ts';
import { Deployment } from './fabric-services.fixture.ts';
import { type Answered, post, token } from './http-client.fixture.ts';
import {
  call,
  type Json,
  PfRun,
  PfServe,
  recordingUpstream,
  refusalIn,
  temporaryFolder,
} from './pf-process.fixture.ts';

const BUNDLE = `
name: desk
version: 1
owner: hold-tests@fabric.example
tenants: [acme, globex]
tools:
  pay: { effect: write, returns: { level: public, integrity: trusted } }
clauses:
  - id: large
    kind: hold
    on: { args: { amount: { at_least: 100 } } }
    approvers: { roles: [finance] }
  - { id: twice, kind: trace, at_most: 2, of: { tools: [pay] } }
`;
const POLICY = `@id("support")
permit (principal, action == Action::"call", resource);
`;
const CLERK = { sid: undefined, roles: ['approver', 'finance'] };

let bundle: string;
beforeAll(async () => {
  await buildPrograms();
  bundle = join(temporaryFolder(), 'desk');
  mkdirSync(bundle);
  writeFileSync(join(bundle, 'bundle.yaml'), BUNDLE);
  writeFileSync(join(bundle, 'policy.cedar'), POLICY);
});

let requests = 0;
const paying = (amount: number) => ({
  request_id: `r${++requests}`,
  action: { kind: 'call', tool: 'pay', args: { to: 'x', amount } },
});

describe.sequential('a held call at pf serve', () => {
  let deployment: Deployment;
  let serve: PfServe;
  let url: string;
  const start = async () => {
    serve = new PfServe(['--env', 'local', '--listen', '127.0.0.1:0'], { cwd: deployment.root });
    url = await serve.url();
  };
  beforeAll(async () => {
    deployment = new Deployment({ bundle });
    await start();
  });
  afterAll(() => serve.stop());

  const bearer = (claims: object = {}) => token(deployment.data, claims as never);
  const clerk = (sub: string, more: object = {}) => bearer({ ...CLERK, sub, ...more });
  const pay = async (amount = 250) =>
    (await post(`${url}/v1/authorize`, await bearer(), paying(amount))).body;
  const ticketOf = ({ refusal }: Json) => (refusal as { readonly ticket: string }).ticket;
  const say = (ticket: string, who: string, decision = 'approve'): Promise<Answered> =>
    post(`${url}/v1/approvals/${ticket}`, who, { decision });
  const list = async (who: string): Promise<readonly Json[]> => {
    const response = await fetch(`${url}/v1/approvals`, { headers: { authorization: `Bearer ${who}` } });
    return (await response.json()) as readonly Json[];
  };
  let ticket: string;

  it('is answered at once with its ticket, and small ones are not held', async () => {
    expect(await pay(5)).toMatchObject({ effect: 'allow' });
    const held = await pay();
    expect(held).toMatchObject({
      effect: 'hold',
      verdict: 'hold',
      refusal: { code: 'APPROVAL_REQUIRED', clause: 'large' },
    });
    ticket = ticketOf(held);
    expect(ticket).toMatch(/^[0-9a-f]{32}$/);
    expect(ticketOf(await pay())).toBe(ticket);
  });

  it('is approved by nobody who may not, and by no agent', async () => {
    expect(await say(ticket, await bearer())).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    expect(await say(ticket, await clerk('ann', { sid: 's1' }))).toMatchObject({ status: 403 });
    const refused = { status: 403, body: { code: 'APPROVER_REFUSED' } };
    expect(await say(ticket, await clerk('agent-1'))).toMatchObject(refused);
    expect(await say(ticket, await clerk('bob', { roles: ['approver'] }))).toMatchObject(refused);
    expect(await say(ticket, await clerk('ann', { epoch: 2 }))).toMatchObject(refused);
    expect(await say(ticket, await clerk('ann', { tenant: 'globex' }))).toMatchObject({
      status: 404,
      body: { code: 'TICKET_UNKNOWN' },
    });
    expect(await list(await clerk('ann', { tenant: 'globex' }))).toEqual([]);
    expect(await pay()).toMatchObject({ effect: 'hold' });
  });

  it('is found again after a kill -9, before and after it was approved, and goes ahead once', async () => {
    const kill = async () => {
      serve.kill('SIGKILL');
      await serve.ended;
      await start();
    };
    await kill();
    const ann = await clerk('ann');
    await expect.poll(() => list(ann)).toMatchObject([{ ticket, status: 'waiting', principal: 'agent-1' }]);
    expect(await say(ticket, ann)).toMatchObject({ status: 200, body: { ticket, status: 'approved' } });
    expect(await say(ticket, ann)).toMatchObject({ status: 200, body: { status: 'approved' } });
    await kill();
    expect(await pay()).toMatchObject({ effect: 'allow', verdict: 'accept' });
    expect(await serve.logged('decision')).toMatchObject({ ticket, tags: ['OVERRIDE'] });
    const again = await pay();
    // The rest is decided again: there have been two payments.
    expect(again).toMatchObject({ effect: 'block', refusal: { code: 'TRACE_FORBIDDEN', clause: 'twice' } });
    expect(await list(ann)).toEqual([]);
    expect((await post(`${url}/v1/approvals/${ticket}`, ann, { decision: 'approve' })).status).toBe(404);
  });

  it('is shown by pfctl with what it asks for, and approved by it', async () => {
    const other = await token(deployment.data, { sid: 's2' });
    const held = (await post(`${url}/v1/authorize`, other, paying(9000))).body;
    const file = join(deployment.root, 'ann.token');
    writeFileSync(file, await clerk('ann'));
    const pfctl = (...args: readonly string[]) =>
      deployment.pfctl('approvals', ...args, '--url', url, '--token-file', file);
    expect(await pfctl('list')).toContain(ticketOf(held));
    expect(await pfctl('show', ticketOf(held))).toMatch(/^argument: +"amount": 9000$/m);
    expect(await pfctl('approve', ticketOf(held))).toContain(`approved ${ticketOf(held)}: now approved`);
    expect((await post(`${url}/v1/authorize`, other, paying(9000))).body).toMatchObject({ effect: 'allow' });
    expect(await (await fetch(`${url}/metrics`)).text()).toMatch(
      /^approvals_total\{decision="approve"\} 1$/m,
    );
  });

  it('leaves evidence from which pf-verify derives every verdict again', async () => {
    await serve.stop();
    const { exitCode, output } = await verify(deployment.data, 'acme');
    expect([exitCode, output]).toEqual([0, expect.stringContaining('re-derived')]);
    const statements = await statementsIn(deployment.data);
    const used = statements.flatMap((statement) =>
      statement.type === 'permission-certificate' && statement.approval === ticket ? [statement.effect] : [],
    );
    expect(used).toEqual(['hold', 'hold', 'hold', 'allow']);
    await start();
  });
});

describe('a held call over MCP', () => {
  it('says its ticket in a tool result, and the same call goes through once it is approved', async () => {
    const folder = temporaryFolder();
    const upstream = recordingUpstream('pay');
    const options = ['--bundle', bundle, '--data', folder, '--tenant', 'acme', '--listen', '127.0.0.1:0'];
    const run = new PfRun(options, upstream.command);
    await run.ask({
      jsonrpc: '2.0',
      id: 0,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } },
    });
    const { port } = await run.logged('listening');
    const args = { to: 'x', amount: 250 };
    const held = refusalIn(await run.ask(call(1, 'pay', args))) as Json;
    expect(held).toMatchObject({ effect: 'hold', code: 'APPROVAL_REQUIRED', clause: 'large' });
    expect(upstream.calls()).toEqual([]);
    const path = `http://127.0.0.1:${port}/v1/approvals/${held.ticket}`;
    const ann = await token(folder, { ...CLERK, sub: 'ann' } as never);
    expect(await post(path, ann, { decision: 'approve' })).toMatchObject({ status: 200 });
    expect(refusalIn(await run.ask(call(2, 'pay', args)))).toBeUndefined();
    await upstream.hasCalls(1);
    expect(refusalIn(await run.ask(call(3, 'pay', args)))).toMatchObject({
      effect: 'hold',
      ticket: held.ticket,
    });
    await run.leave();
    expect(readFileSync(join(folder, 'log/checkpoint'), 'utf8')).not.toBe('');
  });
});
