import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPrograms } from './built-programs.fixture.ts';
import { eventually } from './fabric-services.fixture.ts';
import { change, Governed, type GovernorService } from './governed-tree.fixture.ts';
import type { GovernorClient, GovernorReply } from './governor-client.fixture.ts';

// What each autonomy tier and safe_mode lets through, in one `pf serve governor` that started with a policy that is none.
let governed: Governed;
let service: GovernorService;
let admin: GovernorClient;
let version = 0;

beforeAll(async () => {
  await buildPrograms();
  governed = new Governed({ files: { 'src/a.txt': 'one\n' } });
  await governed.key('ann');
  await governed.key('bob');
  await governed.key('robot', 'agent');
  await governed.key('ci', 'service');
  writeFileSync(governed.policyFile, 'autonomy_tier: whatever\nno_such_key: 1\n');
  service = governed.serve();
  admin = await service.client();
});
afterAll(() => service.stop());

async function asked(by: readonly string[], tests: readonly string[] = []): Promise<GovernorReply> {
  const { envelope } = await governed.sign(
    change({ [`src/${version}-${by.join('-')}.txt`]: 'new\n' }, { tests }),
    await admin.tree(),
    { by },
  );
  return admin.apply(envelope);
}

describe.sequential('a governor that has no policy', () => {
  it('starts, lives, applies nothing, and says why', async () => {
    expect(await service.logged('governor_unfit')).toMatchObject({ level: 'error' });
    expect(await admin.ask('GET', '/livez')).toMatchObject({ status: 200 });
    const health = await admin.ask('GET', '/health');
    expect([health.status, health.text]).toEqual([503, expect.stringContaining('no_such_key')]);
    expect(await admin.ask('GET', '/v1/status')).toMatchObject({
      status: 200,
      body: { can_apply: false, policy: null, policy_problem: expect.stringContaining('autonomy_tier') },
    });
    const nowhere = { digest: '0'.repeat(64) };
    const { envelope } = await governed.sign(
      change({ 'src/x.txt': 'x\n' }),
      { tree: nowhere, policy: { ...nowhere, version: 1 } },
      { by: ['ann'] },
    );
    expect(await admin.apply(envelope)).toMatchObject({ status: 503, body: { code: 'POLICY_INVALID' } });
  });

  it('works as soon as it has one', async () => {
    version += 1;
    governed.policy(`version: ${version}`);
    await eventually(
      () => admin.ask('GET', '/health'),
      ({ status }) => status === 200,
    );
    expect(await asked(['ann'])).toMatchObject({ status: 200 });
  });
});

const PERSONS = 'signatures: {required: 2, roles: [human]}';
const TESTED = ['true'];
const table: readonly (readonly [
  policy: readonly string[],
  by: readonly string[],
  tests: readonly string[],
  result: string,
])[] = [
  [['autonomy_tier: alpha'], ['ann'], [], '403 CHANGE_BLOCKED'],
  [['autonomy_tier: alpha'], ['ann', 'bob', 'robot'], TESTED, '403 CHANGE_BLOCKED'],
  [['autonomy_tier: beta'], ['robot'], [], '403 CHANGE_BLOCKED'],
  [['autonomy_tier: beta'], ['robot', 'ci'], [], '403 CHANGE_BLOCKED'],
  [['autonomy_tier: beta'], ['robot', 'ann'], [], '200'],
  [['autonomy_tier: beta'], ['ann'], [], '200'],
  [['autonomy_tier: stable'], ['robot'], [], '200'],
  [['autonomy_tier: stable'], ['ci'], [], '200'],
  [['autonomy_tier: stable', PERSONS], ['ann', 'robot'], [], '403 SIGNATURES_MISSING'],
  [['autonomy_tier: stable', PERSONS], ['ann', 'bob'], [], '200'],
  [
    ['autonomy_tier: stable', 'signatures: {required: 1, keys: [bob]}'],
    ['ann'],
    [],
    '403 SIGNATURES_MISSING',
  ],
  [['autonomy_tier: stable', 'require_tests: true'], ['ann'], [], '403 CHANGE_BLOCKED'],
  [['autonomy_tier: stable', 'require_tests: true'], ['ann'], TESTED, '200'],
  [['autonomy_tier: stable', 'safe_mode: true'], ['ann'], [], '403 CHANGE_BLOCKED'],
  [['autonomy_tier: stable', 'safe_mode: true'], ['ann'], TESTED, 'as the sandbox can'],
];

describe.sequential('a governor that is to apply', () => {
  for (const [policy, by, tests, result] of table)
    it(`under ${policy.join(', ')} what ${by.join(' and ')} signed, with ${tests.length} tests: ${result}`, async () => {
      version += 1;
      // None is again what was there before: that is refused.
      governed.policy(`version: ${version}`, `max_files_per_manifest: ${10 + version}`, ...policy);
      const { sandbox } = (await admin.ask('GET', '/v1/status')).body as { sandbox: { tier: string } };
      const able = sandbox.tier === 'cgroups' ? '200' : '503 SANDBOX_UNAVAILABLE';
      const { status, body } = await asked(by, tests);
      expect(`${status} ${body.code ?? ''}`.trim()).toBe(result === 'as the sandbox can' ? able : result);
    });

  it('has all of it on record', async () => {
    const audit = await admin.audit();
    const ends = audit.filter(({ kind }) => /^change-(?:applied|refused|failed)$/.test(kind));
    expect(ends).toHaveLength(table.length + 2);
    expect(await admin.ask('GET', '/v1/audit/verify')).toMatchObject({ body: { valid: true } });
  });
});
