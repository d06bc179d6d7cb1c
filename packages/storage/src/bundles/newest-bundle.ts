import {
  type Crypto,
  type Digest,
  digestOf,
  isJsonObject,
  JsonError,
  type JsonObject,
  requireCanonical,
} from '@provability-fabric/kernel';
import type { Transaction } from '../database/database.ts';
import { type BundleKeys, isSigned } from './bundle-note.ts';

export interface SignedBundle {
  readonly name: string;
  readonly version: number;
  readonly digest: Digest;
  /** The compiled bundle of this very digest; null where the row holds something else. */
  readonly content: JsonObject | null;
  readonly publishedBy: string;
}

/** The top of a name's versions. */
export interface NewestBundle {
  /** The highest version that a key of this ledger signed; null where there is none. */
  readonly signed: SignedBundle | null;
  /** Versions above it that no key of this ledger signed: somebody else wrote to the database. */
  readonly unsigned: readonly number[];
}

/** Whoever floods the table with rows of their own hides what is below so many: nothing is adopted then. */
const MOST_ROWS = 64;

interface IdentityRow {
  readonly version: number;
  readonly digest: Digest;
  readonly note: string;
}

export async function readNewest(tx: Transaction, keys: BundleKeys, name: string): Promise<NewestBundle> {
  const rows = await tx.query<IdentityRow>(
    `select version, digest, note from pf.bundles where name = $1 order by version desc limit ${MOST_ROWS}`,
    [name],
  );
  const unsigned: number[] = [];
  for (const { version, digest, note } of rows) {
    if (!isSigned(keys, { name, version, digest }, note)) {
      unsigned.push(version);
      continue;
    }
    const [row] = await tx.query<{ content: Uint8Array; by: string }>(
      'select content, published_by as by from pf.bundles where name = $1 and version = $2',
      [name, version],
    );
    const content = row === undefined ? null : contentOf(keys.crypto, digest, row.content);
    return { signed: { name, version, digest, content, publishedBy: row?.by ?? '' }, unsigned };
  }
  return { signed: null, unsigned };
}

/** Of a digest that somebody trusts already; undefined where there is none, or it is not what it says. */
export async function readContent(
  tx: Transaction,
  crypto: Crypto,
  digest: Digest,
): Promise<JsonObject | undefined> {
  const rows = await tx.query<{ content: Uint8Array }>(
    'select content from pf.bundles where digest = $1 limit 4',
    [digest],
  );
  for (const row of rows) {
    const content = contentOf(crypto, digest, row.content);
    if (content !== null) return content;
  }
  return undefined;
}

function contentOf(crypto: Crypto, digest: Digest, bytes: Uint8Array): JsonObject | null {
  if (digestOf(crypto, bytes) !== digest) return null;
  try {
    const content = requireCanonical(bytes);
    return isJsonObject(content) ? content : null;
  } catch (error) {
    if (error instanceof JsonError) return null;
    throw error;
  }
}
