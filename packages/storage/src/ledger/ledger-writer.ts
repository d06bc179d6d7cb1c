import {
  edgeOf,
  type LedgerAppended,
  type LedgerBatch,
  type LedgerTree,
  openLedgerTree,
  readCheckpoint,
  signCheckpoint,
  type TreeTile,
} from '@provability-fabric/evidence';
import {
  type Crypto,
  emptyRoot,
  equalBytes,
  type NoteSigner,
  type NoteVerifier,
} from '@provability-fabric/kernel';
import type { Database, Transaction } from '../database/database.ts';
import { LedgerError } from '../errors.ts';
import { type LedgerHoldings, planAppend, type StoredSession, sessionKey } from './append-plan.ts';
import { createAppendQueue } from './append-queue.ts';
import * as sql from './ledger-statements.ts';
import { isWriter, type PreparedBatch } from './prepared-entry.ts';

export interface LedgerWriterOptions {
  readonly database: Database;
  readonly crypto: Crypto;
  readonly signer: NoteSigner;
  /** Keys that checkpoints of this ledger may be signed with: this signer's, retired ones, those of other fabrics. */
  readonly verifiers: readonly NoteVerifier[];
  /** The ledger's name, first line of every checkpoint. */
  readonly origin: string;
  /** For one transaction; 30 s unless told. */
  readonly timeoutMs?: number;
}

/** Satisfies, by structure, the port LedgerWriter of the evidence package. */
export interface PostgresLedgerWriter {
  position(writer: string): Promise<number>;
  append(batch: LedgerBatch): Promise<LedgerAppended>;
  /** Settles what was accepted; refuses from here on. */
  close(): Promise<void>;
}

interface State {
  readonly size: number;
  readonly root: Uint8Array;
  readonly checkpoint: string;
}

interface StateRow extends State {
  readonly origin: string;
}

interface SessionRow extends StoredSession {
  readonly tenant: string;
  readonly session: string;
}

/** Makes the ledger where there is none. Throws LEDGER_CONFLICT where the database holds another log's. */
export async function openLedgerWriter(options: LedgerWriterOptions): Promise<PostgresLedgerWriter> {
  const { database, crypto, signer, verifiers, origin, timeoutMs = 30_000 } = options;
  /** What this process has seen, and told others: the log does not go back behind it. */
  let seen: State | undefined;

  const root = emptyRoot(crypto);
  const checkpoint = signCheckpoint(signer, { origin, size: 0, root });
  await inTransaction(async (tx) => {
    await tx.query(sql.CREATE_STATE, [origin, root, checkpoint]);
    await lockState(tx);
  });
  const queue = createAppendQueue(crypto, settle);

  function inTransaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return database.transaction('pf_writer', work, { timeoutMs });
  }

  async function settle(
    batches: readonly PreparedBatch[],
  ): Promise<readonly (LedgerAppended | LedgerError)[]> {
    const { state, outcomes } = await inTransaction(async (tx) => {
      const before = await lockState(tx);
      const plan = planAppend(batches, await readHoldings(tx, batches, before));
      for (const { prepared, writer, fence } of plan.superseded) {
        const { digest, tenant, session, seq, type, issuedAt, envelope, salt, sealedRecord } = prepared.entry;
        const place = [digest, tenant, session, seq, type, prepared.principal, issuedAt, writer, fence];
        await tx.query(sql.INSERT_SUPERSEDED, [...place, envelope, salt, sealedRecord]);
      }
      const after = await grow(tx, before, plan.added);
      if (plan.sessions.size > 0) await tx.query(sql.SAVE_SESSIONS, sql.sessionValues(plan.sessions));
      if (after !== before || plan.positions.size > 0) {
        const positions = [[...plan.positions.keys()], [...plan.positions.values()]];
        await tx.query(sql.SAVE_STATE, [after.size, after.root, after.checkpoint, ...positions]);
        await tx.query(sql.NOTIFY, [`${after.size}`]);
      }
      return { state: after, outcomes: plan.outcomes };
    });
    seen = state;
    return outcomes.map((outcome) =>
      outcome instanceof LedgerError
        ? outcome
        : { size: state.size, checkpoint: state.checkpoint, ...outcome },
    );
  }

  async function lockState(tx: Transaction): Promise<State> {
    const [stored] = await tx.query<StateRow>(sql.LOCK_STATE);
    if (stored === undefined) throw corrupt('its state is missing');
    if (stored.origin !== origin) {
      throw new LedgerError(
        'LEDGER_CONFLICT',
        `expected the ledger \`${origin}\` in this database, got \`${stored.origin}\`; give each its own database`,
      );
    }
    if (seen !== undefined && isBehind(stored, seen))
      throw corrupt('it went back behind a checkpoint that was shown');
    if (stored.checkpoint === seen?.checkpoint) return seen;
    const signed = readCheckpoint(crypto, stored.checkpoint, origin, verifiers);
    // Extending a tree that nobody signed would put this log's name under it.
    if (signed === undefined) throw corrupt('its checkpoint is signed by none of the known keys');
    if (signed.size !== stored.size || !equalBytes(signed.root, stored.root)) {
      throw corrupt('its size and root are not those of its checkpoint');
    }
    return stored;
  }

  async function grow(
    tx: Transaction,
    before: State,
    added: ReturnType<typeof planAppend>['added'],
  ): Promise<State> {
    if (added.length === 0) return before;
    const tree = await readTree(tx, before);
    for (const { prepared } of added) tree.append(prepared.leafData);
    await tx.query(sql.INSERT_STATEMENTS, sql.statementValues(before.size, added));
    await tx.query(sql.SAVE_TILES, sql.tileValues(tree.changedTiles()));
    const after = { size: tree.size, root: tree.root() };
    return { ...after, checkpoint: signCheckpoint(signer, { origin, ...after }) };
  }

  async function readTree(tx: Transaction, { size, root }: State): Promise<LedgerTree> {
    const wanted = edgeOf(size);
    const places = [wanted.map(({ level }) => level), wanted.map(({ tile }) => tile)];
    const edge = wanted.length === 0 ? [] : await tx.query<TreeTile>(sql.READ_EDGE, places);
    const tree = openLedgerTree(crypto, { size, root, edge });
    if (tree === undefined) throw corrupt('its last tiles do not lead to the root that was signed');
    return tree;
  }

  return {
    async position(writer) {
      if (!isWriter(writer)) return 0;
      const [row] = await inTransaction((tx) =>
        tx.query<{ position: number }>(sql.READ_POSITIONS, [[writer]]),
      );
      return row?.position ?? 0;
    },
    append: (batch) => queue.append(batch),
    close: () => queue.close(),
  };
}

function isBehind(stored: State, seen: State): boolean {
  return stored.size < seen.size || (stored.size === seen.size && !equalBytes(stored.root, seen.root));
}

async function readHoldings(
  tx: Transaction,
  batches: readonly PreparedBatch[],
  { size }: State,
): Promise<LedgerHoldings> {
  const entries = batches.flatMap((batch) => batch.entries.map(({ entry }) => entry));
  const digests = await tx.query<{ digest: string }>(sql.READ_DIGESTS, [
    entries.map(({ digest }) => `\\x${digest}`),
  ]);
  const positions = await tx.query<{ writer: string; position: number }>(sql.READ_POSITIONS, [
    batches.map(({ batch }) => batch.writer),
  ]);
  const keys = new Set<string>();
  for (const { tenant, session, seq } of entries) {
    if (session !== null && seq !== null) keys.add(sessionKey(tenant, session));
  }
  return {
    size,
    digests: new Set(digests.map(({ digest }) => digest)),
    sessions: await lockSessions(tx, keys),
    positions: new Map(positions.map(({ writer, position }) => [writer, position])),
  };
}

async function lockSessions(
  tx: Transaction,
  keys: ReadonlySet<string>,
): Promise<ReadonlyMap<string, StoredSession>> {
  const found = new Map<string, StoredSession>();
  const lock = async () => {
    for (const { tenant, session, seq, digest, fence, owner } of await tx.query<SessionRow>(
      sql.LOCK_SESSIONS,
      sql.namesOf(keys),
    )) {
      found.set(sessionKey(tenant, session), { seq, digest, fence, owner });
    }
  };
  if (keys.size > 0) await lock();
  const missing = [...keys].filter((key) => !found.has(key));
  if (missing.length > 0) {
    await tx.query(sql.CREATE_SESSIONS, sql.namesOf(missing));
    await lock();
  }
  return found;
}

function corrupt(problem: string): LedgerError {
  return new LedgerError(
    'LEDGER_CORRUPT',
    `the ledger in the database is not what was signed: ${problem}; restore the database, and start the fabrics anew`,
  );
}
