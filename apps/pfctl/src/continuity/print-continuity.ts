import { facts, type Style, table, visible, visibleJson } from '@provability-fabric/command-line';
import type { Format } from '../output/options.ts';
import { type Continuity, isContinuous, type LoneAccess } from './continuity.ts';

export function printContinuity(continuity: Continuity, format: Format, style: Style): string {
  const whole = isContinuous(continuity);
  if (format === 'json')
    return `${visibleJson(JSON.stringify({ continuous: whole, ...inJson(continuity) }))}\n`;
  const { source, origin, since, statements, sessions, findings, findingCount, accesses } = continuity;
  const lines = findings.map(
    ({ code, where, message }) => `${style(code, 'bad')}  ${visible(`${where}: ${message}`)}\n`,
  );
  const more = findingCount - findings.length;
  if (more > 0) lines.push(`and ${more} more\n`);
  return (
    facts([
      [source, origin],
      ['since', since],
      ['statements', `${statements} of ${sessions} sessions`],
      ['accesses to secrets', inWords(accesses, source)],
    ]) +
    lines.join('') +
    (accesses === null
      ? ''
      : lone(
          'unattested',
          'rows that no statement of the ledger says',
          accesses.unattested,
          accesses.unattestedCount,
          style,
        ) + lone('unlisted', 'statements without a row', accesses.unlisted, accesses.unlistedCount, style)) +
    `${whole ? style('continuous', 'good') : style('not continuous', 'bad')}\n`
  );
}

function inWords(accesses: Continuity['accesses'], source: Continuity['source']): string {
  if (accesses === null)
    return source === 'log'
      ? 'rows not checked: there is no database here'
      : 'not checked: this database has no secret_audit_logs';
  const { rows, statements, unattestedCount, unlistedCount, pending } = accesses;
  const young = pending === 0 ? '' : `, ${pending} on their way`;
  return `${rows} rows, ${statements} statements, ${unattestedCount} unattested, ${unlistedCount} unlisted${young}`;
}

function lone(
  title: string,
  what: string,
  accesses: readonly LoneAccess[],
  count: number,
  style: Style,
): string {
  if (count === 0) return '';
  const rows = accesses.map(({ at, tenant, user, action, secret, result }) => [
    at,
    tenant,
    user,
    action,
    secret,
    result,
  ]);
  const more = count > accesses.length ? `and ${count - accesses.length} more\n` : '';
  const header = ['time', 'tenant', 'user', 'action', 'secret', 'result'];
  return `\n${style(title, 'bad')}: ${what}\n${table(header, rows, style)}${more}`;
}

function inJson({ findingCount, accesses, ...rest }: Continuity) {
  if (accesses === null) return { ...rest, finding_count: findingCount, accesses };
  const { unattestedCount, unlistedCount, ...lists } = accesses;
  return {
    ...rest,
    finding_count: findingCount,
    accesses: { ...lists, unattested_count: unattestedCount, unlisted_count: unlistedCount },
  };
}
