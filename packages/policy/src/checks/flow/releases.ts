import {
  flowsTo,
  isJsonObject,
  type JsonValue,
  type Label,
  parsePointer,
  readPointer,
} from '@provability-fabric/kernel';
import type { ReleaseClause } from '../../compiled-bundle.ts';
import { membership } from '../../event-class.ts';
import { handlesAround } from '../../handles/used-handles.ts';
import type { LoadedBundle } from '../../load-bundle.ts';
import type { Event } from '../check.ts';
import type { Scalar } from './arguments.ts';
import { isOfType } from './field-types.ts';
import { forTenant } from './labels.ts';

/** Of one call: each argument is held against each clause, so their number is bounded. */
const MAX_LEAVES = 1_000;
/** Of one parameter that is released by its type: each holds little, and a long list of them holds much. */
const MAX_TYPED = 16;

/**
 * The clause that takes an argument of this label as trusted, if one does. `mayAsk`: also one whose use has to be
 * approved; where what it releases is not enforced, asking somebody would make it stricter than it is without.
 */
export function endorsement(
  bundle: LoadedBundle,
  event: Event,
  pointer: string,
  label: Label,
  mayAsk: boolean,
): string | undefined {
  const { tenant } = event.intent.principal;
  const able = bundle.releases.filter(
    (clause) =>
      clause.rule === 'endorse' &&
      clause.parameter === pointer &&
      (mayAsk || !isAsked(clause)) &&
      flowsTo(label, forTenant(clause.from, tenant)) &&
      isOpen(clause, event),
  );
  return (able.find((clause) => !isAsked(clause)) ?? able[0])?.id;
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
  mayAsk: boolean,
): readonly string[] | undefined {
  const able = bundle.releases.filter(
    (clause) =>
      clause.rule === 'declassify' &&
      (mayAsk || !isAsked(clause)) &&
      flowsTo(session, forTenant(clause.from, event.intent.principal.tenant)) &&
      flowsTo(lowered(session, clause, event.intent.principal.tenant), sink) &&
      isOpen(clause, event),
  );
  const free = able.filter((clause) => !isAsked(clause));
  return covering(free, event) ?? (free.length < able.length ? covering(able, event) : undefined);
}

function covering(able: readonly ReleaseClause[], event: Event): readonly string[] | undefined {
  const whole = able.find(({ parameter }) => parameter === null);
  if (whole !== undefined) return [whole.id];
  if (able.length === 0) return undefined;
  // Nobody is asked about a value that another clause releases already.
  const coverage = new Coverage(able.toSorted((a, b) => Number(isAsked(a)) - Number(isAsked(b))));
  return coverage.leaf(event.intent.action.args, [], true) && coverage.leaves > 0
    ? [...coverage.used]
    : undefined;
}

/** Whether somebody has to approve its use; whether they have is looked at once everything else is decided. */
function isAsked({ approver }: ReleaseClause): boolean {
  return approver !== undefined;
}

/** Unlike a restriction, a release that has expired, is not enforced or cannot be told to apply opens nothing. */
function isOpen(clause: ReleaseClause, event: Event): boolean {
  if (clause.mode !== 'enforce' || (clause.expires !== null && event.time > clause.expires)) return false;
  if (membership(clause.on, event) !== 'in') return false;
  const { parameter, type } = clause;
  if (parameter === null || type === null) return true;
  // Whether a hidden value has the form must not show in what is refused: it is taken out first.
  const { above, within } = handlesAround(event.used, parameter);
  if (above.length + within.length > 0) return false;
  const values = readPointer(event.intent.action.args, parameter).flatMap(listed);
  const fits = (value: JsonValue) => !isContainer(value) && isOfType(type, value as Scalar);
  return values.length > 0 && values.length <= MAX_TYPED && values.every(fits);
}

/** The values of a flat list; how lists are nested would be a message of its own. */
function listed(value: JsonValue): readonly JsonValue[] {
  return Array.isArray(value) && value.length > 0 ? (value as readonly JsonValue[]) : [value];
}

function isContainer(value: JsonValue): boolean {
  return Array.isArray(value) || isJsonObject(value);
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
    // An empty list or object is a value like any other: names and nesting around it can spell out anything.
    if (Array.isArray(value) && value.length > 0) {
      return (value as readonly JsonValue[]).every((item, index) =>
        this.leaf(item, [...path, String(index)], named),
      );
    }
    if (isJsonObject(value) && Object.keys(value).length > 0) {
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
