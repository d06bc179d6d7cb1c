export interface Token {
  readonly kind: 'string' | 'integer' | 'word' | 'mark';
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

// Cedar's own lexer: white space and line comments are skipped, a string ends at the first quote that is not
// escaped.
const TOKEN =
  /(?<skip>\s+|\/\/[^\n\r]*)|(?<string>"(?:\\.|[^"\\])*")|(?<integer>[0-9]+)|(?<word>[_a-zA-Z][_a-zA-Z0-9]*)|(?<mark>[\s\S])/y;

/** The tokens of a text that Cedar has accepted, so that every character belongs to one. */
export function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(text); match; match = TOKEN.exec(text)) {
    const { skip, string, integer, word } = match.groups ?? {};
    if (skip === undefined) {
      const kind =
        string !== undefined
          ? 'string'
          : integer !== undefined
            ? 'integer'
            : word !== undefined
              ? 'word'
              : 'mark';
      tokens.push({ kind, start: match.index, end: TOKEN.lastIndex, text: match[0] });
    }
  }
  return tokens;
}

/** One policy as written, from its first annotation or keyword to its semicolon. */
export interface PolicySource {
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly tokens: readonly Token[];
}

/** Cedar uses the semicolon to end a policy and for nothing else. What follows the last one is cut off. */
export function splitPolicies(text: string): readonly PolicySource[] {
  const policies: PolicySource[] = [];
  let tokens: Token[] = [];
  for (const token of tokenize(text)) {
    tokens.push(token);
    const [first] = tokens;
    if (token.text !== ';' || !first) continue;
    policies.push({ start: first.start, end: token.end, text: text.slice(first.start, token.end), tokens });
    tokens = [];
  }
  return policies;
}

/** The policy's `@id` as far as it can be told before the text is parsed: for messages only. */
export function writtenId({ tokens }: PolicySource): string | undefined {
  const at = tokens.findIndex(({ text }, index) => text === '@' && tokens[index + 1]?.text === 'id');
  const value = at < 0 ? undefined : tokens[at + 3];
  return value?.kind === 'string' ? value.text.slice(1, -1) : undefined;
}
