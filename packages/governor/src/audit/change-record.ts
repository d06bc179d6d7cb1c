import {
  asDigest,
  type Crypto,
  type Digest,
  isJsonObject,
  type JsonObject,
  parseJsonBytes,
} from '@provability-fabric/kernel';
import {
  type GovernedChangeDetails,
  type GovernedChangeKind,
  inputRoot,
  parseGovernedChangeDetails,
  parseInputRecord,
} from '@provability-fabric/statements';
import { GovernorError } from '../errors.ts';
import type { PolicyIdentity } from '../policy/plan.ts';
import type { ChangeRecord, RecordedChange } from '../service/ports.ts';
import { auditRecord, genesisRoot, type OpenedChange, openChange } from './audit-record.ts';
import type { RecordedFile } from './change-event.ts';
import type { ChangeSource, SourcedChange } from './change-source.ts';

export interface ChangeRecordOptions {
  readonly source: ChangeSource;
  readonly crypto: Crypto;
}

/** A step that was begun, and whose end is nowhere on record. */
export interface UnfinishedChange {
  readonly id: string;
  readonly kind: 'change-started' | 'rollback-started';
  readonly index: number;
  readonly manifest: Digest | null;
  readonly reverts: Digest | null;
}

export interface FoldedRecord extends ChangeRecord {
  /** How many records are known. */
  readonly count: number;
  /** Every manifest that was applied, in order, with its idempotency key; null where that was erased. */
  applied(): Iterable<{ readonly manifest: Digest; readonly idempotencyKey: string | null }>;
  /** In order. */
  unfinished(): readonly UnfinishedChange[];
}

/** What is kept of a change that was applied; its files are read again when they are asked for. */
interface Kept extends Omit<RecordedChange, 'files'> {
  readonly idempotencyKey: string | null;
}

/**
 * What every governor of the tree has put on record, folded into what the next decision needs. Memory grows by a few hundred
 * bytes with each change that was applied, and with nothing else.
 */
export function openChangeRecord({ source, crypto }: ChangeRecordOptions): FoldedRecord {
  const policies: PolicyIdentity[] = [];
  const byIndex = new Map<number, Kept>();
  const byManifest = new Map<Digest, number>();
  const started = new Map<string, UnfinishedChange>();
  let next = 0;
  let lastApplied = -1;
  let root: string = genesisRoot(crypto);
  let folding: Promise<void> = Promise.resolve();

  function take(change: SourcedChange): void {
    const { index, envelope } = change;
    if (index !== next) throw damaged(`record ${next}`);
    const opened = openChange(crypto, envelope);
    const { statement } = opened;
    const { change_id: id, kind, manifest, reverts, policy, commit } = statement;
    root = auditRecord(crypto, envelope, opened, { index, root }).merkle_root;
    next += 1;
    if (kind === 'policy-adopted' && policy !== null) policies.push(policy);
    if (kind === 'change-started' || kind === 'rollback-started')
      started.set(id, { id, kind, index, manifest, reverts });
    else if (ENDS.has(kind)) started.delete(id);
    if ((kind !== 'change-applied' && kind !== 'rollback-applied') || manifest === null) return;
    const idempotencyKey = detailsOf(crypto, opened, change)?.idempotency_key ?? null;
    byIndex.set(index, { index, kind, manifest, reverts, merkle_root: root, commit, idempotencyKey });
    byManifest.set(manifest, index);
    lastApplied = index;
  }

  async function fold(): Promise<void> {
    for await (const change of source.from(next)) take(change);
  }

  async function* applied(from: number, to: number): AsyncGenerator<RecordedChange> {
    for await (const change of source.from(from)) {
      if (change.index >= to) return;
      const kept = byIndex.get(change.index);
      if (kept === undefined) continue;
      const details = detailsOf(crypto, openChange(crypto, change.envelope), change);
      if (details === null)
        throw new GovernorError(
          'ROLLBACK_IMPOSSIBLE',
          `expected record ${change.index} to say which files it changed, but its details were erased`,
        );
      const { idempotencyKey: _, ...rest } = kept;
      yield { ...rest, files: details.files.map(fileOf) };
    }
  }

  return {
    get count() {
      return next;
    },
    catchUp() {
      folding = folding.catch(() => undefined).then(fold);
      return folding;
    },
    policies: () => policies,
    applied: () => byIndex.values(),
    unfinished: () => [...started.values()],
    async find(wanted) {
      const index = typeof wanted === 'number' ? wanted : byManifest.get(wanted);
      if (index === undefined || !byIndex.has(index)) return undefined;
      for await (const change of applied(index, index + 1)) return change;
      throw damaged(`record ${index}`);
    },
    async wasBegun(id, manifest) {
      for await (const { envelope } of source.from(0)) {
        const { statement } = openChange(crypto, envelope);
        const isBeginning = statement.kind === 'change-started' || statement.kind === 'rollback-started';
        if (isBeginning && statement.change_id === id && statement.manifest === manifest) return true;
      }
      return false;
    },
    async after(index) {
      const found: RecordedChange[] = [];
      if (lastApplied <= index) return found;
      for await (const change of applied(index + 1, next)) found.push(change);
      return found;
    },
  };
}

const ENDS: ReadonlySet<GovernedChangeKind> = new Set([
  'change-applied',
  'change-failed',
  'change-refused',
  'rollback-applied',
  'rollback-failed',
  'rollback-refused',
]);

/** null where they were erased. Throws CHANGE_AUDIT_DAMAGED for a record that is not the one that was signed with it. */
function detailsOf(
  crypto: Crypto,
  { statement }: OpenedChange,
  { index, record: bytes }: SourcedChange,
): GovernedChangeDetails | null {
  if (bytes === null) return null;
  const record = parseInputRecord(parseJsonBytes(bytes));
  if (inputRoot(crypto, record) !== statement.details_root) throw damaged(`the details of record ${index}`);
  const details = parseGovernedChangeDetails(record);
  if (details.change_id !== statement.change_id) throw damaged(`the details of record ${index}`);
  return details;
}

function fileOf({ path, before, after }: JsonObject): RecordedFile {
  return { path: String(path), before: sideOf(before), after: sideOf(after) };
}

function sideOf(side: unknown): RecordedFile['before'] {
  if (side === null || !isJsonObject(side as JsonObject)) return null;
  const { digest, mode } = side as JsonObject;
  return { digest: asDigest(String(digest)), mode: String(mode) };
}

function damaged(what: string): GovernorError {
  return new GovernorError(
    'CHANGE_AUDIT_DAMAGED',
    `expected ${what} as it was put on record, came something else; run \`pfctl ledger verify\``,
  );
}
