import { type Style, visible, visibleJson } from '@provability-fabric/command-line';
import { canonicalJson, type Digest, type JsonValue } from '@provability-fabric/kernel';
import type { LoadedBundle, ReplayedEvent } from '@provability-fabric/policy';
import type { Format } from '../output/options.ts';
import { formatEvent } from '../output/verdict.ts';
import { type Summary, summaryMembers, summaryTable } from './print-summary.ts';
import { formatTally, type Tally } from './tally.ts';

/** The text of a replay, piece by piece: nothing of it waits for the end. */
export interface EventPrinter {
  head(bundle: LoadedBundle, mode: string): string;
  event(event: ReplayedEvent): string;
  tail(tally: Tally, summary: Summary, digest: Digest | null): string;
}

/** `every`: each event is printed, not their sum alone. */
export function eventPrinter(format: Format, style: Style, every: boolean): EventPrinter {
  return format === 'json' ? jsonPrinter(every) : tablePrinter(style, every);
}

export function bundleName({ ir, digest }: LoadedBundle): JsonValue {
  return { name: ir.name, version: ir.version, digest };
}

/** One JSON document with an event a line, so that it can be read as a whole or line by line. */
function jsonPrinter(every: boolean): EventPrinter {
  let separator = '\n';
  return {
    head: (bundle, mode) =>
      `{"bundle":${canonicalJson(bundleName(bundle))},"mode":"${mode}"${every ? ',"events":[' : ''}`,
    event(event) {
      if (!every) return '';
      const text = `${separator}${visibleJson(canonicalJson(event as unknown as JsonValue))}`;
      separator = ',\n';
      return text;
    },
    tail(tally, summary, digest) {
      const counts = canonicalJson({ ...tally });
      const sums = visibleJson(summaryMembers(summary));
      return `${every ? '\n]' : ''},"summary":${counts}${sums},"digest":${digest === null ? 'null' : `"${digest}"`}}\n`;
    },
  };
}

function tablePrinter(style: Style, every: boolean): EventPrinter {
  return {
    head: ({ ir, digest }, mode) => `bundle ${ir.name} version ${ir.version} (${digest}), ${mode}\n`,
    event(event) {
      if (!every) return '';
      const { session, index, state, recorded } = event;
      const place = style(`${visible(session)} #${index}`, 'strong');
      const was =
        recorded === undefined || recorded.effect === event.effect ? '' : `  was     ${recorded.effect}\n`;
      return `\n${place} ${formatEvent(event, style)}${was}  state   ${state.before}\n       →  ${state.after}\n`;
    },
    tail: (tally, summary, digest) =>
      `\n${formatTally(tally)}\n${summaryTable(summary, style)}digest ${digest ?? 'none'}\n`,
  };
}
