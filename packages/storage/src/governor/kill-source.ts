import { type KillOrder, type KillSource, polledKillSource } from '@provability-fabric/governor';
import type { Database } from '../database/database.ts';
import type { GovernedTree } from './governed-tree.ts';

const CHANNEL = 'pf_governor_kill';
const LOOK_TIMEOUT_MS = 1_000;
const WRITE_TIMEOUT_MS = 3_000;

const SELECT = `
  select reason, ordered_by as "by", at from pf.governor_kill_switch where tenant = $1 and tree = $2`;
const ORDER = `
  insert into pf.governor_kill_switch (tenant, tree, reason, ordered_by, at) values ($1, $2, $3, $4, $5)
  on conflict (tenant, tree) do update
    set reason = excluded.reason, ordered_by = excluded.ordered_by, at = excluded.at`;
const REVIVE = 'delete from pf.governor_kill_switch where tenant = $1 and tree = $2';
// Said without the names: whoever may connect may listen.
const NOTIFY = `select pg_notify('${CHANNEL}', 'changed') where $1::text is not null and $2::text is not null`;

/** Told by NOTIFY, and looking by itself: a notification is a reason to look and nothing more. */
export function postgresKillSource(database: Database, tree: GovernedTree): KillSource {
  return polledKillSource({
    name: 'postgres',
    async look() {
      const [row] = await tree.transaction((query) => query<KillOrder>(SELECT), {
        readOnly: true,
        timeoutMs: LOOK_TIMEOUT_MS,
      });
      return row ?? null;
    },
    write: (order) =>
      tree.transaction(
        async (query) => {
          if (order === null) await query(REVIVE);
          else await query(ORDER, [order.reason, order.by, order.at]);
          await query(NOTIFY);
        },
        { timeoutMs: WRITE_TIMEOUT_MS },
      ),
    hints: (look) => database.listen(CHANNEL, look),
  });
}
