import { isJsonObject, type JsonObject, type JsonValue } from '@provability-fabric/kernel';

/**
 * The records in a text that a server writes as YAML: block lists and maps of scalars, as serializers print
 * them. Strict: a comment, an anchor, a tag, a flow collection, a block scalar, a key twice, a tab, or
 * anything else in which two readers could differ makes the text no record. undefined for those, and for a
 * text that is a scalar as a whole.
 */
export function yamlIn(text: string): JsonValue | undefined {
  if (text.length > MAX_LENGTH || !/^(?:- |[A-Za-z_])/.test(text)) return undefined;
  return new Reader(text.replace(/\n+$/, '').split('\n')).document();
}

const MAX_LENGTH = 1_000_000;
const MAX_DEPTH = 32;

const KEY = /^([A-Za-z0-9_][A-Za-z0-9_.@+/$ -]*|'[^'\\]*'):(?: (.*))?$/;
/** What a plain scalar cannot begin with, or hold without being something else. */
const SPECIAL =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are among what this refuses
  /^(?:[,[\]{}#&*!|>'"%@`]|[-?:](?: |$))|: | #|:$| $|[\u0000-\u001f\u007f\u0085\u2028\u2029\ufeff]/;
const NOTHING: unique symbol = Symbol('not a record');
type Read = JsonValue | typeof NOTHING;

/** Reads line by line; each line is looked at once, so the time is linear in the text. */
class Reader {
  readonly #lines: string[];
  #at = 0;

  constructor(lines: string[]) {
    this.#lines = lines;
  }

  document(): JsonValue | undefined {
    const value = this.#node(0, 0);
    if (value === NOTHING || this.#at < this.#lines.length) return undefined;
    return Array.isArray(value) || isJsonObject(value) ? value : undefined;
  }

  get #line(): string | undefined {
    return this.#lines[this.#at];
  }

  #indent(): number {
    const line = this.#line;
    if (line === undefined) return -1;
    let indent = 0;
    while (line[indent] === ' ') indent += 1;
    return indent === line.length ? -1 : indent;
  }

  #node(indent: number, depth: number): Read {
    if (depth > MAX_DEPTH) return NOTHING;
    const line = this.#line ?? '';
    return line[indent] === '-' ? this.#list(indent, depth) : this.#map(indent, depth);
  }

  #list(indent: number, depth: number): Read {
    const items: JsonValue[] = [];
    while (this.#indent() === indent && /^-(?: |$)/.test((this.#line ?? '').slice(indent))) {
      const rest = (this.#line ?? '').slice(indent + 2);
      const item = this.#item(rest, indent, depth);
      if (item === NOTHING) return NOTHING;
      items.push(item);
    }
    return items.length === 0 ? NOTHING : items;
  }

  #item(rest: string, indent: number, depth: number): Read {
    if (KEY.test(rest) || /^- /.test(rest)) {
      // The item begins on the line of its mark: read it as if it stood alone there.
      this.#lines[this.#at] = `${' '.repeat(indent + 2)}${rest}`;
      return this.#node(indent + 2, depth + 1);
    }
    return this.#scalar(rest, indent);
  }

  #map(indent: number, depth: number): Read {
    const members = new Map<string, JsonValue>();
    while (this.#indent() === indent) {
      const found = KEY.exec((this.#line ?? '').slice(indent));
      if (found === null) return NOTHING;
      const key = (found[1] as string).replace(/^'|'$/g, '');
      const value = found[2] === undefined ? this.#below(indent, depth) : this.#scalar(found[2], indent);
      if (value === NOTHING || members.has(key) || key.endsWith(' ')) return NOTHING;
      members.set(key, value);
    }
    return members.size === 0 ? NOTHING : (Object.fromEntries(members) as JsonObject);
  }

  /** What stands under a key: further in, or a list at the key's own indent. */
  #below(indent: number, depth: number): Read {
    this.#at += 1;
    const next = this.#indent();
    if (next > indent) return this.#node(next, depth + 1);
    const listed = next === indent && /^-(?: |$)/.test((this.#line ?? '').slice(indent));
    return listed ? this.#list(indent, depth + 1) : null;
  }

  #scalar(rest: string, indent: number): Read {
    if (rest === '[]' || rest === '{}') {
      this.#at += 1;
      return rest === '[]' ? [] : {};
    }
    if (rest.startsWith("'") || rest.startsWith('"')) return this.#quoted(rest, indent);
    if (SPECIAL.test(rest)) return NOTHING;
    this.#at += 1;
    const parts = [rest];
    while (this.#indent() > indent) {
      const more = (this.#line ?? '').trimStart();
      if (SPECIAL.test(more)) return NOTHING;
      parts.push(more);
      this.#at += 1;
    }
    return parts.length === 1 ? typed(rest) : parts.join(' ');
  }

  #quoted(first: string, indent: number): Read {
    const quote = first[0] as string;
    const lines = [first.slice(1)];
    for (;;) {
      const last = lines.at(-1) as string;
      const end = endOf(last, quote);
      if (end >= 0) {
        if (end !== last.length - 1) return NOTHING;
        lines[lines.length - 1] = last.slice(0, end);
        this.#at += 1;
        return quote === "'" ? folded(lines).replaceAll("''", "'") : unescaped(folded(lines));
      }
      this.#at += 1;
      const line = this.#line;
      if (line === undefined || line.includes('\t')) return NOTHING;
      const at = this.#indent();
      if (at >= 0 && at <= indent) return NOTHING;
      lines.push(line);
    }
  }
}

/** Where the quote ends on this line; -1 where it goes on. */
function endOf(line: string, quote: string): number {
  for (let at = 0; at < line.length; at += 1) {
    if (quote === '"' && line[at] === '\\') at += 1;
    else if (line[at] === quote) {
      if (quote === '"' || line[at + 1] !== "'") return at;
      at += 1;
    }
  }
  return -1;
}

/** Line breaks in quotes: one is a space, each further one a line break; one that is escaped is nothing. */
function folded(lines: readonly string[]): string {
  let text = '';
  let breaks = 0;
  for (const [index, line] of lines.entries()) {
    const escaped = /(?:^|[^\\])(?:\\\\)*\\$/.test(line);
    let part = index === 0 ? line : line.replace(/^ +/, '');
    if (escaped) part = part.slice(0, -1);
    else if (index < lines.length - 1) part = part.replace(/ +$/, '');
    if (index > 0) {
      if (part === '' && !escaped && index < lines.length - 1) {
        breaks += 1;
        continue;
      }
      if (breaks > 0) text += '\n'.repeat(breaks);
      else if (!text.endsWith(JOINED)) text += ' ';
    }
    breaks = 0;
    text = text.endsWith(JOINED) ? text.slice(0, -1) + part : text + part;
    if (escaped) text += JOINED;
  }
  return text.replaceAll(JOINED, '');
}

/** Stands for an escaped line break while lines are joined; a text with it is refused before. */
const JOINED = '\u0000';

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  n: '\n',
  t: '\t',
  r: '\r',
  b: '\b',
  f: '\f',
  ' ': ' ',
  e: '\u001b',
  '0': '\u0000',
  N: '\u0085',
  _: '\u00a0',
  L: '\u2028',
  P: '\u2029',
};

function unescaped(text: string): Read {
  let out = '';
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at] as string;
    if (character !== '\\') {
      out += character;
      continue;
    }
    at += 1;
    const kind = text[at] ?? '';
    const length = { x: 2, u: 4, U: 8 }[kind];
    if (length === undefined) {
      const plain = ESCAPES[kind];
      if (plain === undefined) return NOTHING;
      out += plain;
      continue;
    }
    const digits = text.slice(at + 1, at + 1 + length);
    const point =
      /^[0-9A-Fa-f]+$/.test(digits) && digits.length === length ? Number.parseInt(digits, 16) : -1;
    if (point < 0 || point > 0x10ffff) return NOTHING;
    out += String.fromCodePoint(point);
    at += length;
  }
  return out;
}

function typed(text: string): JsonValue {
  if (text === 'null' || text === '~') return null;
  if (text === 'true' || text === 'false') return text === 'true';
  // No other spelling of a number has one meaning in every version of YAML.
  if (/^-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?$/.test(text)) return Number(text);
  return text;
}
