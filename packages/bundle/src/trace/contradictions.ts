import {
  type Clause,
  covers,
  type EventClass,
  type ToolEffect,
  type TraceClause,
} from '@provability-fabric/policy';
import type { Compilation } from '../compilation.ts';
import { isEffect } from '../event-classes.ts';

/** A tool, or with the name null a document. */
interface Thing {
  readonly name: string | null;
  readonly effect: ToolEffect;
}

/**
 * Clauses that together never let happen what one of them waits for: a permission that nobody can get, an obligation that
 * nobody can meet. Judged by tools and effects alone; a class that asks for more is taken to leave a way.
 */
export function checkContradictions(clauses: readonly Clause[], compilation: Compilation): void {
  const traces = clauses.filter((clause) => clause.kind === 'trace');
  const awaited = traces.flatMap((clause) =>
    [...awaitedBy(clause)].map((each) => [clause, ...each] as const),
  );
  if (awaited.length === 0) return;
  const things = thingsIn(traces, compilation);
  const enforced = traces.filter(({ mode }) => mode === 'enforce');
  const possible = possibleUnder(enforced, things);
  for (const [clause, key, on] of awaited) {
    const index = compilation.document.clauses.findIndex(({ id }) => id === clause.id);
    const place = compilation.locations.value('clauses', index, key);
    const candidates = things.filter((thing) => mayBe(on, thing));
    if (candidates.length === 0) {
      compilation.found.error('NEVER_MATCHES', place, {
        clause: clause.id,
        message: `expected a class for \`${key}\` that a declared tool can be in, came one for none`,
        mend: 'name a tool or an effect that `tools` declares',
      });
      continue;
    }
    const among = clause.mode === 'enforce' ? possible : possibleUnder([...enforced, clause], things);
    if (candidates.some((thing) => among.has(thing) && !refusedMeanwhile(clause, thing))) continue;
    compilation.found.error('TRACE_CONTRADICTION', place, {
      clause: clause.id,
      message: `expected an event of \`${key}\` that can happen, came only such as ${blamed(clause, candidates, enforced)}`,
      mend: 'the clause waits for what never comes: widen the class, or change the clause that refuses it',
    });
  }
}

/** What must be done for the clause to let go. */
function* awaitedBy({ pattern }: TraceClause): Generator<readonly ['after' | 'until' | 'then', EventClass]> {
  if (pattern.kind === 'only_after') yield ['after', pattern.after];
  if (pattern.kind === 'after_then') yield ['then', pattern.response];
  if (pattern.kind === 'after_never' && pattern.until !== null) yield ['until', pattern.until];
}

function thingsIn(traces: readonly TraceClause[], { document }: Compilation): readonly Thing[] {
  const things = new Map<string, Thing>();
  for (const [name, { effect }] of Object.entries(document.tools))
    if (isEffect(effect)) things.set(name, { name, effect });
  const others = things.get('*');
  if (others !== undefined) {
    const named = traces.flatMap(({ pattern }) =>
      Object.values(pattern).flatMap((part) => (isClass(part) ? (part.tools ?? []) : [])),
    );
    for (const name of named) if (!things.has(name)) things.set(name, { ...others, name });
  }
  const documents: readonly Thing[] = document.documents.length > 0 ? [{ name: null, effect: 'read' }] : [];
  return [...things.values(), ...documents];
}

function isClass(part: unknown): part is EventClass {
  return typeof part === 'object' && part !== null;
}

/** The least set that is closed under: what no clause refuses, or only a clause whose permission is in the set. */
function possibleUnder(traces: readonly TraceClause[], things: readonly Thing[]): ReadonlySet<Thing> {
  const possible = new Set<Thing>();
  let closed = traces.filter(({ pattern }) => pattern.kind === 'only_after' || pattern.kind === 'never');
  for (;;) {
    const refusing = closed.map(({ pattern }) =>
      pattern.kind === 'only_after' ? pattern.only : (pattern as { readonly never: EventClass }).never,
    );
    const added = things.filter((thing) => !possible.has(thing) && !refusing.some((on) => mustBe(on, thing)));
    if (added.length === 0) return possible;
    for (const thing of added) possible.add(thing);
    closed = closed.filter(
      ({ pattern }) => pattern.kind !== 'only_after' || !added.some((thing) => mayBe(pattern.after, thing)),
    );
  }
}

/** Between `after` and `until` an event of `never` is refused, and one of `after` begins anew. */
function refusedMeanwhile({ pattern }: TraceClause, thing: Thing): boolean {
  if (pattern.kind !== 'after_never') return false;
  return mustBe(pattern.never, thing) || mustBe(whateverWasRead(pattern.after), thing);
}

/** A session's label only rises: what asks for no less than one holds of every event after the first. */
function whateverWasRead(on: EventClass): EventClass {
  return on.label?.integrity === 'trusted' ? on : { ...on, label: null };
}

function blamed(clause: TraceClause, candidates: readonly Thing[], enforced: readonly TraceClause[]): string {
  const refuses = ({ pattern }: TraceClause) =>
    pattern.kind === 'never'
      ? pattern.never
      : pattern.kind === 'only_after'
        ? pattern.only
        : pattern.kind === 'after_never'
          ? pattern.never
          : undefined;
  const own = candidates.every((thing) => {
    const on = refuses(clause);
    return (on !== undefined && mustBe(on, thing)) || refusedMeanwhile(clause, thing);
  });
  if (own) return 'this clause itself refuses until then';
  const other = enforced.find((each) => {
    const on = each.id === clause.id || each.pattern.kind === 'after_never' ? undefined : refuses(each);
    return on !== undefined && candidates.some((thing) => mustBe(on, thing));
  });
  return other === undefined ? 'never happen' : `the clause \`${other.id}\` refuses`;
}

function mayBe({ tools, effects }: EventClass, { name, effect }: Thing): boolean {
  return (tools === null || (name !== null && tools.includes(name))) && (effects?.includes(effect) ?? true);
}

function mustBe(on: EventClass, { name, effect }: Thing): boolean {
  // A document has no name that a class could list.
  return name === null ? on.tools === null && covers(on, '', effect) : covers(on, name, effect);
}
