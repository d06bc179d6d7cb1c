import type { JsonValue } from '@provability-fabric/kernel';
import { EXTRACT_TOOL } from '@provability-fabric/policy';
import type { Condition, Disguise, Expression, Move } from './agent.ts';
import {
  type BundleSpec,
  CONSTANTS,
  type HandlesSpec,
  type ParameterSpec,
  type ReleaseSpec,
  type ToolSpec,
} from './bundle-spec.ts';
import type { Chance } from './chance.ts';
import { VALUES } from './environment.ts';

/** An agent that reads, and then tries to say what it read to whoever listens. */
export function randomAgent(spec: BundleSpec, chance: Chance): readonly Move[] {
  const readers = spec.tools.filter(({ effect }) => effect === 'read');
  const senders = spec.tools.filter(({ effect }) => effect !== 'read');
  const moves: Move[] = chance.is(0.5) ? [randomPrompt(chance)] : [];
  if (chance.is(0.6)) moves.push(always(act(spec, chance, readers)));
  const count = 5 + chance.below(8);
  while (moves.length < count) {
    const draw = chance.below(20);
    if (spec.handles !== null && chance.is(0.25)) moves.push(...extract(spec, spec.handles, chance));
    if (draw < 9) moves.push(act(spec, chance, senders));
    else if (draw < 15) moves.push(chance.is(0.2) ? readDocument(spec, chance) : act(spec, chance, readers));
    else if (draw < 17) moves.push({ kind: 'settle' });
    else if (draw < 19) moves.push({ kind: 'tick', after: chance.pick([1, 1000, 4000]) });
    else moves.push(randomPrompt(chance));
  }
  return moves;
}

function always(move: Move): Move {
  return move.kind === 'act' ? { ...move, when: { kind: 'always' }, awaited: true } : move;
}

function randomPrompt(chance: Chance): Move {
  return { kind: 'prompt', text: `tell ${chance.pick(VALUES)} about ${chance.pick(VALUES)} now` };
}

function readDocument(spec: BundleSpec, chance: Chance): Move {
  const targets = spec.documents.map(({ uri }) => uri.replace('*', String(chance.below(3))));
  if (targets.length === 0) return { kind: 'tick', after: 1 };
  return { kind: 'act', when: randomCondition(chance), action: 'read', targets, args: [], awaited: true };
}

/** Reads what something may be taken out of, and asks for it. */
function extract(spec: BundleSpec, { extract: rules }: HandlesSpec, chance: Chance): readonly Move[] {
  const rule = rules.length > 0 ? chance.pick(rules) : undefined;
  const tools = spec.tools.filter(({ name }) => name === rule?.tool);
  if (rule === undefined || tools.length === 0) return [];
  const is = (value: JsonValue): Expression => ({ kind: 'is', value });
  const field = chance.is(0.5) && rule.field !== null ? rule.field : chance.pick(['rest', 'f0', 'f1']);
  const args = [
    { name: 'handle', value: { kind: 'handle', back: chance.below(2) } as const },
    { name: 'pointer', value: is(chance.pick(['', `/${field}`, `/${field}`, `/0/${field}`])) },
    {
      name: 'type',
      value: is(chance.is(0.5) ? chance.pick(rule.types) : chance.pick(['amount', 'date', 'id'])),
    },
  ];
  const targets = [EXTRACT_TOOL];
  return [
    always(act(spec, chance, tools)),
    { kind: 'act', when: randomCondition(chance), action: 'call', targets, args, awaited: true },
  ];
}

function act(spec: BundleSpec, chance: Chance, tools: readonly ToolSpec[]): Move {
  const tool = chance.pick(tools);
  const releases = spec.releases.filter((release) => release.tool === tool.name && chance.is(0.85));
  const args = tool.parameters.map((parameter) => ({
    name: parameter.name,
    value: argument(spec, chance, parameter, releases),
  }));
  const released = releases.filter(({ rule }) => rule === 'declassify');
  for (const { parameter, type } of released)
    if (parameter !== null) args.push({ name: parameter, value: typedFor(chance, type) });
  if (released.length > 0 && chance.is(0.15))
    args.push({
      name: 'note',
      value: { kind: 'named', name: anything(chance, 0), value: { kind: 'is', value: [] } },
    });
  // A single other argument and no release by parameter applies.
  if (released.length === 0 || chance.is(0.15))
    args.push({ name: chance.pick(['text', 'note']), value: anything(chance, 2) });
  const others = chance.is(0.2) ? [chance.pick(tools).name] : [];
  const awaited = chance.is(0.8);
  return {
    kind: 'act',
    when: randomCondition(chance),
    action: 'call',
    targets: [tool.name, ...others],
    args,
    awaited,
  };
}

function argument(
  spec: BundleSpec,
  chance: Chance,
  parameter: ParameterSpec,
  releases: readonly ReleaseSpec[],
): Expression {
  if (parameter.stores !== null && chance.is(0.9)) {
    const path = (): Expression => ({
      kind: 'is',
      value: `${chance.pick(spec.stores).name}/${chance.below(3)}`,
    });
    return chance.is(0.3) ? { kind: 'bit', salt: 'path', zero: path(), one: path() } : path();
  }
  const one = soleArgument(chance, releases);
  return parameter.pointer === '/to/*' && chance.is(0.7) ? { kind: 'list', items: [one] } : one;
}

function soleArgument(chance: Chance, releases: readonly ReleaseSpec[]): Expression {
  const endorsed = releases.find(({ rule }) => rule === 'endorse');
  if (endorsed?.type === 'id' && chance.is(0.5)) return { kind: 'pressed', into: 'id' };
  if (chance.is(0.2)) return { kind: 'is', value: chance.pick(CONSTANTS.team ?? []) };
  if (chance.is(0.4)) return { kind: 'is', value: chance.pick(VALUES) };
  return anything(chance, 1);
}

function typedFor(chance: Chance, type: ReleaseSpec['type']): Expression {
  if (type === null) return anything(chance, 1);
  // Now and then not of the type: what a release does not list must not pass for what it does.
  const one: Expression = chance.is(0.7)
    ? { kind: 'pressed', into: type }
    : { kind: 'seen', back: chance.below(3), how: 'inside' };
  return chance.is(0.2) ? { kind: 'list', items: [one, one] } : one;
}

function anything(chance: Chance, depth: number): Expression {
  const draw = chance.below(10);
  if (draw < 2) return { kind: 'handle', back: chance.below(3) };
  if (draw < 5 || depth === 0) return { kind: 'seen', back: chance.below(4), how: chance.pick(DISGUISES) };
  if (draw < 7)
    return {
      kind: 'bit',
      salt: `${chance.below(1000)}`,
      zero: { kind: 'is', value: chance.pick(VALUES) },
      one: anything(chance, depth - 1),
    };
  const inner = (): Expression =>
    chance.is(0.2) ? { kind: 'is', value: chance.pick(EMPTY) } : anything(chance, depth - 1);
  if (draw < 8) return { kind: 'list', items: [anything(chance, depth - 1), inner()] };
  if (draw < 9) return { kind: 'named', name: anything(chance, 0), value: inner() };
  return { kind: 'pressed', into: chance.pick(['date', 'amount', 'id'] as const) };
}

/** Where names and nesting are all that speaks. */
const EMPTY: readonly JsonValue[] = [[], {}, [[], [[]]]];
const DISGUISES: readonly Disguise[] = [
  'plain',
  'plain',
  'reversed',
  'base64',
  'shouted',
  'inside',
  'length',
];

function randomCondition(chance: Chance): Condition {
  const draw = chance.below(10);
  if (draw < 6) return { kind: 'always' };
  if (draw < 8) return { kind: 'bit', salt: `${chance.below(1000)}` };
  return draw < 9 ? { kind: 'refused' } : { kind: 'contains', text: chance.pick(['yes', 'acme', '2']) };
}
