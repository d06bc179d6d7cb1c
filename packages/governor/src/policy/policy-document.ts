import {
  Composer,
  type CST,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type ParsedNode,
  Parser,
} from 'yaml';
import { GovernorError } from '../errors.ts';

const MAX_BYTES = 256 * 1024;
const MAX_DEPTH = 16;
const MAX_PROBLEMS = 20;

/** What is wrong with a policy file, collected so that one reading tells all of it. */
export class Problems {
  readonly #path: string;
  readonly #found: string[] = [];

  constructor(path: string) {
    this.#path = path;
  }

  add(place: { readonly line: number; readonly column: number }, message: string): void {
    this.#found.push(`${this.#path}:${place.line}:${place.column}: ${message}`);
  }

  throwIfAny(): void {
    if (this.#found.length > 0) {
      throw new GovernorError('POLICY_INVALID', this.#found.slice(0, MAX_PROBLEMS).join('\n'));
    }
  }
}

export interface PolicyDocument {
  readonly contents: ParsedNode | null;
  place(node: ParsedNode | null): { readonly line: number; readonly column: number };
}

/** One plain YAML document: no anchors, aliases, tags, directives or repeated keys. Throws POLICY_INVALID. */
export function parsePolicyDocument(text: string, problems: Problems): PolicyDocument {
  const lines = new LineCounter();
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  if (Buffer.byteLength(text) > MAX_BYTES) {
    problems.add(at(0), `expected at most ${MAX_BYTES} bytes, came more; move rules into policy.cedar`);
    problems.throwIfAny();
  }
  // The composer recurses, and its overflow would end the process: depth is bounded on the tokens.
  const tokens: CST.Token[] = [];
  for (const token of new Parser(lines.addNewLine).parse(text)) {
    if (token.type === 'directive')
      problems.add(at(token.offset), 'expected no directive, came a line with `%`');
    if (token.type === 'error') problems.add(at(token.offset), 'expected YAML, came something else');
    const deep = tooDeep(token);
    if (deep !== undefined)
      problems.add(at(deep), `expected at most ${MAX_DEPTH} levels of nesting, came more`);
    problems.throwIfAny();
    tokens.push(token);
  }
  if (tokens.filter(({ type }) => type === 'document').length > 1) {
    problems.add(at(0), 'expected one YAML document, came several; remove what follows `---`');
    problems.throwIfAny();
  }
  const composer = new Composer({ stringKeys: true, uniqueKeys: false, logLevel: 'silent' });
  const [document] = composer.compose(tokens, true, text.length) as Iterable<Document.Parsed>;
  for (const { pos, message } of [...(document?.errors ?? []), ...(document?.warnings ?? [])]) {
    problems.add(at(pos[0]), `expected YAML: ${(message.split('\n')[0] ?? '').toLowerCase()}`);
  }
  problems.throwIfAny();
  const contents = (document?.contents ?? null) as ParsedNode | null;
  const place = (node: ParsedNode | null) => at(node?.range[0] ?? 0);
  refuseFeatures(contents, (node, message) => problems.add(place(node), message));
  problems.throwIfAny();
  return { contents, place };
}

function tooDeep(root: CST.Token): number | undefined {
  const open: [CST.Token, number][] = [[root, 0]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [token, depth] = next;
    if (depth > MAX_DEPTH) return token.offset;
    if (token.type === 'document' && token.value) open.push([token.value, depth]);
    if (!('items' in token)) continue;
    for (const item of token.items) {
      if ('key' in item && item.key) open.push([item.key, depth + 1]);
      if (item.value) open.push([item.value, depth + 1]);
    }
  }
  return undefined;
}

function refuseFeatures(node: ParsedNode | null, refuse: (node: ParsedNode, message: string) => void): void {
  if (node === null) return;
  if (isAlias(node)) {
    refuse(node, 'expected plain YAML, came an alias; write the value out');
    return;
  }
  if (node.anchor !== undefined) refuse(node, 'expected plain YAML, came an anchor; write the value out');
  if (node.tag !== undefined) refuse(node, `expected plain YAML, came the tag \`${node.tag.slice(0, 40)}\``);
  if (isSeq(node)) for (const item of node.items) refuseFeatures(item as ParsedNode, refuse);
  if (!isMap(node)) return;
  const seen = new Set<unknown>();
  for (const { key, value } of node.items as { key: ParsedNode; value: ParsedNode | null }[]) {
    const name = isScalar(key) ? String(key.value) : '';
    if (seen.has(name)) refuse(key, `\`${name.slice(0, 80)}\`: expected each key once, came it again`);
    seen.add(name);
    refuseFeatures(key, refuse);
    refuseFeatures(value, refuse);
  }
}
