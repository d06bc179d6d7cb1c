// Test code only: a database that several processes share, and what each of them has of its own.
import { join } from 'node:path';
import { type BundleArchive, nodeCrypto, openBundleArchive, openKeyRing } from '@provability-fabric/evidence';
import { digestJson, type JsonObject, type JsonValue } from '@provability-fabric/kernel';
import { type CompiledBundle, type LoadedBundle, loadBundle } from '@provability-fabric/policy';
import {
  type Database,
  type EmbeddedPostgres,
  type OwnedDatabase,
  openDatabase,
  openPublishedBundles,
  type PublishedBundles,
  startEmbeddedPostgres,
} from '@provability-fabric/storage';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { ROOT } from '../end-to-end/built-programs.fixture.ts';
import { temporaryFolder } from '../end-to-end/pf-process.fixture.ts';
import { loadBundleFrom } from '../load-bundle.ts';
import { type BundleFollower, followBundle } from './follow-bundle.ts';

export const crypto = nodeCrypto();
export const PLATFORM = { tenant: null };
const ORIGIN = 'test.example/desk';

export type LogLine = Readonly<Record<string, unknown>>;

/** What decides, as far as bundles are concerned, with a disk of its own. */
export class Place {
  readonly log: LogLine[] = [];
  readonly archive: BundleArchive;
  /** What adopting throws, as a database that is gone makes it. */
  fails: Error | undefined;
  kept = false;
  #inForce: LoadedBundle;

  private constructor(archive: BundleArchive, inForce: LoadedBundle) {
    this.archive = archive;
    this.#inForce = inForce;
  }

  static async under(bundle: CompiledBundle): Promise<Place> {
    const archive = await openBundleArchive({ directory: join(temporaryFolder(), 'bundles'), crypto });
    await archive.activate(bundle as unknown as JsonObject);
    return new Place(archive, loadBundle(bundle, crypto));
  }

  get folder() {
    return { bundles: this.archive, crypto };
  }

  get logger() {
    const say = (line: LogLine) => void this.log.push(line);
    return { warn: say, error: say } as never;
  }

  get version(): number {
    return this.#inForce.ir.version;
  }

  readonly sidecar = {
    inForce: () => this.#inForce,
    adopt: async (bundle: CompiledBundle) => {
      if (this.fails !== undefined) throw this.fails;
      this.#inForce = loadBundle(bundle, crypto);
    },
  };

  follow(published: PublishedBundles): BundleFollower {
    const setBundleKept = (kept: boolean) => {
      this.kept = kept;
    };
    const { folder, sidecar, logger: log } = this;
    const metrics = { setBundleKept };
    return followBundle({ published, folder, sidecar, log, metrics, now: Date.now });
  }

  events(): readonly unknown[] {
    return this.log.map(({ event }) => event);
  }
}

export interface SharedDatabase {
  /** The quickstart under a name that no other test has. */
  bundle(version?: number): CompiledBundle;
  published(database?: Database): PublishedBundles;
  readonly database: OwnedDatabase;
  /** Closed after the test. */
  closing<T extends { close(): Promise<void> }>(opened: T): T;
  /** As whoever has the rights of the schema's owner, past row-level security. */
  tamper(text: string, values: readonly unknown[]): Promise<void>;
}

let names = 0;

/** For the tests of the file that calls this; there once they run. */
export function useSharedDatabase(): { readonly current: SharedDatabase } {
  let current: SharedDatabase | undefined;
  let postgres: EmbeddedPostgres;
  let name = '';
  const opened: { close(): Promise<void> }[] = [];
  beforeAll(async () => {
    const quickstart = await loadBundleFrom(join(ROOT, 'bundles/quickstart'));
    postgres = await startEmbeddedPostgres({
      directory: join(temporaryFolder(), 'pg'),
      emit: () => undefined,
    });
    const database = await openDatabase({ url: postgres.url });
    const keys = await openKeyRing(join(temporaryFolder(), 'keys'), { origin: ORIGIN, create: true });
    current = {
      database,
      bundle: (version = 1) => ({ ...quickstart, name, version }),
      published: (of = database) =>
        openPublishedBundles({
          database: of,
          crypto,
          signer: keys.ledgerSigner(),
          verifiers: keys.ledgerVerifiers(),
          origin: `${ORIGIN}/ledger`,
        }),
      closing(one) {
        opened.push(one);
        return one;
      },
      tamper: (text, values) =>
        database.asOwner(async (tx) => {
          await tx.query('alter table pf.bundles no force row level security');
          await tx.query(text, values);
          await tx.query('alter table pf.bundles force row level security');
        }),
    };
    nextName();
  });
  const nextName = () => {
    names += 1;
    name = `desk-${names}`;
  };
  afterEach(async () => {
    for (const one of opened.splice(0)) await one.close();
    nextName();
  });
  afterAll(async () => {
    await current?.database.close();
    await postgres.stop();
  });
  return {
    get current() {
      if (current === undefined) throw new Error('expected to be asked by a test');
      return current;
    },
  };
}

/** The same version, but for what it says. */
export function otherContent(bundle: CompiledBundle): CompiledBundle {
  return { ...bundle, constants: { ...bundle.constants, more: ['other'] } };
}

export function json(bundle: CompiledBundle): JsonObject {
  return bundle as unknown as JsonObject;
}

export function digestIn(bundle: CompiledBundle): string {
  return digestJson(crypto, bundle as unknown as JsonValue);
}
