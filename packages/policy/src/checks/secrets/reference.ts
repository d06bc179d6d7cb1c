import { isSecretName } from './rules.ts';

/** What stands for a secret's value in an argument: `secret://name`, or `secret://name#field`. */
export interface SecretReference {
  readonly name: string;
  /** null: the one field that the secret has. */
  readonly field: string | null;
}

/** A text as it is sent on: what the agent wrote, and references to be replaced. */
export type TextPart = string | SecretReference;

// Letter by letter, so that no engine's table of cases decides what looks like one.
const MARK = /[sS][eE][cC][rR][eE][tT]:\/\//;
const REFERENCE =
  /secret:\/\/([A-Za-z0-9][A-Za-z0-9._-]{0,126}(?:\/[A-Za-z0-9][A-Za-z0-9._-]{0,126}){0,15})(?:#([A-Za-z0-9][A-Za-z0-9._-]{0,126}))?/y;
/** What may follow one within a text: nothing that could be read as more of it. */
const ENDS = /^[\s"'`,;)\]}>&|@?]/;

/** Whether a text wants to be a reference, or holds one. */
export function looksLikeReference(text: string): boolean {
  return MARK.test(text);
}

/** A text with references in it, taken apart; undefined where one of them is none. */
export function partsOf(text: string): readonly TextPart[] | undefined {
  const parts: TextPart[] = [];
  let rest = 0;
  for (let at = nextMark(text, 0); at >= 0; at = nextMark(text, rest)) {
    REFERENCE.lastIndex = at;
    const [whole, name = '', field = null] = REFERENCE.exec(text) ?? [];
    if (whole === undefined || !isSecretName(name)) return undefined;
    const end = at + whole.length;
    if (end < text.length && !ENDS.test(text.slice(end, end + 1))) return undefined;
    if (at > rest) parts.push(text.slice(rest, at));
    parts.push({ name, field });
    rest = end;
  }
  if (rest < text.length) parts.push(text.slice(rest));
  return parts;
}

/** Whether a text is one reference and nothing else. */
export function isWholeReference(value: unknown): boolean {
  if (typeof value !== 'string' || !looksLikeReference(value)) return false;
  const parts = partsOf(value);
  return parts?.length === 1 && typeof parts[0] === 'object';
}

function nextMark(text: string, from: number): number {
  const found = text.slice(from).search(MARK);
  return found < 0 ? -1 : from + found;
}
