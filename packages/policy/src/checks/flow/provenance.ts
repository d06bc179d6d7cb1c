import {
  type Crypto,
  canonicalJson,
  type Digest,
  digestJson,
  type JsonValue,
  type Label,
  parseJson,
} from '@provability-fabric/kernel';
import { type AppendLog, append, emptyLog } from '../../append-log.ts';
import { collectScalars, type Scalar } from './arguments.ts';

/** What one result contributed: whole values, and the words of its texts. */
interface ResultValues {
  readonly tool: string;
  readonly label: Label;
  readonly values: ReadonlySet<string>;
  readonly words: ReadonlySet<string>;
}

/** Everything a later argument's value can be traced to. `chain` digests it all, in order. */
export interface Provenance {
  readonly prompts: AppendLog<string>;
  readonly results: AppendLog<ResultValues>;
  readonly chain: Digest | null;
}

export const NO_PROVENANCE: Provenance = { prompts: emptyLog(), results: emptyLog(), chain: null };

export function addPrompt(crypto: Crypto, provenance: Provenance, text: string): Provenance {
  return {
    ...provenance,
    prompts: append(provenance.prompts, text),
    chain: digestJson(crypto, [provenance.chain, 'prompt', text]),
  };
}

export function addResult(
  crypto: Crypto,
  provenance: Provenance,
  from: { readonly tool: string; readonly label: Label; readonly result: JsonValue; readonly digest: Digest },
): Provenance {
  const { tool, label, result, digest } = from;
  const values = new Set<string>();
  const words = new Set<string>();
  index(result, values, words, true);
  return {
    ...provenance,
    results: append(provenance.results, { tool, label, values, words }),
    chain: digestJson(crypto, [provenance.chain, 'result', tool, label as unknown as JsonValue, digest]),
  };
}

/** Results over MCP are often JSON inside a text: its values count too, one level deep. */
function index(result: JsonValue, values: Set<string>, words: Set<string>, mayHoldJson: boolean): void {
  const scalars: Scalar[] = [];
  collectScalars(result, scalars);
  for (const scalar of scalars) {
    values.add(canonicalJson(scalar));
    if (typeof scalar !== 'string') continue;
    for (const word of scalar.split(WORD_BREAK)) if (word !== '') words.add(word);
    if (mayHoldJson && (scalar.startsWith('{') || scalar.startsWith('['))) {
      const inner = parsed(scalar);
      if (inner !== undefined) index(inner, values, words, false);
    }
  }
}

// ASCII only: what \s matches may change with the Unicode version, and replay must not.
const WORD_BREAK = /[ \t\r\n\f\v<>()[\]{}"'`,;|]+|[.:!?](?=[ \t\r\n]|$)/;

function parsed(text: string): JsonValue | undefined {
  try {
    return parseJson(text);
  } catch {
    return undefined; // a text that only looks like JSON is indexed as a text
  }
}

/** Whether the value stands in a trusted prompt as a whole: not as a part of a longer word, name or address. */
export function inPrompt(provenance: Provenance, value: Scalar): boolean {
  const text = typeof value === 'string' ? value : canonicalJson(value);
  if (text === '') return false;
  for (let index = 0; index < provenance.prompts.length; index += 1) {
    if (standsAlone(provenance.prompts.items[index] as string, text)) return true;
  }
  return false;
}

function standsAlone(text: string, value: string): boolean {
  for (let at = text.indexOf(value); at >= 0; at = text.indexOf(value, at + 1)) {
    const end = at + value.length;
    if (!joins(text, at - 1, -1) && !joins(text, end, 1)) return true;
  }
  return false;
}

/** Whether the character at `at` continues a word; a full stop or colon does so only if more of a word follows it. */
function joins(text: string, at: number, step: -1 | 1): boolean {
  const character = text[at];
  if (character === undefined) return false;
  if (character === '.' || character === ':') return joins(text, at + step, step);
  return /[A-Za-z0-9_@/+%&=#~$\\-]/.test(character) || character.charCodeAt(0) > 0x7f;
}

/** The results that hold the value whole, or as a word of a text. */
export function* resultsWith(
  provenance: Provenance,
  value: Scalar,
): Generator<ResultValues & { whole: boolean }> {
  const key = canonicalJson(value);
  const word = typeof value === 'string' ? value : key;
  for (let index = 0; index < provenance.results.length; index += 1) {
    const result = provenance.results.items[index] as ResultValues;
    const whole = result.values.has(key);
    if (whole || result.words.has(word)) yield { ...result, whole };
  }
}
