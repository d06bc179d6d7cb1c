import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildPrograms, ROOT } from './built-programs.fixture.ts';
import { verify } from './evidence-in.fixture.ts';
import { Deployment, type Services } from './fabric-services.fixture.ts';
import { post, token } from './http-client.fixture.ts';
import { temporaryFolder } from './pf-process.fixture.ts';

let deployment: Deployment;
let services: Services;
const bundle = join(temporaryFolder(), 'order');
beforeAll(async () => {
  await buildPrograms();
  mkdirSync(bundle);
  cpSync(join(ROOT, 'bundles/everything/schema.cedarschema'), join(bundle, 'schema.cedarschema'));
  writeFileSync(
    join(bundle, 'bundle.yaml'),
    `
name: order
version: 1
owner: relay-tests@fabric.example
tenants: [acme, other]
stores:
  box: { paths: ["{tenant}/**"], label: { level: internal, integrity: trusted }, accepts: { level: internal, integrity: trusted } }
tools:
  open: { effect: read, returns: { level: internal, integrity: trusted }, parameters: { paths: { stores: [box] } } }
clauses:
  - { id: parameters, kind: flow, rule: parameters }
`,
  );
  writeFileSync(join(bundle, 'policy.cedar'), `@id("all")\npermit (principal, action, resource);\n`);
  deployment = new Deployment({ bundle });
  services = deployment.serve();
}, 60_000);
afterAll(() => services.stop());

it('an honest record verifies, whatever order an agent writes the members of its arguments in', async () => {
  const url = await services.url('sidecar-watcher');
  const bearer = await token(deployment.data);
  const args = { paths: { z: '../x', a: 'other/x' } };
  const { body } = await post(`${url}/v1/authorize`, bearer, {
    request_id: 'r',
    action: { kind: 'call', tool: 'open', args },
  } as never);
  expect(body).toMatchObject({ effect: 'block' });
  await services.stop();
  const verified = await verify(deployment.data, 'acme');
  expect(verified.exitCode).toBe(0);
}, 60_000);
