import { facts, type Style, visible, visibleJson } from '@provability-fabric/command-line';
import type { Format } from '../output/options.ts';
import type { LedgerVerification } from './verify-ledger.ts';

export function printLedgerVerification(result: LedgerVerification, format: Format, style: Style): string {
  const verified = result.findingCount === 0;
  if (format === 'json') {
    const { findingCount, ...rest } = result;
    return `${visibleJson(JSON.stringify({ verified, ...rest, finding_count: findingCount }))}\n`;
  }
  const { origin, size, root, statements, erased, superseded, heads, findings, findingCount } = result;
  const lines = findings.map(
    ({ code, where, message }) => `${style(code, 'bad')}  ${visible(`${where}: ${message}`)}\n`,
  );
  const more = findingCount - findings.length;
  if (more > 0) lines.push(`and ${more} more\n`);
  const unchecked = result.unchecked.map(
    ({ what, count }) => `${style('unchecked', 'warn')}  ${visible(what)}${count > 1 ? ` (${count})` : ''}\n`,
  );
  const answer = verified ? style('verified', 'good') : style('verified false', 'bad');
  return (
    facts([
      ['checkpoint', `${origin}, size ${size}, root ${root}`],
      ['statements', `${statements}${erased === 0 ? '' : ` (${erased} erased)`}`],
      ['sessions', String(result.sessions)],
      ['superseded', String(superseded)],
      ['heads', heads === null ? 'not checked (--heads)' : String(heads)],
    ]) +
    [...lines, ...unchecked].join('') +
    `${answer}${verified && unchecked.length > 0 ? ', as far as it can be checked' : ''}\n`
  );
}
