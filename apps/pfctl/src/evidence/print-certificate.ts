import { facts, type Style, visibleJson } from '@provability-fabric/command-line';
import { canonicalJson, type JsonValue } from '@provability-fabric/kernel';
import type { ChainedStatement } from '@provability-fabric/statements';
import type { Format } from '../output/options.ts';
import type { FoundCertificate } from './find-certificate.ts';

export function printCertificate(found: FoundCertificate, format: Format, style: Style): string {
  if (format === 'json') return `${visibleJson(canonicalJson(found as unknown as JsonValue))}\n`;
  const { statement, outcome, log, signature, inclusion } = found;
  const verdict = (verified: boolean) => (verified ? 'verified' : 'verified false');
  const lines = facts([
    ['statement', statement.type],
    ...placeOf(statement),
    ['index', `${log.index} of the log ${log.origin}, size ${log.size}`],
    ['digest', found.digest],
    [
      'signature',
      signature.verified ? `verified, by ${signature.keyid}` : `verified false: ${signature.problem}`,
    ],
    ['inclusion', `${verdict(inclusion.verified)}, leaf ${inclusion.leaf}, root ${inclusion.root}`],
  ]).replace(/\bverified false\b/g, (word) => style(word, 'bad'));
  const whole = (title: string, value: ChainedStatement) =>
    `\n${style(title, 'strong')}\n${visibleJson(JSON.stringify(value, null, 2))}\n`;
  const none = statement.type === 'permission-certificate' ? '\nno outcome is recorded\n' : '';
  return `${lines}${whole('statement', statement)}${outcome === null ? none : whole('outcome', outcome)}`;
}

function placeOf(statement: ChainedStatement): readonly (readonly [string, string])[] {
  if (!('seq' in statement) || !('session' in statement)) return [];
  return [['place', `${statement.session}#${statement.seq} of ${statement.tenant}`]];
}
