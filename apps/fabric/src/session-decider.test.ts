import { isDeepStrictEqual } from 'node:util';
import type { ActionOutcome } from '@provability-fabric/gateway-mcp';
import { describe, expect, it } from 'vitest';
import { SessionDecider } from './session-decider.ts';

const AGENT = {
  principal: { id: 'agent-1', roles: [], org: 'acme', tenant: 'acme', attributes: {} },
  capability: null,
  session: null,
  epoch: null,
};

/** A decider whose enforcer allows everything and, as the real one, takes a report repeated as done. */
function decider() {
  const settled: unknown[] = [];
  const enforcer = {
    authorize: async ({ requestId }: { readonly requestId: string }) => {
      return {
        certificateId: `cert-${requestId}`,
        effect: 'allow',
        verdict: 'accept',
        refusal: null,
        session: 's',
      } as const;
    },
    settle: async (
      _reporter: unknown,
      session: string,
      certificate: string,
      outcome: string,
      result: unknown,
    ) => {
      const report = [session, certificate, outcome, result];
      if (!isDeepStrictEqual(settled.at(-1), report)) settled.push(report);
      return {};
    },
    mayEverCall: () => true,
    hiding: () => undefined,
    searchesSecrets: false,
    holdsSecret: async () => false,
  };
  return { settled, decider: new SessionDecider(enforcer, () => AGENT) };
}

const request = { requestId: '1', action: 'call', target: 'research', value: {} } as const;
const report: ActionOutcome = { outcome: 'done', result: { content: ['report'] } };

describe('a decider of one session', () => {
  it('settles nothing that it was not asked about', async () => {
    await expect(decider().decider.settle('cert-9', report)).rejects.toThrow(
      'a call that this relay was allowed',
    );
  });

  it('records a result that is fetched again once, and one that then cannot be fetched not at all', async () => {
    const { settled, decider: one } = decider();
    await one.decide(request);
    await one.settle('cert-1', report);
    await one.settle('cert-1', { outcome: 'done', result: { content: ['report'] } });
    await one.settle('cert-1', { outcome: 'ambiguous', result: { code: -32602 } });
    expect(settled).toEqual([['s', 'cert-1', 'done', { content: ['report'] }]]);
  });

  it('lets the enforcer say what a different result means', async () => {
    const { settled, decider: one } = decider();
    await one.decide(request);
    await one.settle('cert-1', { outcome: 'ambiguous' });
    await one.settle('cert-1', report);
    await one.settle('cert-1', { outcome: 'done', result: { content: ['another'] } });
    expect(settled.map((each) => (each as string[])[2])).toEqual(['ambiguous', 'done', 'done']);
  });
});

it('what a server says when a result that turned out hidden is fetched again is not shown', async () => {
  const enforcer = {
    // Decided under a bundle without handles; settled under one with them.
    authorize: async () =>
      ({ certificateId: 'c', effect: 'allow', verdict: 'accept', refusal: null, session: 's' }) as const,
    settle: async () => ({ instead: 'pfh1_x' }),
    mayEverCall: () => true,
    hiding: () => ({ extraction: null }),
    searchesSecrets: false,
    holdsSecret: async () => false,
  };
  const one = new SessionDecider(enforcer, () => AGENT);
  await one.decide({ requestId: '1', action: 'call', target: 't', value: {} });
  expect(await one.settle('c', { outcome: 'ambiguous', result: { code: 1, message: 'secret 1' } })).toEqual({
    instead: 'pfh1_x',
  });
  expect(
    await one.settle('c', { outcome: 'ambiguous', result: { code: 1, message: 'secret 2' } }),
  ).toHaveProperty('instead');
});
