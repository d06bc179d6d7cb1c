import { randomUUID } from 'node:crypto';
import { rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type FileLog, openKeyRing } from '@provability-fabric/evidence';
import {
  type AuditRecord,
  type AuditVerification,
  type AuditView,
  type ChangeRecorder,
  type ChangeSource,
  type Claims,
  createChangeTrail,
  createClaims,
  createGate,
  createGovernor,
  createSandbox,
  fileProposals,
  fileSigner,
  fileTreeLock,
  type Governor,
  type GovernorObserver,
  type GovernorOptions,
  journalChanges,
  type KillSwitch,
  makeWorkspace,
  openChangeRecord,
  openTree,
  type ProposalStore,
  requireApart,
  sshSignature,
  type TreeLock,
  watchKeyRing,
} from '@provability-fabric/governor';
import { type GovernorStore, type OwnedDatabase, openLedgerChanges } from '@provability-fabric/storage';
import type { DataFolder } from '../data-folder.ts';
import type { GovernorSettings } from './governor-settings.ts';
import { openMendedView } from './open-mended-view.ts';
import { policyFiles } from './policy-files.ts';

export interface GovernorPlace {
  readonly settings: Pick<GovernorSettings, 'tenant' | 'policyOverrides' | 'auditMaxBytes' | 'sandboxCgroup'>;
  readonly folder: DataFolder;
  /** The log's name. */
  readonly origin: string;
  readonly journal: FileLog;
  /** What several governors of the tree have in common; undefined where there is one governor. */
  readonly shared: { readonly database: OwnedDatabase; readonly store: GovernorStore } | undefined;
  readonly keyFolder: string;
  readonly projectRoot: string;
  readonly policyFile: string;
  readonly kill: KillSwitch;
  readonly observer: GovernorObserver;
  random(length: number): Uint8Array;
  /** What the view tells of itself. */
  emit(event: string, details: Readonly<Record<string, string | number>>): void;
}

/** A governor with its audit, for whoever asks it. */
export interface OpenGovernor extends Governor {
  auditLast(count: number): Promise<readonly AuditRecord[]>;
  auditVerify(): Promise<AuditVerification>;
  /** What is wrong right now, for /health. */
  health(): readonly string[];
  /** Records that audit.log lacks, as it was last known. */
  behind(): number;
  readonly parts: GovernorOptions;
  close(): Promise<void>;
}

/** Signs for agents under tier stable, where an operator has made it. */
const AGENT_KEY = 'mcp';
/** Signs commits, where the policy asks for it. */
const COMMIT_KEY = 'default';
const PATIENCE_MS = 30_000;
const LOOK_MS = 2_000;

export async function openGovernor(place: GovernorPlace): Promise<OpenGovernor> {
  const { settings, folder, journal, shared, keyFolder, kill, observer } = place;
  const { tenant } = settings;
  const { crypto } = folder;
  const now = () => Date.now();
  await requireApart(place.projectRoot, [folder.path, keyFolder]);
  const tree = await openTree(place.projectRoot, {
    crypto,
    now,
    commitSigner: {
      sign: async (payload) => sshSignature('git', await fileSigner(keyFolder, COMMIT_KEY), payload),
    },
  });
  const ledger =
    shared &&
    (await openLedgerChanges({
      database: shared.database,
      crypto,
      tenant,
      opener: folder.records,
      origin: `${place.origin}/ledger`,
      verifiers: folder.keys.ledgerVerifiers(),
    }));
  const source: ChangeSource = ledger ?? journalChanges({ log: journal, logId: journal.id, tenant });
  const view = await openMendedView({
    path: join(folder.path, 'audit.log'),
    source,
    crypto,
    tenant,
    // Anew each time: the key of a governor that came later counts as soon as it is copied here.
    async keys() {
      const ring = await openKeyRing(join(folder.path, 'keys'), {
        origin: place.origin,
        create: false,
        crypto,
      });
      return ring.evidenceKeys();
    },
    pause: (ms) => sleep(ms),
    maxBytes: settings.auditMaxBytes,
    emit: (event, details) => place.emit(event, details),
  });
  // What was on record when a process was killed is in the file before anybody asks; what stops it, health says.
  await view.catchUp().catch(() => undefined);
  const record = openChangeRecord({ source, crypto });
  const trail = createChangeTrail({
    journal,
    logId: journal.id,
    crypto,
    signer: folder.keys.evidenceSigner(),
    random: (length) => place.random(length),
    tenant,
  });
  await record.catchUp();
  const common = await commonParts(shared?.store, {
    folder,
    tree: tree.root,
    now,
    applied: record.applied(),
  });
  const sandbox = createSandbox({
    now: () => performance.now(),
    workspaces: tmpdir(),
    hidden: [folder.path, tree.root, keyFolder],
    ...(settings.sandboxCgroup === null ? {} : { cgroup: settings.sandboxCgroup }),
  });
  const recorder: ChangeRecorder = {
    record: (event) => trail.record(event),
    positionOf: (statement) => view.positionOf(statement),
  };
  const parts: GovernorOptions = {
    crypto,
    gate: createGate({ crypto, ring: watchKeyRing(keyFolder) }),
    tree,
    ...common,
    policies: policyFiles({ file: place.policyFile, overrides: settings.policyOverrides, crypto }),
    sandbox,
    recorder,
    record,
    kill,
    workspaces: {
      async make() {
        const workspace = await makeWorkspace(tmpdir());
        await rmdir(workspace.folder);
        return workspace;
      },
    },
    observer,
    now,
    newId: randomUUID,
    signForAgents: () => fileSigner(keyFolder, AGENT_KEY).catch(() => undefined),
    position: () => view.catchUp(),
  };
  const watching = watchBehind(view);
  return {
    ...createGovernor(parts),
    parts,
    auditLast: (count) => view.last(count),
    auditVerify: () => view.verify(),
    health: () => [...trail.health(), ...view.health()],
    behind: () => watching.last,
    async close() {
      watching.stop();
      await trail.close();
      await view.close();
      await ledger?.close();
      tree.close();
    },
  };
}

interface CommonParts {
  readonly claims: Claims;
  readonly proposals: ProposalStore;
  readonly lock: TreeLock;
}

/** What replicas have in common, in the database; or what one process has for itself. */
async function commonParts(
  store: GovernorStore | undefined,
  {
    folder,
    tree,
    now,
    applied,
  }: {
    readonly folder: DataFolder;
    readonly tree: string;
    readonly now: () => number;
    readonly applied: Iterable<{ readonly manifest: string; readonly idempotencyKey: string | null }>;
  },
): Promise<CommonParts> {
  const here = fileTreeLock(tree, { patienceMs: PATIENCE_MS });
  if (store !== undefined)
    return {
      claims: store.claims,
      proposals: store.proposals,
      // The lock of this host as well: a command line that was told nothing of the database takes only that.
      lock: { withLock: (work) => store.treeLock.withLock((held) => here.withLock(() => work(held))) },
    };
  const proposalFolder = join(folder.path, 'proposals');
  return {
    claims: createClaims(applied as Parameters<typeof createClaims>[0]),
    proposals: await fileProposals(proposalFolder, {
      crypto: folder.crypto,
      now,
      lock: fileTreeLock(folder.path, { patienceMs: PATIENCE_MS }),
    }),
    lock: here,
  };
}

/** For a metric that is scraped without waiting. */
function watchBehind(view: Pick<AuditView, 'behind'>): { readonly last: number; stop(): void } {
  let last = 0;
  const look = () =>
    void view.behind().then(
      (count) => {
        last = count;
      },
      () => undefined,
    );
  look();
  const timer = setInterval(look, LOOK_MS).unref();
  return {
    get last() {
      return last;
    },
    stop: () => clearInterval(timer),
  };
}
