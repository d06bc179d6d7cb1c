import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CedarPolicy, CedarScope } from './cedar/index.ts';
import type { Environment } from './input.ts';
import { mayEverCall } from './may-ever-call.ts';
import { AGENT, bundle, clause, ENFORCE, on, PERMIT_ALL, TestSession, tool } from './session.fixture.ts';

const TOOLS = { look: tool(), send: tool({ effect: 'egress' }), '*': tool({ effect: 'write' }) };
const inEffect = (id: string) => ({ op: 'in', entity: { type: 'Effect', id } }) as const;
const policy = (id: string, part: Partial<CedarPolicy> = {}): CedarPolicy => ({ ...PERMIT_ALL, id, ...part });
const NOW = 1_000_000;

describe('whether a principal may ever call a tool', () => {
  it('goes by the effect that a permit is for, and by the one that a forbid is for', () => {
    const reading = bundle({ tools: TOOLS }, [policy('read', { resource: inEffect('read') })]);
    expect(['look', 'send', 'other'].map((name) => mayEverCall(reading, AGENT, name))).toEqual([
      true,
      false,
      false,
    ]);
    const all = [PERMIT_ALL, policy('no-egress', { effect: 'forbid', resource: inEffect('egress') })];
    const notSending = bundle({ tools: TOOLS }, all);
    expect(['look', 'send', 'other'].map((name) => mayEverCall(notSending, AGENT, name))).toEqual([
      true,
      false,
      true,
    ]);
  });

  it('knows no tool that the bundle does not name, and no role that is not held', () => {
    const some = bundle({ tools: { look: tool() } });
    expect(['look', 'unheard_of', '__proto__'].map((name) => mayEverCall(some, AGENT, name))).toEqual([
      true,
      false,
      false,
    ]);
    const staff = bundle({}, [
      policy('staff', { principal: { op: 'in', entity: { type: 'Role', id: 'staff' } } }),
    ]);
    expect(mayEverCall(staff, AGENT, 'look')).toBe(false);
    expect(mayEverCall(staff, { ...AGENT, roles: ['staff'] }, 'look')).toBe(true);
  });

  it('hides nothing that a condition, or another argument or history, may let through', () => {
    const left = { op: '.', left: { op: 'variable', name: 'context' }, attribute: 'args' } as const;
    const body = {
      op: '==',
      left: { op: '.', left, attribute: 'to' },
      right: { op: 'string', value: 'x' },
    } as const;
    const conditions = [{ kind: 'when', body }] as const;
    const forbid = policy('guarded', { effect: 'forbid', conditions });
    expect(mayEverCall(bundle({}, [PERMIT_ALL, forbid]), AGENT, 'look')).toBe(true);
    expect(mayEverCall(bundle({}, [policy('some', { conditions })]), AGENT, 'look')).toBe(true);
    const never = (part: object) =>
      clause({ id: 'n', kind: 'trace', pattern: { kind: 'never', never: on({ tools: ['look'], ...part }) } });
    expect(mayEverCall(bundle({ clauses: [never({})] }), AGENT, 'look')).toBe(false);
    const roles = { principal: { ids: null, roles: ['guest'] } };
    expect(mayEverCall(bundle({ clauses: [never(roles)] }), AGENT, 'look')).toBe(true);
  });

  const entity = fc.constantFrom(
    { type: 'Effect', id: 'read' },
    { type: 'Effect', id: 'egress' },
    { type: 'Tool', id: 'look' },
    { type: 'Tool', id: 'send' },
  );
  const resource: fc.Arbitrary<CedarScope> = fc.oneof(
    fc.constant({ op: 'any' } as const),
    fc.record({ op: fc.constant('equals' as const), entity }),
    fc.record({ op: fc.constant('in' as const), entity }),
    fc.record({ op: fc.constant('is' as const), type: fc.constantFrom('Tool', 'Document') }),
    fc.record({ op: fc.constant('is in' as const), type: fc.constantFrom('Tool', 'Document'), entity }),
  );
  const principal: fc.Arbitrary<CedarScope> = fc.constantFrom(
    { op: 'any' },
    { op: 'in', entity: { type: 'Role', id: 'support' } },
    { op: 'in', entity: { type: 'Role', id: 'staff' } },
    { op: 'equals', entity: { type: 'Agent', id: 'agent-1' } },
  );
  const mode = fc.constantFrom('shadow', 'monitor', 'enforce');
  const written = fc.record({
    effect: fc.constantFrom('permit', 'permit', 'forbid'),
    resource,
    principal,
    mode,
    expires: fc.constantFrom(null, NOW - 1, NOW, NOW + 1),
  });
  const environment: fc.Arbitrary<Environment> = fc.record({
    enforcement_mode: fc.constantFrom('enforce', 'monitor', 'shadow', 'disabled'),
    default_mode: fc.constantFrom(null, 'shadow', 'monitor', 'enforce'),
    overlay: fc.constant(null),
  });

  it('is what a session answers, where scopes, modes and expiries are all there is', () => {
    fc.assert(
      fc.property(
        fc.array(written, { maxLength: 4 }),
        fc.record({ environment, own: mode, assurance: fc.constantFrom('standard', 'high'), never: mode }),
        fc.constantFrom('look', 'send', 'other'),
        (parts, around, name) => {
          const policies = parts.map(({ effect, resource, principal }, at) =>
            policy(`p${at}`, { effect, resource, principal }),
          );
          const clauses = [
            ...parts.map(({ mode, expires }, at) => clause({ id: `p${at}`, kind: 'permit', mode, expires })),
            clause({
              id: 'never',
              kind: 'trace',
              mode: around.never,
              pattern: { kind: 'never', never: on({ tools: ['send'] }) },
            }),
          ];
          const { own, assurance } = around;
          const loaded = bundle({ tools: TOOLS, clauses, default_mode: own, assurance }, policies);
          const { effect } = new TestSession(loaded, around.environment).at(NOW).ask(name);
          const asked = { environment: around.environment, at: NOW };
          expect(mayEverCall(loaded, AGENT, name, asked)).toBe(effect === 'allow');
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('is answered for a tool that no bundle names as a session answers it', () => {
    fc.assert(
      fc.property(environment, mode, (around, own) => {
        const loaded = bundle({ tools: { look: tool() }, default_mode: own });
        const { effect } = new TestSession(loaded, around).at(NOW).ask('unheard_of');
        const asked = { environment: around, at: NOW };
        expect(mayEverCall(loaded, AGENT, 'unheard_of', asked)).toBe(effect === 'allow');
      }),
    );
  });

  it('supposes everything enforced, and nothing expired, where it is not said when and where', () => {
    const old = clause({ id: 'allow-all', kind: 'permit', expires: NOW - 1 });
    const expired = bundle({ clauses: [old] });
    expect(mayEverCall(expired, AGENT, 'look')).toBe(true);
    expect(mayEverCall(expired, AGENT, 'look', { environment: ENFORCE, at: NOW })).toBe(false);
  });
});
