import { canonicalJson } from '@provability-fabric/kernel';
import type { AppendLog } from '../../append-log.ts';
import type { Scalar } from './arguments.ts';

/** Whether the value stands in a trusted prompt as a whole: not as a part of a longer word, name or address. */
export function inPrompt(prompts: AppendLog<string>, value: Scalar): boolean {
  const text = typeof value === 'string' ? value : canonicalJson(value);
  if (text === '') return false;
  for (let index = 0; index < prompts.length; index += 1) {
    if (standsAlone(prompts.items[index] as string, text)) return true;
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
