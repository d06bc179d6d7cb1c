import { facts, type Style, table, visible, visibleJson } from '@provability-fabric/command-line';
import { hex } from '@provability-fabric/kernel';
import type { Format } from '../output/options.ts';
import type { LedgerStatus } from './ledger-status.ts';

export function printLedgerStatus(status: LedgerStatus, format: Format, style: Style): string {
  if (format === 'json') return `${visibleJson(JSON.stringify(asJson(status)))}\n`;
  const { state, summary, superseded, findings } = status;
  const said = findings.map(
    ({ grave, message }) =>
      `  ${style(grave ? 'damaged' : 'notice', grave ? 'bad' : 'warn')}  ${visible(message)}\n`,
  );
  const writers = state?.writers ?? [];
  return (
    facts([
      ['ledger', state === null ? 'none yet' : state.origin],
      ['checkpoint', state === null ? 'none' : `size ${state.size}, root ${hex(state.root)}`],
      ['newest statement', instant(summary.newest) ?? 'none'],
      ['sessions', `${summary.sessions}, ${summary.leased} leased`],
      ['superseded', String(superseded)],
      ['PostgreSQL', summary.server],
      ['schema', `version ${summary.schema}`],
      ['writers', String(writers.length)],
      ['findings', findings.length === 0 ? 'none' : String(findings.length)],
    ]) +
    said.join('') +
    (writers.length === 0
      ? ''
      : `\n${table(
          ['writer', 'position'],
          writers.map(({ writer, position }) => [writer, String(position)]),
          style,
        )}`)
  );
}

function instant(ms: number | null): string | null {
  if (ms === null) return null;
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString();
}

function asJson({ state, summary, superseded, findings }: LedgerStatus) {
  return {
    origin: state?.origin ?? null,
    checkpoint: state && {
      size: state.size,
      root: hex(state.root),
      newest_statement_at: instant(summary.newest),
    },
    writers: state?.writers ?? [],
    sessions: { count: summary.sessions, leased: summary.leased, waiting: summary.waiting },
    superseded,
    postgresql: summary.server,
    schema_version: summary.schema,
    findings,
  };
}
