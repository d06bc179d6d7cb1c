import { CedarError } from './errors.ts';
import { type CedarRecord, EMPTY_RECORD, type EntityUid } from './values.ts';

export interface EntityData {
  readonly uid: EntityUid;
  readonly attributes?: CedarRecord;
  readonly parents?: readonly EntityUid[];
  readonly tags?: CedarRecord;
}

export interface StoredEntity {
  readonly uid: EntityUid;
  readonly attributes: CedarRecord;
  readonly tags: CedarRecord;
  /** Keys of all entities above it. */
  readonly ancestors: ReadonlySet<string>;
}

/**
 * Entities by key, each with its ancestors worked out, so that `in` is one look-up. Made by `entityStore`.
 */
export class EntityStore {
  private ancestorKeys: ReadonlySet<string> | undefined;

  constructor(
    private readonly own: ReadonlyMap<string, Entry>,
    private readonly base?: EntityStore,
  ) {}

  get(key: string): StoredEntity | undefined {
    return this.find(key);
  }

  find(key: string): Entry | undefined {
    return this.own.get(key) ?? this.base?.find(key);
  }

  /** Whether giving this entity other parents would change what is above others. */
  isAncestor(key: string): boolean {
    if (!this.ancestorKeys) {
      const keys = new Set<string>();
      for (const entry of this.own.values()) for (const ancestor of entry.ancestors) keys.add(ancestor);
      this.ancestorKeys = keys;
    }
    return this.ancestorKeys.has(key) || (this.base?.isAncestor(key) ?? false);
  }

  /** Everything in it as it was given, to be built anew. */
  data(): Map<string, EntityData> {
    const data = this.base?.data() ?? new Map<string, EntityData>();
    for (const [key, entry] of this.own) data.set(key, entry.data);
    return data;
  }
}

const NO_KEYS: ReadonlySet<string> = new Set();

class Entry implements StoredEntity {
  readonly uid: EntityUid;
  readonly attributes: CedarRecord;
  readonly tags: CedarRecord;
  ancestors: ReadonlySet<string> = NO_KEYS;
  private lineageKeys: ReadonlySet<string> | undefined;

  constructor(readonly data: EntityData) {
    this.uid = data.uid;
    this.attributes = data.attributes ?? EMPTY_RECORD;
    this.tags = data.tags ?? EMPTY_RECORD;
  }

  /**
   * Itself and its ancestors, what an only child inherits: shared, so that adding a principal copies nothing.
   */
  get lineage(): ReadonlySet<string> {
    this.lineageKeys ??= new Set(this.ancestors).add(this.uid.key);
    return this.lineageKeys;
  }
}

/**
 * Throws CedarError for an entity given twice and for one that is its own ancestor. Parents may be absent.
 */
export function entityStore(entities: Iterable<EntityData>): EntityStore {
  return build(entities, undefined);
}

/** The store with a few entities added or replaced, for one request; the store itself stays as it is. */
export function withEntities(store: EntityStore, entities: readonly EntityData[]): EntityStore {
  if (entities.length === 0) return store;
  if (!entities.some((entity) => movesOthers(store, entity))) return build(entities, store);
  const data = store.data();
  for (const entity of entities) data.set(entity.uid.key, entity);
  return build(data.values(), undefined);
}

function movesOthers(store: EntityStore, { uid, parents }: EntityData): boolean {
  const isRoot = !parents?.length && !store.get(uid.key)?.ancestors.size;
  return !isRoot && store.isAncestor(uid.key);
}

function build(entities: Iterable<EntityData>, base: EntityStore | undefined): EntityStore {
  const own = new Map<string, Entry>();
  for (const data of entities) {
    if (own.has(data.uid.key)) {
      throw new CedarError('CEDAR_ENTITIES', `expected each entity once, got \`${data.uid}\` twice`);
    }
    own.set(data.uid.key, new Entry(data));
  }
  const store = new EntityStore(own, base);
  const done = new Set<Entry>();
  for (const entry of own.values()) if (entry.data.parents?.length) settle(entry, own, store, done);
  return store;
}

/**
 * Ancestors before descendants, without recursion: a chain of entities may be longer than the stack is deep.
 */
function settle(start: Entry, own: ReadonlyMap<string, Entry>, store: EntityStore, done: Set<Entry>): void {
  const stack = [start];
  const open = new Set<Entry>();
  for (let entry = stack.at(-1); entry; entry = stack.at(-1)) {
    const parents = entry.data.parents ?? [];
    if (done.has(entry)) {
      stack.pop();
    } else if (open.has(entry)) {
      entry.ancestors = ancestorsFrom(parents, store);
      open.delete(entry);
      done.add(entry);
    } else {
      open.add(entry);
      for (const parent of parents) {
        const above = own.get(parent.key);
        if (!above || done.has(above)) continue;
        if (open.has(above)) {
          throw new CedarError(
            'CEDAR_ENTITIES',
            `expected no cycle of parents, got one through \`${parent}\``,
          );
        }
        stack.push(above);
      }
    }
  }
}

function ancestorsFrom(parents: readonly EntityUid[], store: EntityStore): ReadonlySet<string> {
  const [only] = parents;
  if (!only) return NO_KEYS;
  if (parents.length === 1) return store.find(only.key)?.lineage ?? new Set([only.key]);
  const keys = new Set<string>();
  for (const parent of parents) {
    keys.add(parent.key);
    for (const key of store.find(parent.key)?.ancestors ?? NO_KEYS) keys.add(key);
  }
  return keys;
}
