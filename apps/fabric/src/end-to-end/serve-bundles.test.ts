import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Agent, ARTICLE, CUSTOMERS, MAIL, readAll } from './agent.fixture.ts';
import { buildPrograms, ROOT } from './built-programs.fixture.ts';
import { Deployment, eventually, type Services } from './fabric-services.fixture.ts';
import { post, token } from './http-client.fixture.ts';
import { compiledBundle, type Json } from './pf-process.fixture.ts';

// Bundles are published while agents are at work. Version 2 allows one read in ten minutes instead of six.
let deployment: Deployment;
let services: Services;
let sidecar: string;
let adapter: string;
let operator: string;

beforeAll(async () => {
  await buildPrograms();
  deployment = new Deployment({ bundle: await compiledBundle('quickstart') });
  await start();
  operator = await deployment.token('policy-adapter', 'acme', 'platform-operator');
});
afterAll(() => services.stop());

async function start(): Promise<void> {
  services = deployment.serve();
  [sidecar, adapter] = await Promise.all([services.url('sidecar-watcher'), services.url('policy-adapter')]);
}

/** The quickstart's sources with changes, compiled as an operator does it. */
async function compiled(name: string, change: (yaml: string) => string): Promise<Json> {
  const folder = join(deployment.root, name);
  cpSync(join(ROOT, 'bundles/quickstart'), folder, { recursive: true });
  const path = join(folder, 'bundle.yaml');
  writeFileSync(path, change(readFileSync(path, 'utf8')));
  const output = join(deployment.root, `${name}.json`);
  await deployment.pfctl('policy', 'compile', folder, '--output', output);
  return JSON.parse(readFileSync(output, 'utf8')) as Json;
}

const version = (number: number) => (yaml: string) => yaml.replace('version: 1', `version: ${number}`);
const oneRead = (yaml: string) => yaml.replace('max: 6', 'max: 1');

const publish = (bundle: unknown, bearer = operator) => post(`${adapter}/v1/bundles`, bearer, { bundle });
const inForce = async () => {
  const response = await fetch(`${adapter}/v1/bundles`, { headers: { authorization: `Bearer ${operator}` } });
  return ((await response.json()) as { active: Json }).active;
};
const agent = async (sid: string) => new Agent(sidecar, await token(deployment.data, { sid }));
const TOO_MANY = { effect: 'block', refusal: { code: 'LIMIT_EXCEEDED', clause: 'few-reads' } };

describe.sequential('POST /v1/bundles', () => {
  it('takes nothing but a bundle of this name that a platform operator published, and the running one stays', async () => {
    const second = await compiled('second', version(2));
    const own = await deployment.token('policy-adapter', 'acme', 'operator');
    const auditor = await deployment.token('policy-adapter', 'acme', 'platform-auditor');
    const elsewhere = await deployment.token('ledger', 'acme', 'platform-operator');
    expect(await publish(second)).toMatchObject({ status: 200 });
    const third = await compiled('third', version(3));
    for (const bearer of [own, auditor])
      expect(await publish(third, bearer)).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    for (const bearer of [elsewhere, 'nonsense'])
      expect(await publish(third, bearer)).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } });

    const everything = JSON.parse(readFileSync(await compiledBundle('everything'), 'utf8')) as Json;
    const refused: readonly (readonly [number, string, unknown])[] = [
      [409, 'BUNDLE_ROLLBACK', JSON.parse(readFileSync(await compiledBundle('quickstart'), 'utf8'))],
      [409, 'BUNDLE_ROLLBACK', await compiled('other-second', (yaml) => oneRead(version(2)(yaml)))],
      [409, 'BUNDLE_WRONG_NAME', { ...everything, version: 9 }],
      [422, 'BUNDLE_INVALID', {}],
      [422, 'BUNDLE_INVALID', { ...third, clauses: 'none' }],
      [422, 'BUNDLE_INVALID', { ...third, format: 'provability-fabric/bundle/v0' }],
      [400, 'REQUEST_MALFORMED', 'version: 3'],
      [400, 'REQUEST_MALFORMED', null],
    ];
    for (const [status, code, bundle] of refused) {
      const answer = await publish(bundle);
      expect(answer, `${code} ${JSON.stringify(answer.body)}`).toMatchObject({ status, body: { code } });
      expect(await inForce()).toMatchObject({ name: 'quickstart', version: 2 });
    }
    expect(await (await agent('undisturbed')).act(ARTICLE)).toMatchObject({ body: { effect: 'allow' } });
  });

  it('decides the next action under the new bundle, and still takes the outcome of the open one', async () => {
    const working = await agent('working');
    const open = await working.authorize(CUSTOMERS);
    expect(open).toMatchObject({ body: { effect: 'allow' } });
    const stricter = await compiled('stricter', (yaml) => oneRead(version(4)(yaml)));
    expect(await publish(stricter)).toMatchObject({
      status: 200,
      body: { active: { name: 'quickstart', version: 4, tenants: ['acme', 'globex'] } },
    });

    const next = await working.authorize(ARTICLE);
    expect(next).toMatchObject({ status: 200, body: TOO_MANY });
    expect(await working.report(open)).toEqual({ status: 200, body: {} });
    // What the open action read counts under the bundle that came meanwhile.
    const leak = { effect: 'block', refusal: { code: 'LABEL_FLOW' } };
    expect(await working.authorize(MAIL)).toMatchObject({ body: leak });

    const auditor = await deployment.token('ledger', 'acme', 'auditor');
    const ledger = await services.url('ledger');
    const certificates = await eventually(
      () => readAll(`${ledger}/permission-certificates?session=working`, auditor),
      (rows) => rows.length === 3,
    );
    const versions = certificates.map(({ bundle }) => (bundle as Json).version);
    expect(versions).toEqual([2, 4, 4]);
  });

  it('is not undone by a restart with the old bundle: that start is refused by name', async () => {
    expect(await services.stop()).toEqual({ code: 0, signal: null });
    const old = deployment.serve();
    expect(await old.ended).toEqual({ code: 3, signal: null });
    expect(old.err.text).toBe(
      'pf: BUNDLE_ROLLBACK: bundle `quickstart` was activated in version 4, which is above 1; ' +
        'publish the content you want as version 5',
    );
    expect(deployment.postgres()).toEqual([]);

    deployment.configure([`bundle: ${join(deployment.root, 'stricter.json')}`]);
    await start();
    const working = await agent('working');
    expect(await working.authorize(ARTICLE)).toMatchObject({ body: TOO_MANY });
    expect(await working.authorize(MAIL)).toMatchObject({ body: { refusal: { code: 'LABEL_FLOW' } } });
  });
});
