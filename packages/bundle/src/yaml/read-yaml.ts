import type { JsonValue } from '@provability-fabric/kernel';
import { Composer, type CST, type Document, Parser } from 'yaml';
import type { Diagnostics } from '../diagnostics.ts';
import { Locations } from './located.ts';
import { readNode } from './read-node.ts';
import { TextLines } from './text-lines.ts';

export interface YamlDocument {
  readonly value: JsonValue;
  readonly locations: Locations;
}

/**
 * Deeper than any bundle needs. The composer recurses, and an overflow inside one of its expressions ends
 * the process.
 */
const MAX_DEPTH = 32;
/** One stray bracket can make a thousand errors; the first few tell. */
const MAX_SYNTAX_ERRORS = 20;

/**
 * One YAML 1.2 document as JSON with places. Only what reads the same to everybody: no anchors, aliases,
 * tags, merge keys or directives. undefined once something is wrong, and then `found` says what.
 */
export function readYaml(file: string, text: string, found: Diagnostics): YamlDocument | undefined {
  const lines = new TextLines(file, text);
  const tokens = readTokens(text, lines, found);
  if (tokens === undefined) return undefined;
  const document = compose(tokens, text.length);
  const problems = [...document.errors, ...document.warnings];
  for (const problem of problems.slice(0, MAX_SYNTAX_ERRORS)) {
    found.error('YAML_SYNTAX', lines.place(problem.pos[0]), {
      message: `expected YAML, came something else: ${sentence(problem.message)}`,
      mend: 'write it as plain YAML 1.2, indented with spaces',
    });
  }
  if (problems.length > 0) return undefined;
  const context = { found, place: (offset: number) => lines.place(offset), failed: false };
  const { value, located } = readNode(document.contents, context);
  return context.failed ? undefined : { value, locations: new Locations(lines, located) };
}

/** The parts of the text. The reader of parts does not recurse, so here is where depth is bounded. */
function readTokens(text: string, lines: TextLines, found: Diagnostics): readonly CST.Token[] | undefined {
  const tokens: CST.Token[] = [];
  let documents = 0;
  for (const token of new Parser().parse(text)) {
    if (token.type === 'directive') {
      found.error('YAML_FEATURE', lines.place(token.offset), {
        message: 'expected YAML 1.2 without directives, came a line that begins with `%`',
        mend: 'remove the line',
      });
      return undefined;
    }
    if (token.type === 'document') documents += 1;
    if (token.type === 'error' || documents > 1) {
      const message = token.type === 'error' ? sentence(token.message) : 'a second document after `---`';
      found.error('YAML_SYNTAX', lines.place(token.offset), {
        message: `expected one YAML document, came something else: ${message}`,
        mend: 'write one document of plain YAML 1.2, indented with spaces',
      });
      return undefined;
    }
    tokens.push(token);
    const deep = tooDeep(token);
    if (deep !== undefined) {
      found.error('YAML_SYNTAX', lines.place(deep), {
        message: `expected at most ${MAX_DEPTH} levels of nesting, came more`,
        mend: 'close the brackets that are open, or nest less',
      });
      return undefined;
    }
  }
  return tokens;
}

/** The offset of the first part that is nested too deep. */
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

function compose(tokens: readonly CST.Token[], end: number): Document.Parsed {
  // Keys are compared while reading the nodes: the composer does it in quadratic time.
  const composer = new Composer({
    intAsBigInt: true,
    uniqueKeys: false,
    stringKeys: true,
    logLevel: 'silent',
  });
  const [document] = composer.compose(tokens, true, end);
  return document as Document.Parsed;
}

function sentence(message: string): string {
  return message.slice(0, 1).toLowerCase() + message.slice(1).replace(/\s+/g, ' ').slice(0, 200);
}
