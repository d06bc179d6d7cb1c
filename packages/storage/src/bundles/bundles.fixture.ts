import { createPrivateKey, createPublicKey, sign as signWith } from 'node:crypto';
import { type JsonObject, type NoteSigner, noteVerifier } from '@provability-fabric/kernel';
import { afterAll, afterEach, beforeAll } from 'vitest';
import type { OwnedDatabase } from '../database/database.ts';
import { crypto, ORIGIN, startTestServer, type TestServer } from '../reader/ledger-database.fixture.ts';
import type { BundleKeys } from './bundle-note.ts';
import type { NewestBundle } from './newest-bundle.ts';
import { type FollowedBundle, openPublishedBundles, type PublishedBundles } from './published-bundles.ts';

/** Keys as a fabric has them, of a ledger key made from a seed. */
function keysOf(seed: number, origin = ORIGIN): BundleKeys {
  const key = createPrivateKey({
    key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, seed)]),
    format: 'der',
    type: 'pkcs8',
  });
  const publicKey = new Uint8Array(
    createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32),
  );
  const verifier = noteVerifier(crypto, origin, publicKey);
  const signer: NoteSigner = { ...verifier, sign: (message) => new Uint8Array(signWith(null, message, key)) };
  return { crypto, signer, verifiers: [verifier], origin };
}

export const OURS = keysOf(9);
export const STRANGERS = keysOf(66);
export const PLATFORM = { tenant: null };
export const byOperator = { by: 'operator-1', at: 1_767_225_600_000, mayBeFirst: true };

export interface Following {
  readonly heard: NewestBundle[];
  readonly followed: FollowedBundle;
}

export interface BundlePlaces {
  readonly server: TestServer;
  /** The same database as another fabric has it. */
  readonly other: OwnedDatabase;
  readonly bundles: PublishedBundles;
  open(
    database?: Pick<OwnedDatabase, 'transaction' | 'listen' | 'health' | 'inUse' | 'close'>,
  ): PublishedBundles;
  /** Followed until the end of the test. */
  follow(name: string, bundles: PublishedBundles): Following;
  /** As whoever has the rights of the schema's owner, past row-level security. */
  tamper(text: string, values: readonly unknown[]): Promise<void>;
}

/** For the tests of the file that calls this; there once they run. */
export function useBundles(): { readonly current: BundlePlaces } {
  let current: BundlePlaces | undefined;
  const following: FollowedBundle[] = [];
  beforeAll(async () => {
    const server = await startTestServer();
    const open: BundlePlaces['open'] = (database = server.database) =>
      openPublishedBundles({ database, ...OURS });
    current = {
      server,
      other: await server.connect(),
      bundles: open(),
      open,
      follow(name, bundles) {
        const heard: NewestBundle[] = [];
        const followed = bundles.follow(name, async (newest) => void heard.push(newest));
        following.push(followed);
        return { heard, followed };
      },
      tamper: (text, values) =>
        server.database.asOwner(async (tx) => {
          await tx.query('alter table pf.bundles no force row level security');
          await tx.query(text, values);
          await tx.query('alter table pf.bundles force row level security');
        }),
    };
  });
  afterEach(async () => {
    for (const followed of following.splice(0)) await followed.close();
  });
  afterAll(() => current?.server.stop());
  return {
    get current() {
      if (current === undefined) throw new Error('expected to be asked by a test');
      return current;
    },
  };
}

let names = 0;

/** A name that no other test has. */
export function newBundleName(): string {
  names += 1;
  return `bundle-${names}`;
}

/** Storage reads no more of a bundle than this. */
export function bundle(name: string, version: number, more: JsonObject = {}): JsonObject {
  return { name, version, tenants: ['acme'], ...more };
}
