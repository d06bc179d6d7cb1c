import { asDigest, type JsonValue } from '@provability-fabric/kernel';
import type {
  InputRecord,
  OutcomeCertificate,
  PermissionCertificate,
  SessionRecord,
  Statement,
} from '@provability-fabric/statements';
import { inputRoot } from '@provability-fabric/statements';
import { describe, expect, it } from 'vitest';
import { crypto, deskBundle } from './bundle.fixture.ts';
import { type EvidenceJson, TestLog } from './log.fixture.ts';
import { type Lies, TestSession } from './session.fixture.ts';
import { jsonOf } from './story.fixture.ts';
import { check, standings, wrong } from './verification.fixture.ts';

// Here whoever holds the keys lies: every signature, proof and digest in these files is right.

const OTHER = asDigest('ab'.repeat(32));
const desk = deskBundle();

function written(act: (session: TestSession, log: TestLog) => void, lies: Lies = {}): EvidenceJson {
  const log = new TestLog();
  act(new TestSession(log, desk, 's1', { lies }), log);
  return log.export([jsonOf(desk)]);
}

function erased(evidence: EvidenceJson): EvidenceJson {
  return { ...evidence, entries: evidence.entries.map((entry) => ({ ...entry, record: null })) };
}

type Any = Omit<PermissionCertificate, 'type'> &
  Omit<OutcomeCertificate, 'type'> &
  Omit<SessionRecord, 'type'>;

function saying(change: Partial<Any> | ((honest: Any) => Partial<Any>)): Lies {
  return {
    statement: (honest) =>
      ({
        ...honest,
        ...(typeof change === 'function' ? change(honest as unknown as Any) : change),
      }) as Statement,
  };
}

const ALLOWED = {
  verdict: 'accept',
  effect: 'allow',
  reasons: [],
  checks: ['authority', 'permit', 'trace', 'flow', 'limits'].map((check) => ({ check, verdict: 'accept' })),
} as unknown as Partial<Any>;

describe('a certificate whose verdict does not follow from its inputs', () => {
  it('is named, though everything about it is signed and proven', () => {
    const evidence = written((session) => {
      session.ask(
        'delete_file',
        {},
        saying(({ state }) => ({ ...ALLOWED, state: { ...state, after: OTHER } })),
      );
    });
    expect(wrong(evidence).filter((line) => line.startsWith('VERDICT'))).toEqual(['VERDICT s1/1']);
    const [failure] = check(evidence).failures.filter(({ code }) => code === 'VERDICT');
    expect(failure?.message).toContain('`effect`: expected "block", came "allow"');
  });

  it('shows as a verdict and a state even where the state moved with the lie', () => {
    const evidence = written((session) => {
      session.ask(
        'pay',
        { amount: 11 },
        saying(({ state }) => ({ ...ALLOWED, state: { before: state.before, after: OTHER } })),
      );
    });
    expect(wrong(evidence)).toEqual(['VERDICT s1/1', 'STATE s1/1']);
  });

  it('leaves what follows resting on it, never derived', () => {
    const evidence = written((session) => {
      session.ask(
        'pay',
        { amount: 11 },
        saying(({ state }) => ({ ...ALLOWED, state: { before: state.before, after: OTHER } })),
      );
      session.call('pay', { amount: 1 });
    });
    expect(standings(check(evidence))).toEqual([
      's1/0 re-derived',
      's1/1 failed',
      's1/2 signature only',
      's1/3 signature only',
    ]);
  });

  it.each([
    ['effect', { effect: 'allow' }],
    ['verdict', { verdict: 'hold' }],
    ['mode', { mode: 'shadow' }],
    ['checks', { checks: [] }],
    ['reasons', { reasons: [] }],
    ['label', { labels: { session: { level: 'secret', compartments: [], integrity: 'trusted' } } }],
    ['epoch', { epoch: 2 }],
    ['overlay', { overlay: OTHER }],
    ['policy hash', { policy_hash: OTHER }],
    ['automata hash', { automata_hash: OTHER }],
    ['labeler hash', { labeler_hash: OTHER }],
    ['approval', { approval: 'ticket-1' }],
    ['break glass', { break_glass: 'ticket-1' }],
  ] as const)('is named where only its %s lies', (_, lie) => {
    const evidence = written((session) => session.ask('delete_file', {}, saying(lie as Partial<Any>)));
    expect(wrong(evidence)).toContain('VERDICT s1/1');
  });

  it('is named by its own reasons where the record is gone', () => {
    const lying = (lie: Partial<Any> | ((honest: Any) => Partial<Any>)) =>
      wrong(erased(written((session) => session.ask('delete_file', {}, saying(lie)))));
    expect(lying({})).toEqual([]);
    const weakened = (honest: Any) =>
      honest.reasons.map((reason) => ({ ...reason, mode: 'shadow' as const }));
    for (const lie of [
      { effect: 'allow' },
      { verdict: 'accept' },
      { mode: 'monitor' },
      { checks: [] },
      (honest: Any) => ({ reasons: weakened(honest) }),
      // Consistent in itself, and yet the bundle says that this clause enforces.
      (honest: Any) => ({
        reasons: weakened(honest),
        effect: 'allow',
        mode: 'shadow',
        state: { ...honest.state, after: OTHER },
      }),
      (honest: Any) => ({ reasons: honest.reasons.map((reason) => ({ ...reason, clause: 'unheard-of' })) }),
      (honest: Any) => ({ reasons: honest.reasons.map((reason) => ({ ...reason, severity: 'low' })) }),
      (honest: Any) => ({
        reasons: honest.reasons.map((reason) => ({ ...reason, clause: null, severity: 'high' })),
      }),
      (honest: Any) => ({ reasons: honest.reasons.map((reason) => ({ ...reason, code: 'NO_SUCH_CODE' })) }),
      (honest: Any) => ({ reasons: honest.reasons.map((reason) => ({ ...reason, check: 'no-such-check' })) }),
    ]) {
      expect(lying(lie as Partial<Any>)).toContain('VERDICT s1/1');
    }
  });

  it('cannot claim that a refused action moved the session, nor that an allowed one did not', () => {
    const moved = written((session) =>
      session.ask(
        'delete_file',
        {},
        saying(({ state }) => ({ state: { ...state, after: OTHER } })),
      ),
    );
    expect(wrong(erased(moved))).toEqual(['STATE s1/1']);
    const still = written((session) =>
      session.ask(
        'pay',
        { amount: 1 },
        saying(({ state }) => ({ state: { ...state, after: state.before } })),
      ),
    );
    expect(wrong(erased(still))).toEqual(['STATE s1/1']);
    expect(wrong(still)).toEqual(['STATE s1/1', 'STATE s1/1']);
  });
});

describe('a statement that says something else than its record', () => {
  it.each([
    ['target', ({ action }: Any) => ({ action: { ...action, target: 'pay' } })],
    ['arguments', ({ action }: Any) => ({ action: { ...action, args_digest: OTHER } })],
    ['principal', ({ principal }: Any) => ({ principal: { ...principal, id: 'agent-2' } })],
    ['certificate', () => ({ certificate_id: OTHER })],
  ] as const)('is named: its %s', (_, lie) => {
    expect(wrong(written((session) => session.ask('delete_file', {}, saying(lie))))).toEqual([
      'RECORD_CONTENT s1/1',
    ]);
  });

  it('is named: its root, its result, its opening', () => {
    expect(wrong(written((session) => session.ask('pay', {}, saying({ input_root: OTHER }))))).toEqual([
      'RECORD_ROOT s1/1',
    ]);
    const result = (lies: Lies) =>
      written((session) => session.settle(session.ask('pay', { amount: 1 }), 'done', 'paid', lies));
    expect(wrong(result(saying({ result_digest: OTHER })))).toEqual(['RECORD_CONTENT s1/2']);
    expect(wrong(result(saying({ outcome: 'failed' })))).toEqual(['RECORD_CONTENT s1/2']);
    expect(
      wrong(result(saying({ label: { level: 'public', compartments: ['x'], integrity: 'trusted' } }))),
    ).toContain('OUTCOME s1/2');
    expect(wrong(written(() => undefined, saying({ session: 's2' })))).toEqual(['RECORD_CONTENT s2/0']);
  });

  const recorded = (
    change: (leaves: InputRecord['leaves'][number][]) => unknown,
    act = (session: TestSession, lies: Lies) => session.ask('pay', { amount: 1 }, lies),
  ) => {
    let root = OTHER;
    const lies: Lies = {
      record: ({ leaves }) => {
        const copy = [...leaves];
        change(copy);
        root = inputRoot(crypto, { leaves: copy });
        return { leaves: copy };
      },
      statement: (honest) => ({ ...honest, input_root: root }),
    };
    return wrong(written((session) => act(session, lies)));
  };
  const leaf = (path: string, value: JsonValue) => ({ path, salt: '00'.repeat(32), value });

  it('is named: leaves for another bundle or state, unknown, twice, out of order, missing', () => {
    const replacing = (path: string, value: JsonValue) => (leaves: InputRecord['leaves'][number][]) =>
      leaves.splice(
        leaves.findIndex((known) => known.path === path),
        1,
        leaf(path, value),
      );
    for (const change of [
      replacing('/bundle', OTHER),
      replacing('/state_before', OTHER),
      replacing('/kind', 'no such kind'),
      replacing('/at', -1),
      (leaves: unknown[]) => leaves.push(leaf('/zebra', 1)),
      (leaves: unknown[]) => leaves.splice(0, 1),
      (leaves: unknown[]) => leaves.splice(0, leaves.length),
    ]) {
      expect(recorded(change as never)).toEqual(['RECORD_CONTENT s1/1']);
    }
    for (const change of [
      (leaves: unknown[]) => leaves.push(leaf('/at', 1)),
      (leaves: unknown[]) => leaves.reverse(),
      (leaves: unknown[]) => leaves.splice(0, 0, leaf('/action', null)),
    ]) {
      expect(recorded(change as never)).toEqual(['FORMAT']);
    }
  });

  it('cannot reach into our own objects through the path of a leaf', () => {
    for (const path of [
      '/__proto__',
      '/__proto__/polluted',
      '/constructor/keys',
      '/action/__proto__',
      '/principal/constructor',
    ]) {
      const sorted = (leaves: InputRecord['leaves'][number][]) => {
        leaves.push(leaf(path, { polluted: true }));
        leaves.sort((a, b) => (a.path < b.path ? -1 : 1));
      };
      // The last has the form of a leaf, and no input has such a member.
      const named = path === '/principal/constructor' ? 'RECORD_CONTENT s1/1' : 'FORMAT';
      expect(recorded(sorted)).toEqual([named]);
    }
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect(typeof Object.keys).toBe('function');
  });
});

describe('a session that does not hold together', () => {
  const first = (lies: Lies) => wrong(erased(written(() => undefined, lies)));
  const later = (change: Partial<Any> | ((honest: Any) => Partial<Any>)) =>
    wrong(erased(written((session) => session.ask('delete_file', {}, saying(change)))));

  it('begins at seq 0, with its opening, after nothing', () => {
    expect(first(saying({ seq: 1 }))).toContain('CHAIN s1/1');
    expect(first(saying({ previous: OTHER }))).toEqual(['CHAIN s1/0']);
    expect(first(saying({ kind: 'tick' }))).toContain('CHAIN s1/0');
  });

  it('has no gap, no other predecessor, no other state, no way back in time, no second opening', () => {
    expect(later({ seq: 7 })).toEqual(['CHAIN s1/7']);
    expect(later({ previous: OTHER })).toEqual(['CHAIN s1/1']);
    expect(later({ state: { before: OTHER, after: OTHER } })).toEqual(['CHAIN s1/1']);
    expect(later({ issued_at: '2020-01-01T00:00:00.000Z' })).toEqual(['CHAIN s1/1']);
    expect(later({ issued_at: '2027-13-01T00:00:00.000Z' })).toEqual(['CHAIN s1/1']);
    const opened = {
      kind: 'open',
      at: 1,
      tenant: 'acme',
      session: 's1',
      principal: 'x',
      environment: { enforcement_mode: 'enforce', default_mode: null, overlay: null },
      epoch: 1,
    } as const;
    const tick = { kind: 'tick', at: Date.parse('2026-01-01T00:00:01.000Z') } as const;
    expect(wrong(erased(written((session) => session.feed(tick, saying({ kind: 'open' })))))).toEqual([
      'CHAIN s1/1',
    ]);
    expect(() => written((session) => session.feed(opened))).toThrow('refuses');
  });

  it('changes bundle, epoch and mode only by the record that says so', () => {
    const reference = { name: 'desk', version: 9, digest: desk.digest };
    expect(later({ bundle: reference })).toContain('CHAIN s1/1');
    expect(later({ bundle: { ...reference, version: 1, digest: OTHER } })).toContain('CHAIN s1/1');
    expect(later({ epoch: 4 })).toEqual(['CHAIN s1/1']);
    const tick = (lie: Partial<Any>) =>
      wrong(erased(written((session) => session.feed({ kind: 'tick', at: session.now }, saying(lie)))));
    expect(tick({ mode: 'shadow' })).toEqual(['CHAIN s1/1']);
    expect(tick({ epoch: 4 })).toEqual(['CHAIN s1/1']);
    const back = (session: TestSession) =>
      session.feed({ kind: 'epoch', at: session.now, epoch: 3 }, saying({ epoch: 0 }));
    expect(wrong(erased(written(back)))).toEqual(['CHAIN s1/1']);
  });

  it('names its bundle rightly from the start', () => {
    const lie = saying({ bundle: { name: 'other', version: 1, digest: desk.digest } });
    expect(wrong(written(() => undefined, lie))).toEqual(['BUNDLE_DIGEST s1/0']);
  });

  it('certifies an action once', () => {
    let id = '';
    const evidence = written((session) => {
      id = session.ask('pay', { amount: 1 });
      session.ask('delete_file', {}, saying({ certificate_id: id }));
    });
    expect(wrong(erased(evidence))).toEqual(['CHAIN s1/2']);
  });

  it('has outcomes of allowed actions only, each once', () => {
    const outcomes = (act: (session: TestSession) => void) => wrong(erased(written(act)));
    const settledAs = (id: string) => saying({ certificate_id: id });
    expect(
      outcomes((session) => {
        const refused = session.ask('delete_file');
        session.settle(session.ask('pay', { amount: 1 }), 'done', null, settledAs(refused));
      }),
    ).toEqual(['OUTCOME s1/3']);
    expect(
      outcomes((session) =>
        session.settle(session.ask('pay', { amount: 1 }), 'done', null, settledAs(OTHER)),
      ),
    ).toEqual(['OUTCOME s1/2']);
    expect(
      outcomes((session) => {
        const [one, two] = [session.ask('pay', { amount: 1 }), session.ask('pay', { amount: 2 })];
        session.settle(one, 'done');
        session.settle(two, 'done', null, settledAs(one));
      }),
    ).toEqual(['OUTCOME s1/4']);
    expect(
      outcomes((session) => {
        const [one, two] = [session.ask('pay', { amount: 1 }), session.ask('pay', { amount: 2 })];
        session.settle(one, 'ambiguous');
        session.settle(two, 'ambiguous', null, settledAs(one));
      }),
    ).toEqual(['OUTCOME s1/4']);
  });

  it('never forgets what it has read, also where the records are gone', () => {
    const clean = { session: { level: 'public', compartments: [], integrity: 'trusted' } } as const;
    const read = (lies: Lies) => (session: TestSession) => {
      session.settle(session.ask('read_ticket'), 'done', 'text', lies);
      session.ask('delete_file');
    };
    expect(wrong(erased(written(read({}))))).toEqual([]);
    expect(wrong(erased(written(read(saying({ labels: clean })))))).toEqual(['OUTCOME s1/2']);
    const later = (session: TestSession) => {
      session.call('read_ticket', {}, 'text');
      session.ask('delete_file', {}, saying({ labels: clean }));
    };
    expect(wrong(erased(written(later)))).toEqual(['VERDICT s1/3']);
  });
});

describe('a change of bundle', () => {
  it('that leads to another state than folding anew is named', () => {
    const second = deskBundle({ version: 2 });
    const log = new TestLog();
    const session = new TestSession(log, desk);
    session.call('pay', { amount: 1 });
    session.adopt(
      second,
      saying(({ state }) => ({ state: { ...state, after: OTHER } })),
    );
    expect(wrong(log.export([jsonOf(desk), jsonOf(second)]))).toEqual(['STATE s1/3']);
  });

  it('to a bundle that is none is named, and nothing under it is derived', () => {
    const broken = deskBundle({ version: 2, owner: '' });
    const log = new TestLog();
    const session = new TestSession(log, desk);
    session.adopt(broken);
    session.ask('delete_file');
    const evidence = log.export([jsonOf(desk), jsonOf(broken)]);
    expect(wrong(evidence)).toEqual(['BUNDLE_MALFORMED']);
    expect(standings(check(evidence))).toEqual([
      's1/0 re-derived',
      's1/1 signature only',
      's1/2 signature only',
    ]);
  });

  it('folds a session anew although a certificate before it lied', () => {
    const second = deskBundle({ version: 2 });
    const log = new TestLog();
    const session = new TestSession(log, desk);
    session.ask('delete_file', {}, saying({ verdict: 'hold' }));
    session.adopt(second);
    session.ask('delete_file');
    const evidence = log.export([jsonOf(desk), jsonOf(second)]);
    expect(standings(check(evidence))).toEqual([
      's1/0 re-derived',
      's1/1 failed',
      's1/2 re-derived',
      's1/3 re-derived',
    ]);
  });
});

it('a certificate that speaks of secrets where there are none is named', () => {
  const sent = written((session) => {
    session.ask('pay', { amount: 1 }, saying({ secrets_used: ['api/token'] }));
  });
  expect(wrong(sent)).toContain('VERDICT s1/1');
  const seen = written((session) => {
    const id = session.ask('pay', { amount: 1 });
    session.settle(id, 'done', 'text', saying({ exposed: ['api/token'] }));
  });
  expect(wrong(seen)).toEqual(['OUTCOME s1/2']);
});

describe('a certificate that speaks of handles where there are none', () => {
  it('is named: what was sent on, and what the agent did not see, follow from the inputs too', () => {
    const sent = written((session) => {
      session.ask('pay', { amount: 1 }, saying({ forwarded_digest: OTHER }));
    });
    expect(wrong(sent)).toContain('VERDICT s1/1');
    const label = { level: 'secret', compartments: [], integrity: 'untrusted' } as const;
    const seen = written((session) => {
      const id = session.ask('pay', { amount: 1 });
      session.settle(id, 'done', 'text', saying({ hidden: { handles: 1, label, shown_digest: OTHER } }));
    });
    expect(wrong(seen)).toEqual(['OUTCOME s1/2']);
  });
});
