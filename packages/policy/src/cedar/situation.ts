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

/** What an expression is evaluated in. */
export interface Situation extends CedarRequest {
  /** The actions of the schema. They win over the request's entities: the policy's author wrote them. */
  readonly actions: EntityStore;
}

export interface Evaluate {
  (situation: Situation): Outcome;
  /** What it always gives, whatever the situation. */
  readonly constant?: Outcome;
}

export function findEntity(situation: Situation, key: string): StoredEntity | undefined {
  return situation.actions.get(key) ?? situation.entities.get(key);
}

export function isIn(situation: Situation, uid: EntityUid, ancestorKey: string): boolean {
  return uid.key === ancestorKey || (findEntity(situation, uid.key)?.ancestors.has(ancestorKey) ?? false);
}
