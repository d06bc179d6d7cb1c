import { type JsonValue, parseJson } from '@provability-fabric/kernel';
import type { CompiledBundle, HandlesRule } from '@provability-fabric/policy';
import { describe, expect, it } from 'vitest';
import { ask, bundleOf, ME, World } from '../enforcer.fixture.ts';

const PUBLIC = { level: 'public', compartments: [], integrity: 'trusted' } as const;
const HIDDEN = { level: 'secret', compartments: [], integrity: 'untrusted' } as const;
const H: HandlesRule = { clearance: PUBLIC, roles: [], extract: [] };
function hiding(version = 1): CompiledBundle {
  const plain = bundleOf(version);
  const { look, read, send } = plain.tools;
  return bundleOf(version, {
    tools: {
      look,
      read: { ...read, fields: { '/zebra': HIDDEN, '/apple': HIDDEN } },
      send,
      file: { ...send, effect: 'write', clearance: HIDDEN },
    } as CompiledBundle['tools'],
    clauses: plain.clauses.filter(({ id }) => id !== 'three'),
    handles: H,
  });
}
const call = (target: string, args: JsonValue, more = {}) =>
  ask(target, { action: { kind: 'call', target, args }, session: 's', ...more });
describe('a result whose members come in another order than on record', () => {
  it.each(['{"zebra":"Z","apple":"A"}', '{"b":1,"zebra":"Z","apple":"A"}'])(
    'handles stand for the same after a restart, whatever order members came in: %s',
    async (text) => {
      const world = new World();
      const enforcer = await world.start(hiding());
      const { certificateId } = await enforcer.authorize(call('read', {}));
      const result = parseJson(text);
      const { instead } = (await enforcer.settle(ME, 's', certificateId, 'done', result)) as {
        instead: { zebra: string };
      };
      await enforcer.authorize(call('file', { text: instead.zebra }));
      await enforcer.close();
      const after = await world.start(hiding());
      const again = await after.settle(ME, 's', certificateId, 'done', result);
      const filed = await after.authorize(call('file', { text: instead.zebra, n: 2 }));
      expect(again).toEqual({ instead });
      expect(filed.arguments).toEqual({ text: 'Z', n: 2 });
    },
  );
});
