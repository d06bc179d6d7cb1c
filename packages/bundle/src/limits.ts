import {
  type AmountUnit,
  type Clause,
  type EventClass,
  type LimitClause,
  parseMicroUnits,
  type ToolAmount,
  type ToolRule,
} from '@provability-fabric/policy';
import type { Compilation } from './compilation.ts';
import { parseDuration } from './duration.ts';
import { compilePointer } from './pointers.ts';
import type { ClauseDocument, ToolDocument } from './shape/bundle-shape.ts';
import { show } from './shape/read-shape.ts';
import type { Path } from './yaml/located.ts';

type LimitDocument = Extract<ClauseDocument, { kind: 'limit' }>;
type Limit = Pick<LimitClause, 'max' | 'window_ms' | 'tolerance_ms' | 'per' | 'unit'>;

const DECIMAL = 'a number of at most 6 decimals and below 9007199254, like `0.02`';

/** What is left out in the sources is absent here: bundles with nothing new are the same bytes as ever. */
export function compileLimit(written: LimitDocument, index: number, compilation: Compilation): Limit {
  const { per, unit, window, tolerance } = written;
  return {
    max: compileMax(written, index, compilation),
    window_ms: window === undefined ? null : (parseDuration(window) ?? null),
    tolerance_ms: parseDuration(tolerance) ?? 0,
    ...(per !== 'session' && { per }),
    ...(unit !== 'calls' && { unit }),
  };
}

function compileMax({ id, unit, max }: LimitDocument, index: number, compilation: Compilation): number {
  const path = ['clauses', index, 'max'];
  if (unit === 'cost' || unit === 'epsilon') return exact(path, 1, compilation, id);
  if (Number.isSafeInteger(max)) return max;
  const { locations, found } = compilation;
  found.error('WRONG_VALUE', locations.value(...path), {
    clause: id,
    message: `expected a whole number of at least 1, came \`${max}\``,
    mend: `write how many ${unit} there may be; only cost and epsilon have decimals`,
  });
  return 1;
}

/** As it stands in the source: a float in between would round what an auditor reads there. */
function exact(path: Path, least: number, { locations, found }: Compilation, clause?: string): number {
  const text = locations.source(...path);
  const micro = parseMicroUnits(text);
  if (micro !== undefined && micro >= least) return micro;
  found.error('WRONG_VALUE', locations.value(...path), {
    clause,
    message: `expected ${DECIMAL}${least > 0 ? ', above 0' : ''}, came \`${show(text)}\``,
    mend: 'write it with digits and a point alone: neither sign, exponent nor a seventh decimal',
  });
  return least;
}

/** What a call of the tool takes from limits of cost and of epsilon. */
export function compileAmounts(
  { cost, epsilon }: ToolDocument,
  path: Path,
  compilation: Compilation,
): Pick<ToolRule, 'cost' | 'epsilon'> {
  return {
    ...(cost !== undefined && { cost: compileAmount(cost, [...path, 'cost'], compilation) }),
    ...(epsilon !== undefined && { epsilon: compileAmount(epsilon, [...path, 'epsilon'], compilation) }),
  };
}

function compileAmount(
  written: number | { readonly argument: string },
  path: Path,
  compilation: Compilation,
): ToolAmount {
  if (typeof written === 'number') return { kind: 'fixed', micro: exact(path, 0, compilation) };
  const place = compilation.locations.value(...path, 'argument');
  const pointer = compilePointer(written.argument, 'the name of an argument', place, compilation);
  return { kind: 'argument', pointer };
}

/** A limit that counts nothing, or lets nothing pass, must not look like one. */
export function checkLimits(
  tools: Readonly<Record<string, ToolRule>>,
  clauses: readonly Clause[],
  { document, locations, found }: Compilation,
): void {
  const byId = new Map(clauses.map((clause) => [clause.id, clause]));
  for (const [index, { id }] of document.clauses.entries()) {
    const clause = byId.get(id);
    if (clause?.kind !== 'limit') continue;
    const { on, unit, max } = clause;
    const counted = toolsIn(on, tools);
    const place = (key: string) => locations.value('clauses', index, key);
    if (counted.length === 0 && !mayReadDocuments(on, document.documents.length)) {
      found.warning('LIMIT_IDLE', place('on'), {
        clause: id,
        message: 'expected a class that some tool of the bundle can be in, came one that has none of them',
        mend: 'name effects that the tools have, or remove the limit',
      });
    } else if (isDeclared(unit) && !counted.some(([, rule]) => rule[unit] !== undefined)) {
      found.error('LIMIT_UNIT', place('unit'), {
        clause: id,
        message: `expected a tool in \`on\` that has ${unit === 'cost' ? 'a' : 'an'} \`${unit}\`, came none`,
        mend: `say on the tool what a call takes: \`${unit}: 0.02\` or \`${unit}: { argument: NAME }\``,
      });
    }
    for (const [name, rule] of counted) {
      if (leastOf(rule, unit) <= max) continue;
      found.warning('LIMIT_TOO_LOW', place('max'), {
        clause: id,
        message: `expected a \`max\` that one call of \`${show(name)}\` fits in, came less: none is ever allowed`,
        mend: 'raise `max`, or say with a trace clause that the tool is never called',
      });
    }
  }
}

function toolsIn({ tools: named, effects }: EventClass, tools: Readonly<Record<string, ToolRule>>) {
  const listed = Object.entries(tools).filter(
    ([name]) =>
      named === null ||
      named.includes(name) ||
      (name === '*' && named.some((one) => !Object.hasOwn(tools, one))),
  );
  return listed.filter(([, { effect }]) => effects === null || effects.includes(effect));
}

function mayReadDocuments({ tools, effects }: EventClass, documents: number): boolean {
  return documents > 0 && tools === null && (effects === null || effects.includes('read'));
}

function isDeclared(unit: AmountUnit | undefined): unit is 'cost' | 'epsilon' {
  return unit === 'cost' || unit === 'epsilon';
}

/** The least that a call can take; `{}` is the shortest of all arguments. */
function leastOf(rule: ToolRule, unit: AmountUnit | undefined): number {
  if (unit === 'bytes') return 2;
  const amount = isDeclared(unit) ? rule[unit] : undefined;
  return amount?.kind === 'fixed' ? amount.micro : 0;
}
