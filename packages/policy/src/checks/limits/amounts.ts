import { canonicalBytes, type JsonValue, readPointer } from '@provability-fabric/kernel';
import { isExtraction } from '../../handles/extraction.ts';
import type { LoadedBundle } from '../../load-bundle.ts';
import type { Event } from '../check.ts';
import type { LimitRule, ToolAmount } from './rules.ts';

const DECIMAL = /^(\d+)(?:\.(\d{1,6}))?$/;

/** What an event takes from a limit; null where it cannot be told, and then it takes more than there is. */
export function amountOf(
  bundle: LoadedBundle,
  { unit }: Pick<LimitRule, 'unit'>,
  event: Event,
): number | null {
  const { intent, tool, used } = event;
  const { kind, args } = intent.action;
  if (unit === undefined) return 1;
  if (unit === 'bytes') {
    // How long a hidden value is must not show in what is refused; and as long as its handle it is not.
    const isKnown = used === undefined || isExtraction(bundle, event);
    return isKnown ? canonicalBytes(args).length : null;
  }
  if (kind === 'read') return 0;
  if (tool === undefined) return null;
  const amount: ToolAmount | undefined = tool[unit];
  if (amount === undefined) return 0;
  return amount.kind === 'fixed' ? amount.micro : argumentAmount(args, amount.pointer);
}

/** The agent chooses the argument: nothing there, text, a sign or a seventh decimal is no amount. */
function argumentAmount(args: JsonValue, pointer: string): number | null {
  const values = everyValueAt(args, pointer.split('/').slice(1));
  if (values === null || values.length === 0) return null;
  let sum = 0;
  for (const value of values) {
    const micro = microUnits(value);
    if (micro === null) return null;
    sum += micro;
    if (!Number.isSafeInteger(sum)) return null;
  }
  return sum;
}

/** null where it is missing from one of many: what that one takes cannot be told. */
function everyValueAt(value: JsonValue, [token, ...rest]: readonly string[]): readonly JsonValue[] | null {
  if (token === undefined) return [value];
  const next = readPointer(value, `/${token}`);
  if (next.length === 0 && (token !== '*' || typeof value !== 'object' || value === null)) return null;
  const found: JsonValue[] = [];
  for (const each of next) {
    const below = everyValueAt(each, rest);
    if (below === null) return null;
    for (const one of below) found.push(one);
  }
  return found;
}

/** Exactly the number that is forwarded, whose text is its shortest one; floats would round a multiplication. */
function microUnits(value: JsonValue): number | null {
  if (typeof value !== 'number' && typeof value !== 'bigint') return null;
  return parseMicroUnits(String(value)) ?? null;
}

/** `12`, `0.02`: up to six decimals, as whole micro-units; undefined for anything else or beyond 2^53 - 1. */
export function parseMicroUnits(text: string): number | undefined {
  const [, whole, decimals = ''] = DECIMAL.exec(text.length > 32 ? '' : text) ?? [];
  if (whole === undefined) return undefined;
  const micro = Number(BigInt(`${whole}${decimals.padEnd(6, '0')}`));
  return Number.isSafeInteger(micro) ? micro : undefined;
}
