import { join } from 'node:path';
import {
  createKillSwitch,
  environmentSource,
  type KillSource,
  type KillSwitch,
  sentinelSource,
} from '@provability-fabric/governor';
import { openRedisKillSource } from '@provability-fabric/storage';
import type { GovernorSettings } from './governor-settings.ts';
import { TREE } from './tree-name.ts';

/** Every place that can say stop, as the settings name them. */
export async function openGovernorKillSwitch(
  settings: Pick<GovernorSettings, 'enable' | 'sentinel' | 'redisUrl' | 'tenant'>,
  dataFolder: string,
  database: KillSource | undefined,
): Promise<{ readonly kill: KillSwitch; close(): Promise<void> }> {
  const { enable, sentinel, redisUrl, tenant } = settings;
  const redis =
    redisUrl === null ? undefined : await openRedisKillSource({ url: redisUrl, tenant, tree: TREE });
  const kill = await createKillSwitch([
    environmentSource(enable),
    sentinelSource(sentinel ?? join(dataFolder, 'KILL_SWITCH')),
    ...(database === undefined ? [] : [database]),
    ...(redis === undefined ? [] : [redis.killSource]),
  ]);
  return {
    kill,
    async close() {
      await kill.close();
      await redis?.close();
    },
  };
}
