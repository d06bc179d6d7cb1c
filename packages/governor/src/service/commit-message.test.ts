import type { JsonValue } from '@provability-fabric/kernel';
import { describe, expect, it } from 'vitest';
import { loadPolicy, OPEN_POLICY } from '../policy/policy.fixture.ts';
import { CALLER, testGovernor, writing } from './governor.fixture.ts';
import { createGovernor } from './governor.ts';

describe('the commit of a change', () => {
  it('says that it takes another back only where it does, whatever its manifest says of itself', async () => {
    const test = await testGovernor();
    test.levers.policy = await loadPolicy(`${OPEN_POLICY}git: {commit: true}\n`);
    const messages: string[] = [];
    const governor = createGovernor({
      ...test.parts,
      position: async () => null,
      tree: {
        ...test.parts.tree,
        land({ commit, ...request }) {
          messages.push(commit?.message ?? '');
          return test.parts.tree.land(request);
        },
      },
    });
    const change = { ...(writing('two\n') as object), reverts: 'ab'.repeat(32) } as JsonValue;
    const envelope = (await test.sign(change)) as unknown as JsonValue;
    const { audit_index, manifest_hash } = await governor.apply(CALLER, { signed_envelope: envelope });
    await governor.rollback(CALLER, { audit_index });
    const [applied = '', takenBack = ''] = messages;
    expect(applied).toMatch(`safeai: apply ${manifest_hash.slice(0, 12)}\n`);
    expect(applied).not.toContain('Reverts-Manifest');
    expect(takenBack).toMatch(`safeai: roll back ${manifest_hash.slice(0, 12)}\n`);
    expect(takenBack).toContain(`\nReverts-Manifest: ${manifest_hash}\n`);
  });
});
