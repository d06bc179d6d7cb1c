import { canonicalBytes, type JsonValue, parseJsonBytes } from '@provability-fabric/kernel';
import {
  automataProblems,
  type RecordedInput,
  readAutomata,
  refold,
  stateDigest,
  type TracePattern,
} from '@provability-fabric/policy';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { compileAutomata } from '../automata.ts';
import { Definition } from './definition.fixture.ts';
import {
  ANY,
  base,
  clausesOf,
  type Happening,
  happenings,
  loadedWith,
  opening,
  patterns,
  run,
} from './history.fixture.ts';
import { machineOf } from './machine.ts';
import { automatonFrom } from './symbolic.ts';

let bundle: Awaited<ReturnType<typeof base>>;
beforeAll(async () => {
  bundle = await base();
});

const several = fc.array(patterns, { minLength: 1, maxLength: 4 });
const mode = fc.constantFrom('enforce' as const, 'monitor' as const);

/** What the definitions say of a trace, as `run` says it: violated clauses of each event, overdue ones of each tick. */
function defined(all: readonly TracePattern[], history: readonly Happening[], blocks: boolean) {
  const definitions = all.map((pattern) => new Definition(pattern));
  let now = 1000;
  return history.map((happening, position) => {
    if (happening.kind === 'settle') {
      for (const each of definitions) each.settle(happening.which, happening.outcome, position);
      return undefined;
    }
    now += happening.after;
    if (happening.kind === 'tick') {
      const since = definitions.map((each) => each.overdue(position, now));
      return since.flatMap((at, index) => (at === null ? [] : [`t${index} since ${at}`]));
    }
    const alone = definitions.map((each) => each.violates(position, now, happening));
    // One overdue obligation does not refuse what another waits for.
    const isDue = definitions.some((each, index) => !alone[index] && each.waitsFor(position, now, happening));
    const violated = definitions.map((each, index) => alone[index] === true && !(isDue && each.isObligation));
    const allowed = !(blocks && violated.includes(true));
    for (const [index, each] of definitions.entries()) each.wentAhead(allowed && !alone[index], allowed);
    return violated.flatMap((yes, index) => (yes ? [`t${index}`] : []));
  });
}

function observed(answers: ReturnType<typeof run>) {
  return answers.map((answer) => {
    const output = answer?.output;
    if (output?.kind === 'ticked')
      return output.overdue.map(({ clause, since }) => `${clause} since ${since}`);
    if (output?.kind !== 'decision') return undefined;
    return output.reasons.filter(({ check }) => check === 'trace').map(({ clause }) => clause);
  });
}

describe('the automata', () => {
  it('say of every history what the definitions of the patterns over positions say', () => {
    fc.assert(
      fc.property(several, happenings, mode, (all, history, enforcement) => {
        const clauses = clausesOf(all);
        const answers = run(bundle, clauses, compileAutomata(clauses), history, enforcement);
        expect(observed(answers)).toEqual(defined(all, history, enforcement === 'enforce'));
      }),
      { numRuns: 600, seed: 7 },
    );
  });

  it('say so too where what ends a prohibition or meets an obligation is asked for before it begins again', () => {
    const named = (tool: string) => ({ ...ANY, tools: [tool] });
    const ask = (tool: string): Happening => ({ kind: 'ask', tool, args: {}, after: 1 });
    const settle = (which: number): Happening => ({ kind: 'settle', which, outcome: 'done' });
    const all: readonly TracePattern[] = [
      { kind: 'after_never', after: named('a'), never: named('b'), until: named('c') },
      { kind: 'after_then', after: named('a'), response: named('c'), within_ms: 4, tolerance_ms: 1 },
      { kind: 'only_after', only: named('d'), after: named('c') },
    ];
    const automata = compileAutomata(clausesOf(all));
    const dense = fc.array(fc.oneof(fc.constantFrom('a', 'b', 'c', 'd').map(ask), fc.nat(3).map(settle)), {
      maxLength: 14,
    });
    fc.assert(
      fc.property(dense, mode, (history, enforcement) => {
        const answers = run(bundle, clausesOf(all), automata, history, enforcement);
        expect(observed(answers)).toEqual(defined(all, history, enforcement === 'enforce'));
      }),
      { numRuns: 1500, seed: 7 },
    );
    // The shortest of these histories, in full.
    const history = [ask('a'), ask('c'), ask('a'), settle(1), ask('b'), ask('c'), settle(0), ask('b')];
    expect(observed(run(bundle, clausesOf(all), automata, history, 'enforce'))).toEqual([
      [],
      [],
      [],
      undefined,
      ['t0'],
      [],
      undefined,
      [],
    ]);
  });

  it('let a session out of two overdue obligations, one after the other, and nothing else meanwhile', () => {
    const named = (tool: string) => ({ ...ANY, tools: [tool] });
    const obligation = (response: string): TracePattern => ({
      kind: 'after_then',
      after: named('a'),
      response: named(response),
      within_ms: 4,
      tolerance_ms: 0,
    });
    const clauses = clausesOf([obligation('b'), obligation('c')]);
    const ask = (tool: string, after = 0): Happening => ({ kind: 'ask', tool, args: {}, after });
    const done: Happening = { kind: 'settle', which: 0, outcome: 'done' };
    const history = [
      ask('a'),
      done,
      ask('d', 5),
      ask('b'),
      done,
      ask('d'),
      ask('b'),
      ask('c'),
      done,
      ask('d'),
    ];
    const seen = observed(run(bundle, clauses, compileAutomata(clauses), history, 'enforce'));
    expect(seen).toEqual([[], undefined, ['t0', 't1'], [], undefined, ['t1'], ['t1'], [], undefined, []]);
    // One that only watches opens nothing for those that refuse.
    const [first, second] = clauses as [(typeof clauses)[0], (typeof clauses)[0]];
    const watched = [{ ...first, mode: 'monitor' as const }, second];
    const refused = observed(run(bundle, watched, compileAutomata(watched), history, 'enforce'));
    expect(refused[3]).toEqual(['t1']);
  });

  it('say the same before they are minimised', () => {
    fc.assert(
      fc.property(several, happenings, mode, (all, history, enforcement) => {
        const clauses = clausesOf(all);
        const whole = clauses.map(({ id, pattern }) => automatonFrom(id, machineOf(pattern)));
        const small = compileAutomata(clauses);
        const before = run(bundle, clauses, { ...small, automata: whole }, history, enforcement);
        expect(observed(run(bundle, clauses, small, history, enforcement))).toEqual(observed(before));
        for (const [index, automaton] of small.automata.entries())
          expect(automaton.states).toBeLessThanOrEqual(whole[index]?.states ?? 0);
      }),
      { numRuns: 300, seed: 7 },
    );
  });

  it('are not moved by what violates them, and wait for nothing of it', () => {
    fc.assert(
      fc.property(several, happenings, mode, (all, history, enforcement) => {
        const clauses = clausesOf(all);
        for (const answer of run(bundle, clauses, compileAutomata(clauses), history, enforcement)) {
          if (answer?.output.kind !== 'decision') continue;
          const { before, after, output } = answer;
          const violated = output.reasons.map(({ clause }) => clauses.findIndex(({ id }) => id === clause));
          for (const index of violated) {
            expect(after.trace.states[index]).toBe(before.trace.states[index]);
            expect(after.trace.registers[index]).toBe(before.trace.registers[index]);
            const waits = [...after.trace.waiting].filter(([, own]) =>
              own.some((each) => each.automaton === index),
            );
            expect(waits.map(([certificate]) => certificate)).toEqual(
              [...before.trace.waiting]
                .filter(([, own]) => own.some((each) => each.automaton === index))
                .map(([certificate]) => certificate),
            );
          }
          if (output.effect === 'block') expect(after).toBe(before);
        }
      }),
      { numRuns: 300, seed: 7 },
    );
  });

  it('stand where they stood live when a session is folded anew from what was recorded', () => {
    fc.assert(
      fc.property(several, happenings, mode, (all, history, enforcement) => {
        const clauses = clausesOf(all);
        const automata = compileAutomata(clauses);
        const loaded = loadedWith(bundle, clauses, automata);
        const answers = run(bundle, clauses, automata, history, enforcement).filter(
          (each) => each !== undefined,
        );
        const recorded = answers.flatMap(({ input, output }): RecordedInput[] => {
          if (output.kind === 'refused') return [];
          return [output.kind === 'decision' ? { input, effect: output.effect } : { input }];
        });
        const live = answers.at(-1)?.after;
        const folded = refold(loaded, [{ input: opening(enforcement) }, ...recorded]);
        if (live !== undefined) expect(folded.trace).toEqual(live.trace);
        if (live !== undefined) expect(stateDigest(loaded, folded)).toBe(stateDigest(loaded, live));
      }),
      { numRuns: 200, seed: 7 },
    );
  });

  it('read back as themselves, deterministic, total, reached and prefix-closed', () => {
    fc.assert(
      fc.property(several, (all) => {
        const document = compileAutomata(clausesOf(all));
        const bytes = canonicalBytes(document as unknown as JsonValue);
        const read = readAutomata(parseJsonBytes(bytes));
        expect(read).toEqual(document);
        expect([...automataProblems(read)]).toEqual([]);
        expect(canonicalBytes(read as unknown as JsonValue)).toEqual(bytes);
      }),
      { numRuns: 150, seed: 7 },
    );
  });
});
