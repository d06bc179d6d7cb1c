import { facts, type Style, visible, visibleJson } from '@provability-fabric/command-line';
import { canonicalJson, type JsonValue } from '@provability-fabric/kernel';
import type { Format } from '../output/options.ts';
import type { WholeVerification } from './verify-all.ts';

export function printVerification(result: WholeVerification, format: Format, style: Style): string {
  const verified = result.invalid === 0 && result.failures.length === 0;
  if (format === 'json') {
    return `${visibleJson(canonicalJson({ verified, ...result } as unknown as JsonValue))}\n`;
  }
  const { checkpoint, sessions, statements, valid, invalid, counts, failures } = result;
  const details = Object.entries(counts).filter(([status, count]) => count > 0 && status !== 'failed');
  const lines = failures.map(({ code, tenant, session, seq, message }) => {
    const place = session === null ? '' : `${tenant}/${session} seq ${seq ?? '?'}: `;
    return `${style(code, 'bad')}  ${visible(`${place}${message}`)}\n`;
  });
  return (
    facts([
      ['checkpoint', `${checkpoint.origin}, size ${checkpoint.size}`],
      ['sessions', String(sessions)],
      ['statements', String(statements)],
      [
        'valid',
        `${valid}${details.length === 0 ? '' : ` (${details.map(([name, n]) => `${n} ${name}`).join(', ')})`}`,
      ],
      ['invalid', String(invalid)],
    ]) +
    lines.join('') +
    `${verified ? style('verified', 'good') : style('verified false', 'bad')}\n`
  );
}
