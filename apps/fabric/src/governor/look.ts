import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  nodeCrypto,
  openKeyRing,
  openRecordSealer,
  readFileLog,
  readLogId,
} from '@provability-fabric/evidence';
import {
  type AuditRecord,
  type AuditVerification,
  type ChangeSource,
  createGate,
  createSandbox,
  type FoldedRecord,
  fileProposals,
  fileTreeLock,
  GovernorError,
  type GovernorOptions,
  journalChanges,
  type KillSwitch,
  lastRecords,
  openChangeRecord,
  openTree,
  requireApart,
  verifyAudit,
  watchKeyRing,
} from '@provability-fabric/governor';
import { openDatabase, openGovernorStore, openLedgerChanges } from '@provability-fabric/storage';
import { FabricError } from '../errors.ts';
import type { GovernorSettings } from './governor-settings.ts';
import { policyFiles } from './policy-files.ts';
import { TREE } from './tree-name.ts';

export interface LookPlace {
  readonly settings: GovernorSettings;
  readonly databaseUrl: string | undefined;
  /** The log's name, for a folder that no governor has used. */
  readonly origin: string;
  readonly dataDir: string;
  readonly keysDir: string;
  readonly projectRoot: string;
  readonly policyFile: string;
}

/** What can be seen of a data folder beside a running service: nothing is locked, written or made whole. */
export interface Look {
  readonly parts: GovernorOptions;
  readonly source: ChangeSource | undefined;
  readonly record: FoldedRecord;
  evidenceKeys(): ReadonlyMap<string, Uint8Array>;
  auditLast(count: number): Promise<readonly AuditRecord[]>;
  auditVerify(): Promise<AuditVerification>;
  close(): Promise<void>;
}

const PATIENCE_MS = 5_000;
const CONNECTIONS = 2;

export async function openLook(place: LookPlace, kill: KillSwitch): Promise<Look> {
  const { settings, dataDir, keysDir } = place;
  const { tenant } = settings;
  const crypto = nodeCrypto();
  const now = () => Date.now();
  const auditPath = join(dataDir, 'audit.log');
  if (!existsSync(dataDir))
    throw new FabricError(
      'OPTION_INVALID',
      `expected a data folder at \`${dataDir}\`, came nothing; \`safeai keys generate\` makes one, --data-dir or SAFEAI_DATA_DIR names another`,
    );
  await requireApart(place.projectRoot, [dataDir, keysDir]);
  const sourced = await openSource(place);
  const source: ChangeSource = sourced.source ?? NOTHING;
  const record = openChangeRecord({ source, crypto });
  const tree = await openTree(place.projectRoot, { crypto, now });
  const proposals =
    sourced.store?.proposals ??
    (await fileProposals(join(dataDir, 'proposals'), {
      crypto,
      now,
      lock: fileTreeLock(dataDir, { patienceMs: PATIENCE_MS }),
    }));
  const keys = sourced.keys;
  const refused = async () => {
    throw new GovernorError('TREE_BUSY', 'expected only to look; open the data folder to change something');
  };
  const parts: GovernorOptions = {
    crypto,
    gate: createGate({ crypto, ring: watchKeyRing(keysDir) }),
    tree,
    lock: { withLock: refused },
    claims: { take: refused, applied: refused, release: refused },
    policies: policyFiles({ file: place.policyFile, overrides: settings.policyOverrides, crypto }),
    sandbox: createSandbox({
      now: () => performance.now(),
      workspaces: tmpdir(),
      hidden: [dataDir, tree.root, keysDir],
    }),
    recorder: { record: refused, positionOf: refused },
    record,
    kill,
    proposals,
    workspaces: { make: refused },
    observer: SILENT,
    now,
    newId: () => '',
    position: async () => {
      const [last] = existsSync(auditPath) ? await lastRecords(crypto, auditPath, 1) : [];
      return last === undefined ? null : { index: last.index, merkle_root: last.merkle_root };
    },
  };
  return {
    parts,
    source: sourced.source,
    record,
    evidenceKeys: () => keys,
    auditLast: async (count) => (existsSync(auditPath) ? lastRecords(crypto, auditPath, count) : []),
    auditVerify: () =>
      verifyAudit({ path: auditPath, crypto, tenant, keys, source, pause: (ms) => sleep(ms) }),
    async close() {
      tree.close();
      await sourced.close();
    },
  };
}

const SILENT: GovernorOptions['observer'] = {
  planned: () => undefined,
  verified: () => undefined,
  applied: () => undefined,
  rolledBack: () => undefined,
  sandboxed: () => undefined,
  recorded: () => undefined,
};

/** Of a folder that no governor has used yet. */
const NOTHING: ChangeSource = {
  async *from() {},
  count: async () => 0,
  changed: () => () => undefined,
};

/** The shared ledger where there is one, otherwise the log in the folder, as far as its newest checkpoint goes. */
async function openSource(place: LookPlace) {
  const { dataDir, databaseUrl, origin, settings } = place;
  const { tenant } = settings;
  const crypto = nodeCrypto();
  const fabricKeys = join(dataDir, 'keys');
  const logId = existsSync(dataDir) ? await readLogId(dataDir) : undefined;
  if (logId === undefined)
    return {
      source: undefined,
      store: undefined,
      keys: new Map<string, Uint8Array>(),
      close: async () => undefined,
    };
  const ring = await openKeyRing(fabricKeys, { origin, create: false, crypto });
  const keys = ring.evidenceKeys();
  const records = openRecordSealer({ directory: fabricKeys, emit: () => undefined });
  if (databaseUrl === undefined) {
    const reopen = () =>
      readFileLog({ directory: dataDir, origin, crypto, verifiers: ring.logVerifiers(), records });
    const source = journalChanges({ log: await reopen(), logId, tenant, reopen });
    return { source, store: undefined, keys, close: async () => undefined };
  }
  const database = await openDatabase({ url: databaseUrl, connections: CONNECTIONS });
  const verifiers = ring.ledgerVerifiers();
  const source = await openLedgerChanges({
    database,
    crypto,
    tenant,
    opener: records,
    origin: `${origin}/ledger`,
    verifiers,
  });
  const store = openGovernorStore({ database, crypto, tenant, tree: TREE });
  return {
    source,
    store,
    keys,
    async close() {
      await store.close();
      await source.close();
      await database.close();
    },
  };
}
