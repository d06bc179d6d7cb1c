import { randomUUID } from 'node:crypto';
import { join, resolve } from 'node:path';
import type { Metrics, Route } from '@provability-fabric/gateway-http';
import {
  changeEvent,
  GovernorError,
  type GovernorOptions,
  type KillState,
  type KillSwitch,
  keepPolicy,
  prepareGovernor,
  RULE_NAMES,
} from '@provability-fabric/governor';
import { openGovernorStore } from '@provability-fabric/storage';
import type { Logger } from 'pino';
import type { DataFolder } from '../data-folder.ts';
import { FabricError } from '../errors.ts';
import type { EvidenceLog } from '../evidence/open-evidence-log.ts';
import type { Ledger } from '../ledger/open-ledger.ts';
import { pooledRandomness } from '../pooled-randomness.ts';
import type { GovernorSettings } from './governor-settings.ts';
import { mcpRoute } from './mcp-route.ts';
import { observeGovernor } from './observe-governor.ts';
import { type OpenGovernor, openGovernor } from './open-governor.ts';
import { openGovernorKillSwitch } from './open-kill-switch.ts';
import { policyFileOf } from './policy-place.ts';
import { TREE } from './tree-name.ts';

export interface GovernorServiceOptions {
  readonly settings: GovernorSettings;
  /** Absent: `keys` of the data folder. */
  readonly keyFolder?: string;
  /** Whoever opens it puts orders to stop on record; absent: what is ordered by file is recorded here. */
  readonly ownOrders?: boolean;
  readonly folder: DataFolder;
  /** The log's name. */
  readonly origin: string;
  readonly evidence: EvidenceLog;
  /** Of a database that other governors share; undefined where there is one governor. */
  readonly ledger: Ledger | undefined;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** The governor of one tree, as a service. */
export interface GovernorService {
  readonly governor: OpenGovernor;
  readonly settings: GovernorSettings;
  /** The governor as an MCP server. */
  readonly mcp: Route;
  /** What is wrong right now, for /health. */
  health(): readonly string[];
  /** Before the evidence log. */
  close(): Promise<void>;
}

type RecordEvent = (kind: 'killed' | 'revived' | 'audit-restored', detail: string | null) => void;

const RESTORED: Readonly<Record<string, string>> = {
  audit_view_reopened: 'audit.log was replaced by somebody else, and opened anew',
  audit_view_damaged: 'audit.log was none of ours: it was moved aside and filled from the record',
};
const CONNECTIONS = 4;
const LOOK_MS = 2_000;

export async function openGovernorService(options: GovernorServiceOptions): Promise<GovernorService> {
  const { settings, folder, evidence, metrics, log } = options;
  if (settings.projectRoot === null)
    throw new FabricError(
      'OPTION_INVALID',
      'governor needs a tree to govern: set SAFEAI_PROJECT_ROOT to its folder',
    );
  const { tenant } = settings;
  const places = await openPlaces(options);
  const { kill, shared } = places;
  const pool = pooledRandomness();
  const observer = observeGovernor(log, metrics.governor);
  /** What happens while it is opened is put on record once it is. */
  let opened: (governor: OpenGovernor) => void = () => undefined;
  const opening = new Promise<OpenGovernor>((resolve) => {
    opened = resolve;
  });
  const record: RecordEvent = (kind, detail) => {
    const event = changeEvent({ id: randomUUID(), kind, at: Date.now() }, 'governor', { detail });
    opening
      .then(({ parts }) => parts.recorder.record(event))
      .then(
        () => observer.recorded(event),
        // The trail's own health says so.
        () => undefined,
      );
  };
  const governor = await openGovernor({
    settings,
    folder,
    origin: options.origin,
    journal: evidence.journal,
    shared,
    keyFolder: options.keyFolder ?? join(folder.path, 'keys'),
    projectRoot: resolve(settings.projectRoot),
    policyFile: policyFileOf(settings),
    kill,
    observer,
    random: (length) => pool.bytes(length),
    emit(event, details) {
      const damaged = event === 'audit_view_damaged';
      log[damaged ? 'error' : 'warn'](
        { event, tags: damaged ? ['ERROR'] : [], ...details },
        event.replaceAll('_', ' '),
      );
      const restored = RESTORED[event];
      if (restored !== undefined) record('audit-restored', restored);
    },
  }).catch(async (error: unknown) => {
    await places.close();
    throw error;
  });
  opened(governor);
  metrics.governor.watch({
    rules: RULE_NAMES,
    killed: () => kill.state().active,
    auditBehind: () => governor.behind(),
  });
  const stopRecording =
    options.ownOrders === true
      ? () => undefined
      : recordLocalKills(kill, () => governor.isOrdering(), record);
  let problem: string | undefined;
  const look = async (work: (parts: GovernorOptions) => Promise<void>) => {
    problem = await problemOf(work(governor.parts), problem);
  };
  await look(prepareGovernor);
  if (problem !== undefined)
    log.error({ event: 'governor_unfit', tags: ['ERROR'], problem }, 'nothing can be applied');
  const looking = setInterval(
    () => void look(problem === undefined ? keepPolicy : prepareGovernor),
    LOOK_MS,
  ).unref();
  return {
    governor,
    settings,
    mcp: mcpRoute(governor, tenant, (error) =>
      log.error({ event: 'mcp_failed', tags: ['ERROR'], problem: nameOf(error) }, 'a call over MCP failed'),
    ),
    health: () => [...(problem === undefined ? [] : [problem]), ...governor.health()],
    async close() {
      clearInterval(looking);
      stopRecording();
      await governor.close();
      await places.close();
    },
  };
}

/** Where it hears that it has to stop, and what it shares with other governors: closed last, also where the rest does not open. */
async function openPlaces({ settings, folder, ledger }: GovernorServiceOptions) {
  // Apart from what may be long: a look of the kill switch that waits for a connection counts as an order to stop.
  const database = await ledger?.openDatabase(CONNECTIONS);
  const reading = await ledger?.openDatabase(CONNECTIONS);
  const { tenant } = settings;
  const store = database && openGovernorStore({ database, crypto: folder.crypto, tenant, tree: TREE });
  const closeStore = async () => {
    await store?.close();
    await database?.close();
    await reading?.close();
  };
  try {
    const { kill, close } = await openGovernorKillSwitch(settings, folder.path, store?.killSource);
    return {
      kill,
      shared: reading && store && { database: reading, store },
      async close() {
        await close();
        await closeStore();
      },
    };
  } catch (error) {
    await closeStore();
    throw error;
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'unknown';
}

/** undefined when all is well. */
async function problemOf(work: Promise<void>, before: string | undefined): Promise<string | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    // While somebody works on the tree, nothing new is known of it.
    if (error instanceof GovernorError) return error.code === 'TREE_BUSY' ? before : error.message;
    return 'the governor cannot look at its tree; see the log';
  }
}

/** An order by file reaches nobody who could put it on record but a governor that is running and obeys it. */
function recordLocalKills(kill: KillSwitch, isOrdering: () => boolean, record: RecordEvent): () => void {
  const isLocal = ({ active, sentinel_exists }: KillState) => active && sentinel_exists;
  let before = isLocal(kill.state());
  return kill.onChange((state) => {
    // A file that cannot be looked at this moment is no order.
    if (!state.sentinel_exists && state.sources.includes('sentinel')) return;
    const now = isLocal(state);
    if (now === before) return;
    before = now;
    if (!isOrdering()) record(now ? 'killed' : 'revived', now ? state.reason : null);
  });
}
