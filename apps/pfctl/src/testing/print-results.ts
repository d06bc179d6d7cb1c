import { join } from 'node:path';
import { plural, type Style, visible, visibleJson } from '@provability-fabric/command-line';
import type { Format } from '../output/options.ts';
import type { CaseResult } from './run-suites.ts';

export function printResults(results: readonly CaseResult[], format: Format, style: Style): string {
  const failed = results.filter(({ failures }) => failures.length > 0).length;
  const passed = results.length - failed;
  if (format === 'json') return `${visibleJson(JSON.stringify({ passed, failed, cases: results }))}\n`;
  const lines: string[] = [];
  let heading = '';
  for (const { bundle, file, name, failures } of results) {
    const path = join(bundle, file);
    if (path !== heading) lines.push(`${lines.length === 0 ? '' : '\n'}${style(visible(path), 'strong')}`);
    heading = path;
    lines.push(`  ${failures.length === 0 ? style('pass', 'good') : style('fail', 'bad')}  ${visible(name)}`);
    for (const { event, target, line, expected, came } of failures) {
      lines.push(`        #${event} ${visible(target)} (line ${line})`);
      lines.push(`          expected ${visible(expected)}`, `          came     ${visible(came)}`);
    }
  }
  return `${lines.join('\n')}\n\n${plural(results.length, 'case')}: ${passed} passed, ${failed} failed\n`;
}
