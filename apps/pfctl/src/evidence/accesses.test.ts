import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CHECKOUT, temporaryFolders } from '@provability-fabric/command-line/testing';
import { nodeCrypto, openKeyRing } from '@provability-fabric/evidence';
import { createAuditTrail, type SecretAccess } from '@provability-fabric/secrets';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pfctl } from '../terminal.fixture.ts';
import { ORIGIN, openFabric, type TestFabric } from './data-folder.fixture.ts';

const folders = temporaryFolders();
let root = '';
let fabric: TestFabric;
const rows: { readonly id: string; readonly statementDigest: string; readonly result: string }[] = [];

const VERIFIER = `
import { spawnSync } from 'node:child_process';
const tsx = ${JSON.stringify(pathToFileURL(join(CHECKOUT, 'node_modules/tsx/dist/loader.mjs')).href)};
const main = ${JSON.stringify(join(CHECKOUT, 'apps/verify/src/main.ts'))};
const args = ['--import', tsx, main, ...process.argv.slice(2)];
process.exit(spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1);
`;

/** A fabric with an agent's session, and accesses to secrets of two tenants. */
beforeAll(async () => {
  root = folders.make({
    'config/local/fabric.yaml': `data_dir: data\norigin: ${ORIGIN}\n`,
    'apps/verify/bin/pf-verify.mjs': VERIFIER,
  });
  await pfctl(['init', 'desk'], { directory: root });
  fabric = await openFabric(join(root, 'data'), join(root, 'bundles/desk'));
  await fabric.call({ session: 's1', tool: 'send_mail', args: { to: 'team@acme.example' } });
  const crypto = nodeCrypto();
  const ring = await openKeyRing(join(root, 'data/keys'), { origin: ORIGIN, create: false, crypto });
  const trail = createAuditTrail({
    journal: fabric.log,
    rows: { append: async (appended) => void rows.push(...appended) },
    crypto,
    signer: ring.evidenceSigner(),
    random: (length) => new Uint8Array(randomBytes(length)),
    logId: fabric.log.id,
    provider: 'embedded',
    sessionLength: 4,
  });
  const access = (change: Partial<SecretAccess>): SecretAccess => ({
    id: randomUUID(),
    tenant: 'acme',
    principal: 'alice',
    action: 'READ',
    secret: 'db/primary',
    version: 1,
    result: 'SUCCESS',
    details: { client: 'curl' },
    at: Date.now(),
    ...change,
  });
  const id = randomUUID();
  await trail.record(access({ id, action: 'WRITE', result: 'STARTED' }));
  for (let count = 0; count < 4; count++) await trail.record(access({}));
  await trail.record(access({ tenant: 'globex', result: 'DENIED', errorCode: 'SECRET_FORBIDDEN' }));
  await trail.record(access({ id, action: 'WRITE', version: 2 }));
  await fabric.log.flush();
});
afterAll(async () => {
  await fabric?.close();
  folders.removeAll();
});

const here = (...args: readonly string[]) => pfctl(args, { directory: root, checkout: root });
const json = async (...args: readonly string[]) => JSON.parse((await here(...args, '--format', 'json')).out);

describe('an access to a secret', () => {
  test('is no recorded decision: it is neither replayed nor explained, nor a certificate of an action', async () => {
    const session = `secrets:${fabric.log.id}:0`;
    const replayed = await here('replay', '--recorded', '--bundle', 'bundles/desk', '--format', 'json');
    expect(replayed).toMatchObject({ code: 0 });
    expect(replayed.out).not.toContain('secrets:');
    expect(
      await here('replay', '--recorded', '--bundle', 'bundles/desk', '--session', session),
    ).toMatchObject({
      code: 3,
    });
    expect(await here('explain', rows[0]?.statementDigest as string)).toMatchObject({
      code: 3,
      err: expect.stringContaining('came a statement of type secret-access'),
    });
    expect(await json('certs', 'list')).toHaveLength(1);
  });

  test('is shown by its id, with what came of it, and by the digest that its row has', async () => {
    const [started] = rows;
    const done = rows.find((row) => row.id === started?.id && row.result === 'SUCCESS');
    const shown = await json('certs', 'show', started?.id as string);
    expect(shown).toMatchObject({
      statement: { type: 'secret-access', result: 'STARTED', session: `secrets:${fabric.log.id}:0`, seq: 0 },
      outcome: { type: 'secret-access', result: 'SUCCESS', session: `secrets:${fabric.log.id}:1` },
      digest: started?.statementDigest,
      signature: { verified: true },
      inclusion: { verified: true },
    });
    expect(await json('certs', 'show', done?.statementDigest as string)).toMatchObject({
      statement: { result: 'SUCCESS', version: 2 },
      digest: done?.statementDigest,
    });
    const { out } = await here('certs', 'show', started?.id.slice(0, 13) as string);
    expect(out).toMatch(/statement: +secret-access/);
  });

  test('is proven to others by the digest of its row: one session, and pf-verify says verified', async () => {
    const denied = rows.find(({ result }) => result === 'DENIED');
    const file = join(root, 'access.json');
    const exported = await here('certs', 'export', denied?.statementDigest as string, '--output', file);
    expect(exported).toMatchObject({ code: 0, out: expect.stringContaining('1 statement under') });
    expect(await here('certs', 'export', 'ab'.repeat(32), '--output', file)).toMatchObject({ code: 3 });
    expect(await here('certs', 'export', 'ab'.repeat(32), '--session', 's', '--output', file)).toMatchObject({
      code: 3,
      err: expect.stringContaining('came both'),
    });
    const { verifyEvidenceFile } = await verifier();
    expect(verifyEvidenceFile(file)).toMatchObject({ status: 0, stdout: expect.stringContaining('DENIED') });
  });

  test('is verified with everything else, and counted', async () => {
    expect(await json('certs', 'verify')).toMatchObject({
      verified: true,
      sessions: 4,
      statements: fabric.log.size,
      counts: { 're-derived': 3, 'signature only': 7 },
      failures: [],
    });
    expect(await json('stats')).toMatchObject({
      decisions: { total: 1 },
      accesses: { STARTED: 1, SUCCESS: 5, FAILURE: 0, DENIED: 1 },
    });
    expect((await here('stats')).out).toMatch(/accesses to secrets: +STARTED 1, SUCCESS 5, DENIED 1/);
  });

  test('gets no token for a session of its kind', async () => {
    const token = ['token', 'create', '--tenant', 'acme', '--subject', 'a', '--session', 'secrets:x'];
    expect(await here(...token)).toMatchObject({
      code: 3,
      err: expect.stringContaining('accesses to secrets'),
    });
  });
});

async function verifier() {
  const { spawnSync } = await import('node:child_process');
  const program = join(root, 'apps/verify/bin/pf-verify.mjs');
  return {
    verifyEvidenceFile: (file: string) =>
      spawnSync(process.execPath, [program, file, '--keys', join(root, 'data/keys')], { encoding: 'utf8' }),
  };
}
