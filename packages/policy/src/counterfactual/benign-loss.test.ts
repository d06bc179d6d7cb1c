import { describe, expect, it } from 'vitest';
import { type PlayedSession, playedTrace } from '../replay/played-session.ts';
import { AGENT, ANY, bundle, clause, ENFORCE, on, tool } from '../session.fixture.ts';
import { LossCounter } from './benign-loss.ts';

const SECRET = { level: 'secret', compartments: [], integrity: 'untrusted' } as const;
const GUARDED = bundle({
  tools: {
    look: tool(),
    dig: tool({ returns: SECRET }),
    send: tool({ effect: 'egress' }),
  },
  clauses: [
    clause({ id: 'no-leak', kind: 'flow', rule: 'session_label', on: ANY }),
    clause({ id: 'no-dig', kind: 'trace', pattern: { kind: 'never', never: on({ tools: ['dig'] }) } }),
    clause({
      id: 'watched',
      kind: 'limit',
      mode: 'monitor',
      on: on({ tools: ['look'] }),
      max: 1,
      window_ms: null,
      tolerance_ms: 0,
    }),
  ],
});

function session(names: readonly string[], benign?: boolean): PlayedSession {
  const events = names.map((target, index) => {
    const action = { kind: 'call', target, args: {} } as const;
    return { at: 1000 * index, action, outcome: 'done', result: 'r', epoch: 1 } as const;
  });
  const trace = { session: 's', principal: AGENT, prompt: null, events };
  return playedTrace(GUARDED.crypto, benign === undefined ? trace : { ...trace, benign }, ENFORCE);
}

describe('what a bundle costs those who do nothing wrong', () => {
  const lossOf = (...sessions: readonly PlayedSession[]) => {
    const counter = new LossCounter(GUARDED);
    for (const one of sessions) counter.take(one);
    return counter.result;
  };
  const none = { sessions: 0, events: 0 };

  it('counts only sessions that somebody calls benign', () => {
    expect(lossOf(session(['dig']), session(['dig'], false))).toEqual({
      sessions: 0,
      events: 0,
      stopped: none,
      clauses: [],
    });
  });

  it('tells what a clause stops beside the others from what it would stop alone', () => {
    // While `dig` is stopped nothing secret is read; were it not, sending would be.
    expect(lossOf(session(['dig', 'send', 'send'], true), session(['look'], true))).toEqual({
      sessions: 2,
      events: 4,
      stopped: { sessions: 1, events: 1 },
      clauses: [
        {
          blocker: { by: 'clause', name: 'no-dig' },
          together: { sessions: 1, events: 1 },
          alone: { sessions: 1, events: 1 },
        },
        { blocker: { by: 'clause', name: 'no-leak' }, together: none, alone: { sessions: 1, events: 2 } },
      ],
    });
  });

  it('tells what a clause that only watches would stop', () => {
    expect(lossOf(session(['look', 'look', 'look'], true))).toEqual({
      sessions: 1,
      events: 3,
      stopped: none,
      clauses: [
        { blocker: { by: 'clause', name: 'watched' }, together: none, alone: { sessions: 1, events: 2 } },
      ],
    });
  });
});
