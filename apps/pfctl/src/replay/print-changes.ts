import { plural, type Style, visible, visibleJson } from '@provability-fabric/command-line';
import { canonicalJson, type Digest, type JsonValue } from '@provability-fabric/kernel';
import type { LoadedBundle, ReplayedEvent } from '@provability-fabric/policy';
import type { Format } from '../output/options.ts';
import { formatAnswer, formatReasons } from '../output/verdict.ts';
import { bundleName } from './print-events.ts';
import { type Summary, summaryMembers, summaryTable } from './print-summary.ts';
import type { Tally } from './tally.ts';

/** The text of a comparison: only what another bundle would answer differently. */
export interface ChangePrinter {
  head(bundle: LoadedBundle, compared: LoadedBundle, mode: string): string;
  change(before: ReplayedEvent, after: ReplayedEvent): string;
  tail(tally: Tally, changes: number, summary: Summary, digest: Digest): string;
}

/** `every`: each change is printed, not their sum alone. */
export function changePrinter(format: Format, style: Style, every: boolean): ChangePrinter {
  return format === 'json' ? jsonPrinter(every) : tablePrinter(style, every);
}

function jsonPrinter(every: boolean): ChangePrinter {
  let separator = '\n';
  const answer = ({ verdict, effect, mode, reasons }: ReplayedEvent) =>
    ({ verdict, effect, mode, reasons }) as unknown as JsonValue;
  return {
    head: (bundle, compared, mode) =>
      `{"bundle":${canonicalJson(bundleName(bundle))},"compared":${canonicalJson(bundleName(compared))},` +
      `"mode":"${mode}"${every ? ',"changes":[' : ''}`,
    change(before, after) {
      if (!every) return '';
      const { session, index, target } = before;
      const entry = { session, index, target, before: answer(before), after: answer(after) };
      const text = `${separator}${visibleJson(canonicalJson(entry))}`;
      separator = ',\n';
      return text;
    },
    tail: ({ sessions, events }, changes, summary, digest) =>
      `${every ? '\n]' : ''},"summary":${canonicalJson({ sessions, events, changes })}` +
      `${visibleJson(summaryMembers(summary))},"digest":"${digest}"}\n`,
  };
}

function tablePrinter(style: Style, every: boolean): ChangePrinter {
  const named = ({ ir, digest }: LoadedBundle) => `${ir.name} version ${ir.version} (${digest})`;
  return {
    head: (bundle, compared, mode) => `bundle   ${named(bundle)}, ${mode}\ncompared ${named(compared)}\n`,
    change(before, after) {
      if (!every) return '';
      const place = style(`${visible(before.session)} #${before.index} ${visible(before.target)}`, 'strong');
      return (
        `\n${place}\n  before  ${formatAnswer(before, style)}\n${formatReasons(before.reasons, '    ')}` +
        `  after   ${formatAnswer(after, style)}\n${formatReasons(after.reasons, '    ')}`
      );
    },
    tail: ({ sessions, events }, changes, summary, digest) =>
      `\n${plural(changes, 'change')} in ${plural(events, 'event')} of ${plural(sessions, 'session')}\n` +
      `${summaryTable(summary, style)}digest ${digest}\n`,
  };
}
