import {
  canonicalJson,
  type Digest,
  type JsonObject,
  type JsonValue,
  parseJson,
} from '@provability-fabric/kernel';
import { describe, expect, it } from 'vitest';
import { ANY, bundle, clause, tool } from '../session.fixture.ts';
import { type PlayedInput, playedTrace } from './played-session.ts';
import { answersDiffer, chainDigest, ENFORCED, replaySession, replayTrace } from './replay.ts';
import { parseTrace } from './trace-file.ts';

const limited = (max: number) =>
  bundle({
    tools: { look: tool() },
    clauses: [clause({ id: 'few', kind: 'limit', on: ANY, max, window_ms: null, tolerance_ms: 0 })],
  });

const TRACE = `{ "session": "s1", "principal": {"id":"agent-1","roles":["assistant"],"org":"acme","tenant":"acme","attributes":{}},
  "prompt": "look around",
  "events": [
    {"at":"2026-01-01T00:00:00.000Z","action":"call","tool":"look","args":{"n":9007199254740993},"outcome":"done","result":"text","epoch":1},
    {"at":"2026-01-01T00:00:01.000Z","action":"call","tool":"look","args":{},"epoch":1},
    {"at":"2026-01-01T00:00:02.000Z","action":"call","tool":"gone","args":{},"epoch":0}
  ] }`;

describe('a trace file', () => {
  const broken = (change: object) => () => parseTrace({ ...(parseJson(TRACE) as JsonObject), ...change });

  it('is refused with the member, what was expected and what came', () => {
    const at = '2026-01-01T00:00:00Z';
    const event = (part: object) => ({ events: [{ at, action: 'call', tool: 'x', ...part }] });
    expect(broken({ sesion: 's' })).toThrow('came `sesion`');
    expect(broken({ session: null })).toThrow('`session`');
    expect(broken({ events: {} })).toThrow('expected `events` to be a list');
    expect(broken(event({ at: 'yesterday' }))).toThrow('came `yesterday`');
    expect(broken(event({ action: 'fly' }))).toThrow('came `fly`');
    expect(broken({ principal: { id: 'a', tenant: 't', roles: 'r' } })).toThrow('principal.roles');
    expect(() => parseTrace([])).toThrow('an object');
  });
});

describe('replay', () => {
  const events = (max: number) => [...replayTrace(limited(max), parseTrace(parseJson(TRACE)))];

  it('gives every event its verdict, reasons and state digests, and the next one starts where the last ended', () => {
    const [first, second, third] = events(1);
    expect(first).toMatchObject({ verdict: 'accept', effect: 'allow', target: 'look' });
    expect(second).toMatchObject({
      verdict: 'reject',
      effect: 'block',
      reasons: [{ code: 'LIMIT_EXCEEDED', clause: 'few' }],
    });
    expect(third?.reasons.map(({ code }) => code)).toEqual([
      'EPOCH_STALE',
      'NOT_PERMITTED',
      'LIMIT_EXCEEDED',
    ]);
    expect(second?.state.before).toBe(first?.state.after);
    expect(second?.state.after).toBe(second?.state.before);
  });

  it('prints the same bytes and the same digest every time', () => {
    const run = () => {
      const loaded = limited(1);
      const all = [...replayTrace(loaded, parseTrace(parseJson(TRACE)), ENFORCED)];
      return [
        canonicalJson(all as unknown as JsonValue),
        all.reduce<Digest | null>((chain, event) => chainDigest(loaded, chain, event), null),
      ];
    };
    expect(run()).toEqual(run());
  });

  it('tells what another bundle would have answered', () => {
    const changed = events(1).filter((event, index) => answersDiffer(event, events(2)[index] as never));
    expect(changed.map(({ index }) => index)).toEqual([1]);
  });

  it('takes what is on record as it came: outcomes between other actions, and what they got', () => {
    const { inputs, ...session } = playedTrace(limited(3).crypto, parseTrace(parseJson(TRACE)), ENFORCED);
    const [open, prompt, first, done, second, later, ...rest] = inputs as [PlayedInput, ...PlayedInput[]] &
      PlayedInput[];
    const answer = { effect: 'block', reasons: [] } as const;
    const order = [
      open,
      prompt,
      { ...first, recorded: answer },
      second,
      done,
      later,
      ...rest,
    ] as PlayedInput[];
    const events = [...replaySession(limited(3), { ...session, inputs: order })];
    expect(events.map(({ effect }) => effect)).toEqual(['allow', 'allow', 'block']);
    expect(events[0]?.recorded).toMatchObject({ tenant: 'acme', effect: 'block' });
    expect(events[1]?.recorded).toBeUndefined();
    // What came between belongs to the event that it followed.
    expect(events[1]?.state.before).toBe(events[0]?.state.after);
    expect(events[2]?.state.before).toBe(events[1]?.state.after);
  });

  it('reads whether a trace is benign', () => {
    const benignOf = (part: object) =>
      playedTrace(limited(1).crypto, parseTrace({ ...(parseJson(TRACE) as JsonObject), ...part }), ENFORCED)
        .benign;
    expect([benignOf({}), benignOf({ benign: true }), benignOf({ benign: false })]).toEqual([
      null,
      true,
      false,
    ]);
  });
});
