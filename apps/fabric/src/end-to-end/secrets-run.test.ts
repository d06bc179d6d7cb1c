import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPrograms, ROOT } from './built-programs.fixture.ts';
import { statementsIn, verify } from './evidence-in.fixture.ts';
import { Deployment, type Services } from './fabric-services.fixture.ts';
import { filesWith, holds } from './found-in.fixture.ts';
import { token } from './http-client.fixture.ts';
import { call, type Json, PfRun, refusalIn, temporaryFolder } from './pf-process.fixture.ts';
import { SecretsClient } from './secrets-client.fixture.ts';

// An agent with the MCP SDK's own file server behind `pf run`, and the secrets service in a process of its own.
const VALUE = `tk-${randomBytes(24).toString('base64url')}`;
const FILE_SERVER = join(ROOT, 'node_modules/.bin/mcp-server-filesystem');
const REFERENCE = 'secret://deploy/key';

const BUNDLE = `name: deployer
version: 1
owner: ops@acme.example
tenants: [acme]
tools:
  read_text_file:
    effect: read
    returns: { level: internal, integrity: untrusted }
  write_file:
    effect: write
    returns: { level: public, integrity: trusted }
    clearance: { level: internal, integrity: untrusted }
    parameters: { content: { optional: true } }
clauses:
  - { id: no-leak, kind: flow, rule: session_label, on: { effects: [write] } }
  - { id: vouched, kind: flow, rule: parameters }
secrets:
  - { name: deploy/*, tools: [write_file], parameters: [content], roles: [deployer], embedded: true }
`;
const POLICY =
  '@id("deployers")\npermit (principal in Role::"deployer", action == Action::"call", resource);\n';

let deployment: Deployment;
let services: Services;
let url: string;
let ann: SecretsClient;
let folder: string;
let run: PfRun;

beforeAll(async () => {
  await buildPrograms();
  folder = temporaryFolder();
  for (const name of ['bundle', 'files']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'bundle/bundle.yaml'), BUNDLE);
  writeFileSync(join(folder, 'bundle/policy.cedar'), POLICY);
  const schema = readFileSync(join(ROOT, 'bundles/quickstart/schema.cedarschema'));
  writeFileSync(join(folder, 'bundle/schema.cedarschema'), schema);
  deployment = new Deployment({ bundle: join(folder, 'bundle') });
  services = deployment.serve(['secrets']);
  url = await services.url('secrets');
  ann = await SecretsClient.of(url, deployment.data);
  expect(await ann.write('deploy/key', VALUE)).toMatchObject({ status: 200 });
  const claims = { sub: 'sidecar', aud: 'secrets', roles: ['secrets-sidecar'] } as const;
  writeFileSync(join(folder, 'token'), await token(deployment.data, claims), { mode: 0o600 });
  run = await agentWith('deployer');
});
afterAll(() => services.stop());

const data = () => join(folder, 'data');
const written = (name: string) => readFileSync(join(folder, 'files', name), 'utf8');

async function agentWith(role: string, into = data()): Promise<PfRun> {
  const who = ['--role', role, '--session', 'release-1', '--data', into];
  const secrets = ['--secrets-url', url, '--secrets-token-file', join(folder, 'token')];
  const files = [process.execPath, FILE_SERVER, join(folder, 'files')];
  const started = new PfRun(['--bundle', join(folder, 'bundle'), ...who, ...secrets], files);
  const clientInfo = { name: 'agent', version: '1' };
  const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo };
  await started.ask({ jsonrpc: '2.0', id: 0, method: 'initialize', params });
  await started.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
  return started;
}

const write = (id: number, path: string, content: string) =>
  run.ask(call(id, 'write_file', { path: join(folder, 'files', path), content }));
const readBack = (id: number, path: string) =>
  run.ask(call(id, 'read_text_file', { path: join(folder, 'files', path) }));
const isRefused = (answer: Json, code: string) => expect(refusalIn(answer)).toMatchObject({ code });

describe.sequential('an agent that uses a secret', () => {
  it('has it in the tool’s hands, whole or within a text, and never in its own', async () => {
    expect(await write(1, 'key', REFERENCE)).toMatchObject({ result: { content: [{ type: 'text' }] } });
    expect(written('key')).toBe(VALUE);
    await write(2, 'header', `Authorization: Bearer ${REFERENCE}\n`);
    expect(written('header')).toBe(`Authorization: Bearer ${VALUE}\n`);
  });

  it('is shown no result that holds it, in whatever writing', async () => {
    const bytes = Buffer.from(VALUE);
    const writings = [VALUE, bytes.toString('base64'), bytes.toString('hex'), VALUE.slice(4, 24)];
    for (const [index, text] of writings.entries()) {
      writeFileSync(join(folder, 'files', `echo-${index}`), `it is ${text}.`);
      const answer = await readBack(10 + index, `echo-${index}`);
      expect(answer).toMatchObject({ result: { isError: true } });
      expect(JSON.stringify(answer)).toContain('SECRET_EXPOSED');
    }
    writeFileSync(join(folder, 'files/harmless'), 'nothing of it');
    expect(JSON.stringify(await readBack(20, 'harmless'))).toContain('nothing of it');
  });

  it('cannot have it where the bundle does not say so, and cannot say it', async () => {
    isRefused(await run.ask(call(30, 'read_text_file', { path: REFERENCE })), 'SECRET_NOT_PERMITTED');
    isRefused(
      await run.ask(call(31, 'write_file', { path: REFERENCE, content: 'x' })),
      'SECRET_NOT_PERMITTED',
    );
    isRefused(await write(32, 'other', 'secret://other/key'), 'SECRET_NOT_PERMITTED');
    isRefused(await write(33, 'said', VALUE), 'SECRET_EXPOSED');
    isRefused(await write(34, 'said', Buffer.from(VALUE).toString('base64')), 'SECRET_EXPOSED');
    expect(() => written('said')).toThrow('ENOENT');
  });

  it('gets the new value after a rotation, and is shown neither', async () => {
    expect(await ann.rotate('deploy/key', { waitMs: 10_000 })).toMatchObject({ status: 200 });
    const { value } = (await ann.read('deploy/key')).body.value as { value: string };
    await write(40, 'rotated', REFERENCE);
    expect(written('rotated')).toBe(value);
    expect(JSON.stringify(await readBack(41, 'rotated'))).toContain('SECRET_EXPOSED');
    expect(JSON.stringify(await readBack(42, 'key'))).toContain('SECRET_EXPOSED');
    expect(holds(run.out.text, value)).toBe(false);
  });

  it('is on record as having used it, by tool and certificate, with the service and with the agent', async () => {
    const used = (await ann.accesses('&secret=deploy/key')).filter(({ action }) => action === 'USE');
    expect(used).toHaveLength(3);
    for (const row of used)
      expect(row).toMatchObject({ principal: 'sidecar', result: 'SUCCESS', details: { tool: 'write_file' } });
  });

  it('is refused by name once the service is down', async () => {
    services.kill('SIGKILL');
    await services.ended;
    const answer = await write(50, 'down', REFERENCE);
    expect(JSON.stringify(answer)).toContain('SECRETS_UNAVAILABLE');
    expect(() => written('down')).toThrow('ENOENT');
  });

  it('leaves a record that holds by itself, without a trace of the value', async () => {
    await run.leave();
    for (const text of [run.out.text, run.err.text, services.out.text])
      expect(holds(text, VALUE)).toBe(false);
    const certificates = (await statementsIn(data())).filter(({ type }) => type === 'permission-certificate');
    const uses = certificates.filter((each) => 'secrets_used' in each);
    expect(uses.length).toBeGreaterThanOrEqual(3);
    for (const each of uses) expect(each).toMatchObject({ secrets_used: ['deploy/key'], effect: 'allow' });
    expect(await verify(data(), 'acme')).toMatchObject({ exitCode: 0 });
    // The exported evidence is in there too.
    expect(filesWith(data(), REFERENCE)).not.toEqual([]);
    expect(filesWith(data(), VALUE)).toEqual([]);
    expect(filesWith(deployment.data, VALUE)).toEqual([]);
  });
});
