import { canonicalJson, type Digest, type JsonValue } from '@provability-fabric/kernel';
import type { LoadedBundle, ReplayedEvent } from '@provability-fabric/policy';
import type { Format } from '../output/options.ts';
import type { Style } from '../output/style.ts';
import { formatEvent } from '../output/verdict.ts';
import { visible, visibleJson } from '../output/visible.ts';
import { formatTally, type Tally } from './tally.ts';

/** The text of a replay, piece by piece: nothing of it waits for the end. */
export interface EventPrinter {
  head(bundle: LoadedBundle, mode: string): string;
  event(event: ReplayedEvent): string;
  tail(tally: Tally, digest: Digest | null): string;
}

export function eventPrinter(format: Format, style: Style): EventPrinter {
  return format === 'json' ? jsonPrinter() : tablePrinter(style);
}

export function bundleName({ ir, digest }: LoadedBundle): JsonValue {
  return { name: ir.name, version: ir.version, digest };
}

/** One JSON document with an event a line, so that it can be read as a whole or line by line. */
function jsonPrinter(): EventPrinter {
  let separator = '\n';
  return {
    head: (bundle, mode) => `{"bundle":${canonicalJson(bundleName(bundle))},"mode":"${mode}","events":[`,
    event(event) {
      const text = `${separator}${visibleJson(canonicalJson(event as unknown as JsonValue))}`;
      separator = ',\n';
      return text;
    },
    tail(tally, digest) {
      const counts = canonicalJson({ ...tally });
      return `\n],"summary":${counts},"digest":${digest === null ? 'null' : `"${digest}"`}}\n`;
    },
  };
}

function tablePrinter(style: Style): EventPrinter {
  return {
    head: ({ ir, digest }, mode) => `bundle ${ir.name} version ${ir.version} (${digest}), ${mode}\n`,
    event(event) {
      const { session, index, state } = event;
      const place = style(`${visible(session)} #${index}`, 'strong');
      return `\n${place} ${formatEvent(event, style)}  state   ${state.before}\n       →  ${state.after}\n`;
    },
    tail: (tally, digest) => `\n${formatTally(tally)}\ndigest ${digest ?? 'none'}\n`,
  };
}
