import { flowsTo, isJsonObject, type JsonValue, type Label, parsePointer } from '@provability-fabric/kernel';
import type { ReleaseClause } from '../../compiled-bundle.ts';
import { membership } from '../../event-class.ts';
import type { LoadedBundle } from '../../load-bundle.ts';
import type { Event } from '../check.ts';
import { scalarsAt } from './arguments.ts';
import { isOfType } from './field-types.ts';
import { forTenant } from './labels.ts';

/** Of one call: each argument is held against each clause, so their number is bounded. */
const MAX_LEAVES = 1_000;

/** The clause that takes an argument of this label as trusted, if one does. */
export function endorsement(
  bundle: LoadedBundle,
  event: Event,
  pointer: string,
  label: Label,
): string | undefined {
  const { tenant } = event.intent.principal;
  return bundle.releases.find(
    (clause) =>
      clause.rule === 'endorse' &&
      clause.parameter === pointer &&
      flowsTo(label, forTenant(clause.from, tenant)) &&
      isOpen(clause, event),
  )?.id;
}

/**
 * The clauses by which what the session has read may be sent to a sink after all: one that releases the whole call, or
 * one for every value in the arguments, since a single other one could carry all that was read.
 */
export function declassification(
  bundle: LoadedBundle,
  event: Event,
  session: Label,
  sink: Label,
): readonly string[] | undefined {
  const able = bundle.releases.filter(
    (clause) =>
      clause.rule === 'declassify' &&
      flowsTo(session, forTenant(clause.from, event.intent.principal.tenant)) &&
      flowsTo(lowered(session, clause, event.intent.principal.tenant), sink) &&
      isOpen(clause, event),
  );
  const whole = able.find(({ parameter }) => parameter === null);
  if (whole !== undefined) return [whole.id];
  if (able.length === 0) return undefined;
  const coverage = new Coverage(able);
  return coverage.leaf(event.intent.action.args, [], true) && coverage.leaves > 0
    ? [...coverage.used]
    : undefined;
}

/** Unlike a restriction, a release that has expired, is not enforced or cannot be told to apply opens nothing. */
function isOpen(clause: ReleaseClause, event: Event): boolean {
  if (clause.mode !== 'enforce' || (clause.expires !== null && event.time > clause.expires)) return false;
  if (membership(clause.on, event) !== 'in') return false;
  const { parameter, type } = clause;
  if (parameter === null || type === null) return true;
  const values = scalarsAt(event.intent.action.args, parameter);
  return values.length > 0 && values.length <= MAX_LEAVES && values.every((value) => isOfType(type, value));
}

/** What is left of a label. A tenant's compartment stays whatever the clause says. */
function lowered(session: Label, { from, to }: ReleaseClause, tenant: string): Label {
  const kept = new Set(forTenant(to, tenant).compartments);
  const released = forTenant(from, tenant).compartments.filter(
    (name) => !kept.has(name) && !name.startsWith('tenant:'),
  );
  return {
    level: flowsTo({ ...session, level: to.level }, session) ? to.level : session.level,
    compartments: session.compartments.filter((name) => !released.includes(name)),
    integrity: session.integrity,
  };
}

/** Whether every value of some arguments is released, and by which clauses. */
class Coverage {
  readonly used = new Set<string>();
  leaves = 0;
  readonly #clauses: readonly { readonly id: string; readonly tokens: readonly string[] }[];

  constructor(clauses: readonly ReleaseClause[]) {
    this.#clauses = clauses.map(({ id, parameter }) => ({ id, tokens: parsePointer(parameter as string) }));
  }

  /** `named`: every member on the way here is named by a clause; the agent chooses the names of all others. */
  leaf(value: JsonValue, path: readonly string[], named: boolean): boolean {
    if (Array.isArray(value)) {
      return (value as readonly JsonValue[]).every((item, index) =>
        this.leaf(item, [...path, String(index)], named),
      );
    }
    if (isJsonObject(value)) {
      return Object.entries(value).every(([key, member]) =>
        this.leaf(member, [...path, key], named && this.#names(path, key)),
      );
    }
    this.leaves += 1;
    const clause = this.#clauses.find(({ tokens }) => leadsTo(tokens, path));
    if (clause === undefined || !named || this.leaves > MAX_LEAVES) return false;
    this.used.add(clause.id);
    return true;
  }

  #names(path: readonly string[], key: string): boolean {
    return this.#clauses.some(
      ({ tokens }) => tokens[path.length] === key && leadsTo(tokens.slice(0, path.length), path),
    );
  }
}

function leadsTo(tokens: readonly string[], path: readonly string[]): boolean {
  return tokens.length <= path.length && tokens.every((token, at) => token === '*' || token === path[at]);
}
