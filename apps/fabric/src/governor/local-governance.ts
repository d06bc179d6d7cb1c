import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { defaultSettings } from '@provability-fabric/configuration';
import { EvidenceError, nodeCrypto, readLogName } from '@provability-fabric/evidence';
import {
  createGovernor,
  type Governor,
  type GovernorCaller,
  GovernorError,
  type KillOrder,
  type KillState,
  policyInForce,
  type RestoredAudit,
  restoreAudit,
} from '@provability-fabric/governor';
import type { Digest } from '@provability-fabric/kernel';
import { openDatabase, openGovernorStore } from '@provability-fabric/storage';
import { databaseUrl, governorSettings, settingsFor } from '../config.ts';
import { FabricError } from '../errors.ts';
import { quietLog } from '../observe/logger.ts';
import { openFabric } from '../wire.ts';
import type { GovernorSettings } from './governor-settings.ts';
import { type IssuedToken, issueGovernorToken, type TokenWish } from './issue-token.ts';
import { type Look, openLook } from './look.ts';
import { serveMcpOnStdio } from './mcp-stdio.ts';
import { openGovernorKillSwitch } from './open-kill-switch.ts';
import { policyFiles } from './policy-files.ts';
import { policyFileOf } from './policy-place.ts';
import { TREE } from './tree-name.ts';

/** Where the things of a governor are. All paths are absolute; null for the policy: where it is looked for by default. */
export interface LocalPlace {
  readonly dataDir: string;
  readonly keysDir: string;
  readonly projectRoot: string;
  readonly policyFile: string | null;
}

/** A governor that lives as long as a command. */
export interface LocalGovernor extends Omit<Governor, 'kill' | 'revive' | 'killState' | 'isOrdering'> {
  auditLast(count: number): Promise<readonly object[]>;
  auditVerify(): ReturnType<Look['auditVerify']>;
  close(): Promise<void>;
}

/** What the composition root does for the command line of a data folder. */
export interface Governance {
  /** `change` takes the folder and refuses while a service has it; `look` writes nothing and works beside one. */
  open(place: LocalPlace, use: 'change' | 'look'): Promise<LocalGovernor>;
  openKillSwitch(place: LocalPlace): Promise<LocalKillSwitch>;
  readPolicy(place: LocalPlace): Promise<PolicyView>;
  restoreAudit(place: LocalPlace, caller: GovernorCaller, file: string): Promise<RestoredAudit>;
  issueToken(place: LocalPlace, wish: TokenWish): Promise<IssuedToken>;
  /** Speaks MCP over standard input and output until they close or the signal says so. */
  serveMcp(place: LocalPlace, caller: GovernorCaller, signal: AbortSignal): Promise<void>;
}

/** A kill switch by the folder and the shared places alone, whoever else works there. */
export interface LocalKillSwitch {
  state(): KillState;
  kill(order: KillOrder): Promise<void>;
  revive(order: KillOrder): Promise<void>;
  close(): Promise<void>;
}

/** A policy file as it compiles. */
export interface PolicyView {
  readonly digest: Digest;
  /** null where nothing of it is in force or on record. */
  readonly version: number | null;
  readonly tier: string;
  readonly safe_mode: boolean;
  /** What the settings say in the engine's words, and the clauses of one's own. */
  readonly cedar: string;
}

const LOOK_CONNECTIONS = 2;

export function openGovernance(): Governance {
  return {
    open: (place, use) => (use === 'change' ? openToChange(place) : openToLook(place)),
    async openKillSwitch(place) {
      const settings = settingsAt(place);
      const url = databaseUrl();
      const { tenant } = settings;
      const database =
        url === undefined ? undefined : await openDatabase({ url, connections: LOOK_CONNECTIONS });
      const store = database && openGovernorStore({ database, crypto: nodeCrypto(), tenant, tree: TREE });
      await mkdir(place.dataDir, { recursive: true, mode: 0o700 });
      const { kill, close } = await openGovernorKillSwitch(settings, place.dataDir, store?.killSource);
      return {
        state: () => kill.state(),
        async kill(order) {
          // Stopping waits for nothing.
          await kill.kill(order);
          await onRecord(place, 'kill', order);
        },
        async revive(order) {
          await onRecord(place, 'revive', order);
          await kill.revive(order);
        },
        async close() {
          await close();
          await store?.close();
          await database?.close();
        },
      };
    },
    async readPolicy(place) {
      const settings = settingsAt(place);
      const file = policyFileAt(place, settings);
      const policies = policyFiles({ file, overrides: settings.policyOverrides, crypto: nodeCrypto() });
      const policy = await policies.load();
      const version = await withLook(place, async ({ record }) => {
        await record.catchUp();
        const found = await policyInForce(policies, record);
        return found.isNew ? policy.declaredVersion : found.identity.version;
      });
      const { digest, tier, safeMode } = policy;
      return { digest, version, tier, safe_mode: safeMode, cedar: policy.cedarText };
    },
    async restoreAudit(place, _caller, file) {
      const { tenant } = settingsAt(place);
      return withLook(place, (look) =>
        restoreAudit({
          file,
          path: join(place.dataDir, 'audit.log'),
          crypto: nodeCrypto(),
          tenant,
          keys: look.evidenceKeys(),
          source: look.source,
          pause: (ms) => sleep(ms),
        }),
      );
    },
    async issueToken(place, wish) {
      const folder = { keys: join(place.dataDir, 'keys'), origin: await originAt(place) };
      return issueGovernorToken(settingsAt(place), folder, wish);
    },
    serveMcp: (place, caller, signal) =>
      serveMcpOnStdio({
        // The agent, and not the person who started it.
        caller: { ...caller, principal: `mcp:${caller.principal}` },
        signal,
        // For each call anew: a person approves from another process in between.
        async within(use, work) {
          const governor = await (use === 'change' ? openToChange(place) : openToLook(place)).catch(beside);
          try {
            return await work(governor);
          } finally {
            await governor.close();
          }
        },
      }),
  };
}

/** An agent is told what to do about a folder that a service has. */
function beside(error: unknown): never {
  if (!(error instanceof EvidenceError && error.code === 'FOLDER_IN_USE')) throw error;
  throw new GovernorError(
    'TREE_BUSY',
    'a running service has the data folder, so nothing can be proposed here; give the MCP client its address `/mcp`',
    { cause: error },
  );
}

async function openToChange(place: LocalPlace): Promise<LocalGovernor> {
  const { governor, close } = await openService(place);
  return { ...governor, close };
}

async function openService(place: LocalPlace) {
  const settings = { ...settingsAt(place), policyFile: policyFileAt(place, settingsAt(place)) };
  const environment = { ...defaultSettings(dirname(place.dataDir), 'local'), origin: await originAt(place) };
  const url = databaseUrl();
  const log = quietLog();
  const fabric = await openFabric({
    dataFolder: place.dataDir,
    settings: environment,
    live: { current: environment.live, onChange: () => undefined },
    log,
    database: url === undefined ? null : { kind: 'url', url },
    bundle: null,
    governor: { settings, log, keyFolder: place.keysDir, ownOrders: true },
  });
  const { governor: service } = fabric;
  if (service === undefined)
    throw new FabricError('OPTION_INVALID', 'expected a governor to have been opened');
  return { governor: service.governor, close: () => fabric.close() };
}

/**
 * An order from the command line goes on record where a governor has worked. A service that has the folder sees the order and
 * records it itself; and whatever fails here, the order counts.
 */
async function onRecord(
  place: LocalPlace,
  what: 'kill' | 'revive',
  { by, reason }: KillOrder,
): Promise<void> {
  const places = [join(place.dataDir, 'journal'), join(place.projectRoot, '.safeai')];
  if (!places.every((path) => existsSync(path))) return;
  try {
    const { governor, close } = await openService(place);
    try {
      await governor[what]({ principal: by, actor: 'cli' }, reason);
    } finally {
      await close();
    }
  } catch {
    // Locked, or broken: /health and `audit --verify` say what is wrong with it.
  }
}

async function openToLook(place: LocalPlace): Promise<LocalGovernor> {
  const { look, close } = await openLooking(place);
  return {
    ...createGovernor(look.parts),
    auditLast: (count) => look.auditLast(count),
    auditVerify: () => look.auditVerify(),
    close,
  };
}

async function withLook<Result>(place: LocalPlace, work: (look: Look) => Promise<Result>): Promise<Result> {
  const { look, close } = await openLooking(place);
  try {
    return await work(look);
  } finally {
    await close();
  }
}

async function openLooking(
  place: LocalPlace,
): Promise<{ readonly look: Look; readonly close: () => Promise<void> }> {
  const settings = settingsAt(place);
  const { kill, close: closeKill } = await openGovernorKillSwitch(settings, place.dataDir, undefined);
  try {
    const policyFile = policyFileAt(place, settings);
    const origin = await originAt(place);
    const look = await openLook({ ...place, settings, policyFile, databaseUrl: databaseUrl(), origin }, kill);
    return {
      look,
      async close() {
        await look.close();
        await closeKill();
      },
    };
  } catch (error) {
    await closeKill();
    throw error;
  }
}

function settingsAt({ projectRoot }: LocalPlace): GovernorSettings {
  return { ...governorSettings(), projectRoot };
}

function policyFileAt({ policyFile }: LocalPlace, settings: GovernorSettings): string {
  return policyFile ?? policyFileOf(settings);
}

/** A folder that is yet to be made has the environment's name. */
async function originAt({ dataDir }: LocalPlace): Promise<string> {
  return (await readLogName(join(dataDir, 'keys'))) ?? (await settingsFor(undefined)).origin;
}
