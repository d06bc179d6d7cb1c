import type { EntityStore, StoredEntity } from './entity-store.ts';
import type { Outcome } from './failure.ts';
import type { CedarRecord, EntityUid } from './values.ts';

export interface CedarRequest {
  readonly principal: EntityUid;
  readonly action: EntityUid;
  readonly resource: EntityUid;
  readonly context: CedarRecord;
  readonly entities: EntityStore;
}

export type Axis = 'principal' | 'action' | 'resource';
export const AXES: readonly Axis[] = ['principal', 'action', 'resource'];

/** What expressions and scopes are evaluated in: a request, and the actions of the schema. */
export class Situation implements CedarRequest {
  readonly principal: EntityUid;
  readonly action: EntityUid;
  readonly resource: EntityUid;
  readonly context: CedarRecord;
  readonly entities: EntityStore;
  private readonly ancestors: Partial<Record<Axis, ReadonlySet<string>>> = {};

  constructor(
    request: CedarRequest,
    private readonly actions: EntityStore,
  ) {
    this.principal = request.principal;
    this.action = request.action;
    this.resource = request.resource;
    this.context = request.context;
    this.entities = request.entities;
  }

  /** The schema's actions win over the request's entities: the policy's author wrote them. */
  find(uid: EntityUid): StoredEntity | undefined {
    return this.actions.get(uid.key) ?? this.entities.get(uid.key);
  }

  isIn(uid: EntityUid, ancestorKey: string): boolean {
    return uid.key === ancestorKey || (this.find(uid)?.ancestors.has(ancestorKey) ?? false);
  }

  /** Looked up once per request, as many policies ask for it. */
  ancestorsOf(axis: Axis): ReadonlySet<string> {
    const known = this.ancestors[axis];
    if (known) return known;
    const found = this.find(this[axis])?.ancestors ?? NONE;
    this.ancestors[axis] = found;
    return found;
  }
}

const NONE: ReadonlySet<string> = new Set();

export interface Evaluate {
  (situation: Situation): Outcome;
  /** What it always gives, whatever the situation. */
  readonly constant?: Outcome;
}
