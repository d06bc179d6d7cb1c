import type { JsonValue } from '@provability-fabric/kernel';
import { parse, stringify } from 'yaml';

/** The records in a result that the runner printed as YAML; undefined where it is a text. */
export function recordsIn(text: string): JsonValue | undefined {
  if (!/^(?:- |[A-Za-z_]+:(?: |\n|$))/.test(text)) return undefined;
  try {
    const value: unknown = parse(text, {
      schema: 'core',
      uniqueKeys: true,
      maxAliasCount: 0,
      logLevel: 'error',
    });
    return isRecords(value) ? (value as JsonValue) : undefined;
  } catch {
    return undefined; // an error message or a document that only begins like YAML
  }
}

/** Records as the runner prints them: blocks, and every text on one line. */
export function printed(records: JsonValue): string {
  return stringify(records, {
    schema: 'core',
    blockQuote: false,
    defaultKeyType: 'PLAIN',
    defaultStringType: 'QUOTE_DOUBLE',
    indentSeq: false,
    lineWidth: 0,
  });
}

/** Lists and maps of plain values; anything else is a text that happens to parse. */
function isRecords(value: unknown): boolean {
  if (Array.isArray(value)) return value.every((item) => isPlain(item));
  return typeof value === 'object' && value !== null && Object.values(value).every((item) => isPlain(item));
}

function isPlain(value: unknown): boolean {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value) || isRecords(value);
}
