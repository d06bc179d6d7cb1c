import { CommandError } from '@provability-fabric/command-line';
import { nodeCrypto, readCheckpoint } from '@provability-fabric/evidence';
import {
  type Checkpoint,
  type Crypto,
  concatBytes,
  equalBytes,
  hex,
  TILE_WIDTH,
} from '@provability-fabric/kernel';
import {
  type Database,
  type LedgerState,
  readLedgerState,
  readNewestHeads,
  readStoredSessions,
  readStoredStatements,
  readStoredTiles,
  type StoredStatement,
} from '@provability-fabric/storage';
import { checkStatement } from './check-statement.ts';
import { type Finding, Findings } from './findings.ts';
import { HeadChecks } from './head-checks.ts';
import type { LedgerKeys } from './ledger-keys.ts';
import { LEAF_DATA_LEVEL, LogTree } from './log-tree.ts';
import { SessionChains } from './session-chains.ts';

/** What one query answers is held in memory as a whole. */
const BATCH = { rows: 8 * TILE_WIDTH, bytes: 16 * 1024 * 1024 };

export interface VerifyOptions {
  readonly database: Database;
  readonly keys: LedgerKeys;
  /** A checkpoint that was kept: the log must only have grown since. */
  readonly since?: string;
  readonly heads: boolean;
  readonly progress: (total: number) => { at(entries: number): void; done(): void };
}

export interface LedgerVerification {
  readonly origin: string;
  readonly size: number;
  /** In hex. */
  readonly root: string;
  readonly statements: number;
  /** Whose leaf in the log is all that there is. */
  readonly erased: number;
  readonly sessions: number;
  /** Put aside, and under no checkpoint. */
  readonly superseded: number;
  /** How many heads hold; null where they were not asked for. */
  readonly heads: number | null;
  readonly findings: readonly Finding[];
  /** With those that are too many to be listed. */
  readonly findingCount: number;
  /** What could be told neither right nor wrong, and how often. */
  readonly unchecked: readonly { readonly what: string; readonly count: number }[];
}

/** Everything under the newest checkpoint; what is appended meanwhile is left for the next time. */
export async function verifyLedger(options: VerifyOptions): Promise<LedgerVerification> {
  const { database, keys } = options;
  const crypto = nodeCrypto();
  const state = await readLedgerState(database);
  if (state === undefined)
    throw new CommandError('CANNOT_CHECK', 'expected a ledger in this database, came none; start the fabric');
  const kept = options.since === undefined ? undefined : openKept(crypto, options.since, keys);
  const findings = new Findings();
  const { size, root } = checkState(crypto, state, keys, findings);
  if (kept !== undefined && kept.size > size)
    findings.add('SINCE', 'checkpoint', `it had ${kept.size} entries, and now has ${size}`);
  const heads = options.heads
    ? new HeadChecks({
        crypto,
        findings,
        keys: keys.evidenceKeys,
        newest: await readNewestHeads(database, size),
        superseded: state.superseded,
      })
    : undefined;
  const walk = new Walk(crypto, findings, heads);
  const progress = options.progress(size);
  try {
    for (let next = 0; next < size; progress.at(next)) next = await walk.step(database, next, size, kept);
  } finally {
    progress.done();
  }
  await walk.finish(database, size, root);
  checkWriters(state, walk.byWriter, findings);
  heads?.requireFrom(walk.byWriter.keys());
  return {
    origin: state.origin,
    size,
    root: hex(root),
    statements: walk.statements,
    erased: walk.erased,
    sessions: walk.chains.count,
    superseded: Object.values(state.superseded).reduce((sum, count) => sum + count, 0),
    heads: heads?.checked ?? null,
    findings: findings.kept,
    findingCount: findings.count,
    unchecked: [...(heads?.unchecked ?? [])].map(([what, count]) => ({ what: `heads: ${what}`, count })),
  };
}

function openKept(crypto: Crypto, note: string, { origin, verifiers }: LedgerKeys): Checkpoint {
  const kept = readCheckpoint(crypto, note, origin, verifiers);
  if (kept !== undefined) return kept;
  const message = `expected a checkpoint of ${origin} with --since, signed by one of its keys; came something else`;
  throw new CommandError('INPUT_INVALID', message);
}

/** What the entries have to lead to. */
function checkState(
  crypto: Crypto,
  state: LedgerState,
  keys: LedgerKeys,
  findings: Findings,
): { readonly size: number; readonly root: Uint8Array } {
  const { size, root, lowest, highest } = state;
  const there = (highest ?? -1) + 1;
  const signed = readCheckpoint(crypto, state.checkpoint, keys.origin, keys.verifiers);
  if (signed === undefined) {
    findings.add('CHECKPOINT', 'checkpoint', `it is none of ${keys.origin} that one of the keys signed`);
    // Unsigned, a size is anybody's word: no more is read than is there.
    return { size: Math.min(size, there), root };
  }
  if (state.origin !== keys.origin)
    findings.add(
      'CHECKPOINT',
      'checkpoint',
      `the ledger calls itself ${state.origin}, its checkpoint ${keys.origin}`,
    );
  if (signed.size !== size || !equalBytes(signed.root, root))
    findings.add('CHECKPOINT', 'checkpoint', 'the size and root beside it are not those that it signs');
  if (there > signed.size || (lowest ?? 0) < 0)
    findings.add(
      'STATEMENT',
      'entries',
      `there are statements outside of the ${signed.size} that are signed for`,
    );
  return signed;
}

/** A writer's position says how many of its entries the ledger has taken in. */
function checkWriters(state: LedgerState, counts: ReadonlyMap<string, number>, findings: Findings): void {
  for (const { writer, position } of state.writers) {
    const found = (counts.get(writer) ?? 0) + (state.superseded[writer] ?? 0);
    if (found < position) {
      const message = `the ledger says that it has ${position} of its statements, and has ${found}`;
      findings.add('WRITER', `writer ${writer}`, message);
    }
  }
}

/** Through all entries in log order. */
class Walk {
  readonly #crypto: Crypto;
  readonly #findings: Findings;
  readonly #heads: HeadChecks | undefined;
  readonly #tree: LogTree;
  #missing: { readonly from: number; readonly to: number } | undefined;
  readonly chains: SessionChains;
  /** Statements of sessions. */
  readonly byWriter = new Map<string, number>();
  statements = 0;
  erased = 0;

  constructor(crypto: Crypto, findings: Findings, heads: HeadChecks | undefined) {
    this.#crypto = crypto;
    this.#findings = findings;
    this.#heads = heads;
    this.#tree = new LogTree(crypto, findings);
    this.chains = new SessionChains(findings);
  }

  /** Answers which entry comes next. */
  async step(database: Database, next: number, size: number, kept: Checkpoint | undefined): Promise<number> {
    const below = Math.min(size, next + BATCH.rows);
    const rows = await readStoredStatements(database, next, below, BATCH);
    const end = (rows.at(-1)?.index ?? below - 1) + 1;
    const first = Math.floor(next / TILE_WIDTH);
    const tiles = Array.from({ length: Math.floor((end - 1) / TILE_WIDTH) - first + 1 }, (_, i) => first + i);
    this.#tree.use(
      await readStoredTiles(
        database,
        [LEAF_DATA_LEVEL, 0].flatMap((level) => tiles.map((tile) => ({ level, tile }))),
      ),
    );
    const byIndex = new Map(rows.map((row) => [row.index, row]));
    for (let index = next; index < end; index++) {
      if (index === kept?.size) this.#compareKept(kept);
      this.#entry(index, byIndex.get(index));
    }
    if (end === kept?.size && end === size) this.#compareKept(kept);
    await this.#compareTiles(database, false);
    return end;
  }

  async finish(database: Database, size: number, root: Uint8Array): Promise<void> {
    this.#sayMissing();
    await this.#compareTiles(database, true);
    if (this.#tree.unknownFrom !== undefined) {
      const message = `neither statement nor tile is left of entry ${this.#tree.unknownFrom}: there is no root to compare`;
      this.#findings.add('ROOT', 'checkpoint', message);
    } else if (!equalBytes(this.#tree.root(), root)) {
      const got = hex(this.#tree.root());
      this.#findings.add('ROOT', 'checkpoint', `expected the root ${hex(root)}, the entries lead to ${got}`);
    }
    await this.chains.compare(readStoredSessions(database), size);
  }

  #entry(index: number, row: StoredStatement | undefined): void {
    const { envelope = null, salt = null } = row ?? {};
    const whole = envelope !== null && salt !== null;
    const leaf = whole ? this.#crypto.sha256(concatBytes(salt, envelope)) : undefined;
    const right = this.#tree.append(index, leaf);
    if (row === undefined) {
      this.#missing = { from: this.#missing?.from ?? index, to: index };
      return;
    }
    this.#sayMissing();
    this.statements++;
    const where = `entry ${index} (${row.tenant}${row.session === null ? '' : `/${row.session} seq ${row.seq}`})`;
    if (!right) this.#findings.add('STATEMENT', where, 'it is not the statement that was logged there');
    let previous: Parameters<SessionChains['follow']>[1];
    if (!whole) this.erased++;
    else {
      const checked = checkStatement(this.#crypto, row, envelope);
      if (!checked.ok) this.#findings.add('STATEMENT', where, checked.problem);
      else {
        previous = checked.previous;
        if (row.type === 'head') this.#heads?.check(row, envelope);
      }
    }
    const end = this.chains.follow(row, previous);
    if (end === undefined) return;
    this.byWriter.set(row.writer, (this.byWriter.get(row.writer) ?? 0) + 1);
    this.#heads?.count(row.writer, end);
  }

  #sayMissing(): void {
    if (this.#missing === undefined) return;
    const { from, to } = this.#missing;
    this.#missing = undefined;
    const where = from === to ? `entry ${from}` : `entries ${from} to ${to}`;
    this.#findings.add('STATEMENT', where, from === to ? 'it is missing' : 'they are missing');
  }

  #compareKept({ size, root }: Checkpoint): void {
    if (this.#tree.unknownFrom === undefined && equalBytes(this.#tree.root(), root)) return;
    const message = `its first ${size} entries are not those of the checkpoint given with --since`;
    this.#findings.add('SINCE', 'checkpoint', message);
  }

  async #compareTiles(database: Database, end: boolean): Promise<void> {
    const due = this.#tree.takeDue(end);
    if (due.length > 0) this.#tree.compare(due, await readStoredTiles(database, due));
  }
}
