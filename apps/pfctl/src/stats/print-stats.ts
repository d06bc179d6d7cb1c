import { facts, plural, type Style, table, visibleJson } from '@provability-fabric/command-line';
import type { Format } from '../output/options.ts';
import type { TimeRange } from '../times.ts';
import type { Ranking, Stats } from './count-decisions.ts';

export interface StatsOf {
  /** The log's name. */
  readonly origin: string;
  readonly range: TimeRange;
  /** Statements that are in the ledger alone by now, and so are not counted. */
  readonly freed: number;
}

export function printStats(stats: Stats, of: StatsOf, format: Format, style: Style): string {
  if (format === 'json') {
    const { origin, range, freed } = of;
    return `${visibleJson(JSON.stringify({ origin, ...range, freed, ...stats }))}\n`;
  }
  const { decisions, outcomes, accesses, changes } = stats;
  const { since, until } = of.range;
  const head = facts([
    ['log', of.origin],
    ...(since === null && until === null
      ? []
      : [['range', `${since ?? 'the beginning'} to ${until ?? 'the end'}`] as const]),
    ['statements', `${stats.statements} of ${plural(stats.sessions, 'session')}`],
    ['decisions', decisions.total === 0 ? 'none' : `${decisions.total}, ${stats.first} to ${stats.last}`],
    ['effect', counts(decisions.effect)],
    ['verdict', counts(decisions.verdict)],
    ['mode', counts(decisions.mode)],
    ['let through', `${decisions.let_through} (found something, and a mode below enforce allowed it)`],
    ['outcomes', counts(outcomes)],
    ...(Object.values(accesses).some((count) => count > 0)
      ? [['accesses to secrets', counts(accesses)] as const]
      : []),
    ...(Object.keys(changes).length > 0 ? [['governed changes', counts(changes)] as const] : []),
    ...(of.freed === 0
      ? []
      : [['not counted', `the first ${of.freed} statements, which are in the ledger alone`] as const]),
  ]);
  return (
    head +
    clausesTable(stats, style) +
    rankingTable('tool', stats.tools, style) +
    rankingTable('principal', stats.principals, style)
  );
}

function clausesTable({ clauses }: Stats, style: Style): string {
  if (clauses.length === 0) return '';
  const rows = clauses.map(({ clause, code, check, shadow, monitor, enforce, total }) =>
    [clause ?? '-', code, check, shadow, monitor, enforce, total].map(String),
  );
  return `\n${table(['clause', 'code', 'check', 'shadow', 'monitor', 'enforce', 'violations'], rows, style)}`;
}

function rankingTable(what: string, { named, others }: Ranking, style: Style): string {
  if (named.length === 0) return '';
  const rows = named.map(({ name, total, allow, hold, block, let_through }) =>
    [name, total, allow, hold, block, let_through].map(String),
  );
  const more = others === 0 ? '' : style(`and ${plural(others, `other ${what}`)}; --top shows more\n`, 'dim');
  return `\n${table([what, 'decisions', 'allow', 'hold', 'block', 'let through'], rows, style)}${more}`;
}

function counts(by: Readonly<Record<string, number>>): string {
  const some = Object.entries(by).filter(([, count]) => count > 0);
  return some.length === 0 ? '-' : some.map(([name, count]) => `${name} ${count}`).join(', ');
}
