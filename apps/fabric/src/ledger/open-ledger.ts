import type { LedgerWriter } from '@provability-fabric/evidence';
import {
  type Authority,
  type Leases,
  type LedgerReader,
  type LedgerSessionArchive,
  type OwnedDatabase,
  openAuthority,
  openLeases,
  openLedgerReader,
  openLedgerWriter,
  openPublishedBundles,
  openSessionArchive,
  type PublishedBundles,
} from '@provability-fabric/storage';
import type { Logger } from 'pino';
import type { DataFolder } from '../data-folder.ts';
import { type DatabaseUsage, databaseUsage } from '../usage/database-usage.ts';
import { connectDatabase, type DatabaseSource, type Patience } from './connect-database.ts';

/** Sharing sessions with other fabrics on the same database. */
export interface Sharing {
  /** Where the others reach this fabric. */
  readonly address: string;
  readonly leaseMs: number;
}

export interface LedgerOptions extends Patience {
  readonly source: DatabaseSource;
  readonly folder: DataFolder;
  readonly origin: string;
  /** The least epoch in force for every tenant. */
  readonly epoch: number;
  /** null: this fabric decides for all of its sessions itself. */
  readonly sharing: Sharing | null;
  readonly log: Logger;
}

/** The ledger and what else is kept beside it in the database. */
export interface Ledger {
  readonly writer: LedgerWriter;
  readonly reader: LedgerReader;
  readonly authority: Authority;
  readonly archive: LedgerSessionArchive;
  /** Where other processes may publish bundles and follow them; undefined for a database that this process starts. */
  readonly bundles: PublishedBundles | undefined;
  /** Where all fabrics on it count what sessions share; undefined for a database that this process starts. */
  readonly usage: DatabaseUsage | undefined;
  /** Connections of its own to the same database; whoever opens them closes them. */
  openDatabase(connections: number): Promise<OwnedDatabase>;
  /** The right to decide sessions that other fabrics may want; undefined where this fabric shares none. */
  openLeases(owner: string, assurance: 'standard' | 'high'): Promise<Leases | undefined>;
  health(): readonly string[];
  close(): Promise<void>;
}

/** Throws LedgerError by name where the database is unfit, or did not answer in time. */
export async function openLedger(options: LedgerOptions): Promise<Ledger> {
  const { source, folder, origin, epoch, sharing, log } = options;
  const { crypto, keys, records, bundles } = folder;
  const connected = await connectDatabase(source, folder.path, options, log);
  const { database } = connected;
  try {
    const writer = await openLedgerWriter({
      database,
      crypto,
      signer: keys.ledgerSigner(),
      verifiers: keys.ledgerVerifiers(),
      origin: `${origin}/ledger`,
    });
    const published =
      source.kind === 'url'
        ? openPublishedBundles({
            database,
            crypto,
            signer: keys.ledgerSigner(),
            verifiers: keys.ledgerVerifiers(),
            origin: `${origin}/ledger`,
          })
        : undefined;
    const reader = openLedgerReader({
      database,
      crypto,
      opener: records,
      // Where nothing is decided the folder has none; other fabrics have published theirs.
      bundles: (digest) => bundles.read(digest).catch(() => published?.read(digest)),
    });
    const authority = await openAuthority({ database, floor: () => epoch });
    const usage = source.kind === 'url' ? databaseUsage(source.url) : undefined;
    /** Of its own: a lease that waits behind slow lists is a lease lost. */
    let leaseDatabase: OwnedDatabase | undefined;
    return {
      writer,
      reader,
      authority,
      bundles: published,
      usage,
      archive: openSessionArchive({
        database,
        crypto,
        origin: `${origin}/ledger`,
        verifiers: keys.ledgerVerifiers(),
        opener: records,
      }),
      openDatabase: (connections) => connected.open(connections),
      async openLeases(owner, assurance) {
        if (sharing === null || source.kind !== 'url') return undefined;
        leaseDatabase = await connected.open(2);
        const { address, leaseMs } = sharing;
        return openLeases({ database: leaseDatabase, owner, address, ttlMs: leaseMs, assurance });
      },
      health: () => [...connected.health(), ...authority.health(), ...(usage?.health() ?? [])],
      async close() {
        await leaseDatabase?.close();
        await usage?.close();
        await authority.close();
        await writer.close();
        await connected.close();
      },
    };
  } catch (error) {
    await connected.close();
    throw error;
  }
}
