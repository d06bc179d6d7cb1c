import { LRUCache } from 'lru-cache';
import type { RandomBytes } from '../embedded/cipher.ts';
import type { SecretPlace } from '../names.ts';
import type { StoredSecret, VersionReference } from '../provider.ts';
import { EntrySealer, type SealedEntry } from './sealed-entries.ts';

export interface SecretCacheOptions {
  /** How long an entry is good without being asked for again. */
  readonly ttlMs: number;
  /** Of ciphertext, all tenants together. */
  readonly maxBytes: number;
  /** Whether changes made by other replicas are heard of; while they are not, entries are good for `deafMs` only. */
  readonly hearing: () => boolean;
  readonly deafMs: number;
  /** After a change of which nobody knows whether it happened: how long the secret is not kept. */
  readonly doubtMs: number;
  /** ms. */
  readonly clock: () => number;
  readonly random: RandomBytes;
}

export interface Looked {
  readonly secret: StoredSecret;
  readonly cached: boolean;
}

interface Load {
  readonly key: string;
  readonly answer: Promise<StoredSecret>;
  /** Whether the secret changed after it began: what it brings may be old, and must not stay. */
  stale: boolean;
}

/** Versions of a secret that were read. They never change; which of them is current does, and is one field. */
interface CachedSecret {
  readonly current: number | null;
  readonly versions: readonly SealedEntry[];
}

const MAX_VERSIONS = 16;
const MAX_DOUBTS = 10_000;
/** What an entry costs beside its bytes. */
const ENTRY_BYTES = 256;

/** Secrets that were read lately. A secret is invalidated whole: one entry, so that no half of it can stay behind. */
export class SecretCache {
  readonly #options: SecretCacheOptions;
  readonly #sealer: EntrySealer;
  readonly #secrets: LRUCache<string, CachedSecret>;
  readonly #doubtful: LRUCache<string, true>;
  /** Loads that a read may join, by secret and reference. */
  readonly #joinable = new Map<string, Load>();
  readonly #underWay = new Set<Load>();

  constructor(options: SecretCacheOptions) {
    this.#options = options;
    this.#sealer = new EntrySealer(options.random);
    this.#secrets = new LRUCache({
      maxSize: options.maxBytes,
      sizeCalculation: ({ versions }) =>
        versions.reduce((sum, { bytes }) => sum + bytes.length + ENTRY_BYTES, ENTRY_BYTES),
    });
    this.#doubtful = new LRUCache({
      max: MAX_DOUBTS,
      ttl: Math.max(1, options.doubtMs),
      ttlResolution: 0,
      perf: { now: options.clock },
    });
  }

  /** Secrets in the cache. */
  get size(): number {
    return this.#secrets.size;
  }

  async read(
    place: SecretPlace,
    reference: VersionReference,
    load: () => Promise<StoredSecret>,
  ): Promise<Looked> {
    const key = keyOf(place);
    const entry = this.#find(key, reference);
    if (entry !== null) return { secret: this.#sealer.open(place, entry), cached: true };
    return { secret: await this.#load(place, key, reference, load), cached: false };
  }

  /** Reads that began before this fill nothing any more, and none that begins after it joins them. */
  invalidate(place: { readonly tenant: string; readonly name: string }): void {
    const key = keyOf(place);
    this.#secrets.delete(key);
    for (const load of this.#underWay) if (load.key === key) this.#disown(load);
  }

  /** As `invalidate`, for a change that may still happen. */
  doubt(place: SecretPlace): void {
    if (this.#options.doubtMs > 0) this.#doubtful.set(keyOf(place), true);
    this.invalidate(place);
  }

  clear(): void {
    this.#secrets.clear();
    for (const load of this.#underWay) this.#disown(load);
  }

  #find(key: string, reference: VersionReference): SealedEntry | null {
    const secret = this.#secrets.get(key);
    if (secret === undefined) return null;
    const wanted = reference === 'current' ? secret.current : reference;
    const entry = secret.versions.find(({ version, id }) => version === wanted || id === wanted);
    if (entry === undefined) return null;
    const age = this.#options.clock() - entry.loadedAt;
    const bound = this.#options.hearing()
      ? this.#options.ttlMs
      : Math.min(this.#options.deafMs, this.#options.ttlMs);
    // A clock that jumped back must not make an entry young again.
    return age >= 0 && age < bound ? entry : null;
  }

  async #load(
    place: SecretPlace,
    key: string,
    reference: VersionReference,
    load: () => Promise<StoredSecret>,
  ): Promise<StoredSecret> {
    const joint = JSON.stringify([key, reference]);
    const known = this.#joinable.get(joint);
    if (known !== undefined) return known.answer;
    // Good from when it was asked for: what changed meanwhile is not in it.
    const loadedAt = this.#options.clock();
    const mine: Load = { key, answer: load(), stale: false };
    this.#joinable.set(joint, mine);
    this.#underWay.add(mine);
    try {
      const secret = await mine.answer;
      if (!mine.stale && !this.#doubtful.has(key)) this.#keep(place, key, secret, loadedAt);
      return secret;
    } finally {
      this.#underWay.delete(mine);
      if (this.#joinable.get(joint) === mine) this.#joinable.delete(joint);
    }
  }

  #keep(place: SecretPlace, key: string, secret: StoredSecret, loadedAt: number): void {
    const { version, state } = secret.version;
    const before = this.#secrets.peek(key);
    const isCurrent = state === 'current';
    // What says another version is current is older than a change that we have not heard of.
    const agrees =
      before === undefined || before.current === null || isCurrent === (before.current === version);
    const others = agrees ? (before?.versions ?? []).filter((entry) => entry.version !== version) : [];
    const entry = this.#sealer.seal(place, secret, loadedAt);
    this.#secrets.set(key, {
      current: isCurrent ? version : agrees ? (before?.current ?? null) : null,
      versions: [entry, ...others].slice(0, MAX_VERSIONS),
    });
  }

  #disown(load: Load): void {
    load.stale = true;
    for (const [joint, joinable] of this.#joinable) if (joinable === load) this.#joinable.delete(joint);
  }
}

/** No tenant holds a slash. */
function keyOf(place: { readonly tenant: string; readonly name: string }): string {
  return `${place.tenant}/${place.name}`;
}
