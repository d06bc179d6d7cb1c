import {
  type Fingerprinter,
  type Fingerprints,
  Scanner,
  type SecretWindows,
} from '@provability-fabric/detect';
import { type Crypto, concatBytes, hex, utf8 } from '@provability-fabric/kernel';
import type { LiveValue } from '@provability-fabric/secrets';
import { searchedValues } from './searched-fields.ts';

/** What was found of one secret: by a keyed digest of each of its values, so that the same is not digested anew. */
interface KnownValue {
  readonly windows: SecretWindows;
  /** Of each of its fields, also of those that may be seen, by which a value is known to be of this secret. */
  readonly texts: ReadonlySet<string>;
  /** ms since 1970 until which it is looked for although it is not there any more; null: it is there. */
  until: number | null;
}

export interface FoundFingerprints {
  readonly etag: string;
  readonly fingerprints: Fingerprints;
  readonly scanner: Scanner;
}

export interface TenantFingerprintsOptions {
  readonly crypto: Crypto;
  readonly key: Uint8Array;
  readonly printer: Fingerprinter;
  /** How long a value is looked for that its secret has no more: its target may still take it. */
  readonly retainMs: number;
  now(): number;
  /** Of all of the tenant's secrets, or of one. */
  live(name?: string): AsyncIterable<LiveValue>;
}

/** After this many values other work has its turn. */
const AT_ONCE = 20;

/** The fingerprints of one tenant, brought up to date secret by secret. Keeps no value. */
export class TenantFingerprints {
  readonly #options: TenantFingerprintsOptions;
  #known = new Map<string, Map<string, KnownValue>>();
  #found: FoundFingerprints | undefined;
  #version = 0;

  constructor(options: TenantFingerprintsOptions) {
    this.#options = options;
  }

  /** Everything anew: what is not there any more is looked for a while longer. */
  async readAll(): Promise<void> {
    const seen = await this.#read();
    for (const name of [...this.#known.keys()]) if (!seen.has(name)) this.#retire(name, new Map());
    for (const [name, values] of seen) this.#retire(name, values);
    this.#found = undefined;
  }

  async readOne(name: string): Promise<void> {
    const seen = await this.#read(name);
    this.#retire(name, seen.get(name) ?? new Map());
    this.#found = undefined;
  }

  get current(): FoundFingerprints {
    if (this.#found === undefined) {
      const { printer, crypto } = this.#options;
      const windows = [...this.#known.values()].flatMap((values) =>
        [...values.values()].map((value) => value.windows),
      );
      const fingerprints = printer.together(windows);
      this.#version += 1;
      // Names nothing of what is in it: it is shown to whoever asks whether theirs is still right.
      const etag = hex(crypto.sha256(concatBytes(this.#options.key, utf8(`etag ${this.#version}`)))).slice(
        0,
        32,
      );
      this.#found = { etag, fingerprints, scanner: new Scanner(crypto, fingerprints) };
    }
    return this.#found;
  }

  /** Whether this very value was read; fingerprints alone would also find one of which they know a piece. */
  has(name: string, value: string): boolean {
    const text = this.#digestOf([name, value]);
    return [...(this.#known.get(name)?.values() ?? [])].some(({ texts }) => texts.has(text));
  }

  /** About; two words for each window are kept beside what finds it. */
  get bytes(): number {
    let windows = 0;
    for (const values of this.#known.values())
      for (const { windows: each } of values.values())
        windows += each.tags.byteLength + each.hashes.byteLength;
    return windows * 3;
  }

  async #read(only?: string): Promise<Map<string, Map<string, KnownValue>>> {
    const seen = new Map<string, Map<string, KnownValue>>();
    let count = 0;
    for await (const { name, fields } of this.#options.live(only)) {
      const id = this.#digestOf([name, Object.entries(fields).sort()]);
      const { windows, texts } = this.#known.get(name)?.get(id) ?? this.#digested(name, fields);
      seen.set(name, (seen.get(name) ?? new Map()).set(id, { windows, texts, until: null }));
      count += 1;
      if (count % AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    return seen;
  }

  #retire(name: string, current: Map<string, KnownValue>): void {
    const { now, retainMs } = this.#options;
    const time = now();
    const kept = new Map(current);
    for (const [id, value] of this.#known.get(name) ?? []) {
      const until = value.until ?? time + retainMs;
      if (!kept.has(id) && until > time) kept.set(id, { ...value, until });
    }
    if (kept.size === 0) this.#known.delete(name);
    else this.#known.set(name, kept);
  }

  #digested(name: string, fields: LiveValue['fields']): Pick<KnownValue, 'windows' | 'texts'> {
    return {
      windows: this.#options.printer.windowsOf(name, searchedValues(fields)),
      texts: new Set(Object.values(fields).map((value) => this.#digestOf([name, value]))),
    };
  }

  #digestOf(what: readonly unknown[]): string {
    const { crypto, key } = this.#options;
    return hex(crypto.sha256(concatBytes(key, utf8(JSON.stringify(what)))));
  }
}
