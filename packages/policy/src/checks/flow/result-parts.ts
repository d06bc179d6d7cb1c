import {
  field,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  joinLabels,
  type Label,
  parseJson,
} from '@provability-fabric/kernel';
import type { Scalar } from './arguments.ts';
import { yamlIn } from './yaml-records.ts';

/** What a pointer into a result stands for. */
export interface ResultPattern {
  readonly tokens: readonly string[];
  /** The label of what stands there; null: the pattern only names the place. */
  readonly label: Label | null;
  /** A bit for each place that some demand names; 0: the pattern only labels. */
  readonly place: number;
}

/** Takes up a result part by part. */
export interface PartVisitor {
  /** A whole value, its label, and the places of demands that it stands at. */
  value(value: Scalar, label: Label, places: number): void;
  /** The name of a member: data as well, unless a pattern names it. */
  key(key: string, label: Label): void;
  /** An empty list or object: that nothing is there is data as well. */
  empty(label: Label): void;
  /** On the way to a member or element of the payload, and back: for who wants to know where things stand. */
  enter?(token: string): void;
  leave?(): void;
}

/** JSON inside a text inside a text …: followed so far; beyond it a text is a text. */
const MAX_TEXTS = 3;

export interface Open {
  readonly pattern: ResultPattern;
  /** How many of its tokens lead to here. */
  readonly depth: number;
}

const NONE: readonly Open[] = [];

/**
 * Visits every value of a result with its label. Patterns begin at the payload: the result itself, or for an MCP result
 * its `structuredContent` and the JSON in its text (with several texts, the list of what they hold). They do not reach
 * into JSON that a value holds as its text: whoever wrote that value could give its parts any name.
 */
export function visitResult(
  result: JsonValue,
  whole: Label,
  patterns: readonly ResultPattern[],
  visitor: PartVisitor,
  text: 'json' | 'yaml' = 'json',
): void {
  const walk = new Walk(visitor, text);
  const open = patterns.map((pattern) => ({ pattern, depth: 0 }));
  const content = mcpContent(result);
  if (content === undefined) {
    walk.payload(result, whole, open);
    return;
  }
  const texts: JsonValue[] = [];
  for (const [key, value] of Object.entries(result as JsonObject)) {
    if (key === 'structuredContent') walk.payload(value, whole, open);
    else if (key === 'isError' ? typeof value !== 'boolean' : key !== 'content')
      walk.member(key, value, whole);
  }
  for (const block of content) {
    for (const [key, value] of Object.entries(block)) {
      if (key === 'text' && block.type === 'text') texts.push(value);
      else if (key !== 'type' || !BLOCK_TYPES.has(value)) walk.member(key, value, whole);
    }
  }
  if (texts.length === 1) walk.payload(texts[0] as JsonValue, whole, open);
  else walk.payloads(texts, whole, open);
}

/** Of results and of their blocks (MCP): these names say nothing. */
const PROTOCOL_MEMBERS: ReadonlySet<string> = new Set(
  'content structuredContent isError _meta type text annotations data mimeType resource uri name title description size icons'.split(
    ' ',
  ),
);

const BLOCK_TYPES: ReadonlySet<JsonValue> = new Set(['text', 'image', 'audio', 'resource', 'resource_link']);

export interface Block extends JsonObject {
  readonly type: string;
}

/** The blocks of an MCP result; undefined where the result is of another form. */
export function mcpContent(result: JsonValue): readonly Block[] | undefined {
  const content = field(result, 'content');
  if (!Array.isArray(content)) return undefined;
  const blocks = content as readonly JsonValue[];
  const wellFormed = blocks.every((block) => typeof field(block, 'type') === 'string');
  return wellFormed ? (blocks as readonly Block[]) : undefined;
}

class Walk {
  readonly #visitor: PartVisitor;
  readonly #text: 'json' | 'yaml';

  constructor(visitor: PartVisitor, text: 'json' | 'yaml') {
    this.#visitor = visitor;
    this.#text = text;
  }

  /** A result as its server means it: JSON in a text counts as the JSON. */
  payload(value: JsonValue, label: Label, open: readonly Open[]): void {
    const inner = typeof value === 'string' ? recordsIn(value, this.#text) : undefined;
    this.node(inner ?? value, label, 0, open, inner === undefined ? 0 : 1);
  }

  payloads(texts: readonly JsonValue[], label: Label, open: readonly Open[]): void {
    for (const [index, text] of texts.entries()) {
      this.#visitor.enter?.(String(index));
      this.payload(text, label, steps(open, String(index)));
      this.#visitor.leave?.();
    }
  }

  /** What the protocol, or whoever wrote the result, put beside the payload. */
  member(key: string, value: JsonValue, whole: Label): void {
    if (!PROTOCOL_MEMBERS.has(key)) this.#visitor.key(key, whole);
    this.node(value, whole, 0, NONE, 0);
  }

  node(value: JsonValue, inherited: Label, placesAbove: number, open: readonly Open[], texts: number): void {
    const label = open.length === 0 ? inherited : labelHere(open, inherited);
    const places = open.length === 0 ? placesAbove : placesAbove | placesHere(open);
    if (Array.isArray(value)) {
      const items = value as readonly JsonValue[];
      if (items.length === 0) this.#visitor.empty(label);
      for (let index = 0; index < items.length; index += 1) {
        const next = open.length === 0 ? open : steps(open, String(index));
        this.#visitor.enter?.(String(index));
        this.node(items[index] as JsonValue, label, places, next, texts);
        this.#visitor.leave?.();
      }
    } else if (isJsonObject(value)) {
      const keys = Object.keys(value);
      if (keys.length === 0) this.#visitor.empty(label);
      for (const key of keys) this.#member(key, value[key] as JsonValue, label, places, open, texts);
    } else this.#scalar(value as Scalar, label, places, texts);
  }

  #member(
    key: string,
    value: JsonValue,
    label: Label,
    places: number,
    open: readonly Open[],
    texts: number,
  ): void {
    const next = open.length === 0 ? open : steps(open, key);
    const named = open.some(({ pattern, depth }) => pattern.tokens[depth] === key);
    if (!named) this.#visitor.key(key, next.length === 0 ? label : labelHere(next, label));
    this.#visitor.enter?.(key);
    this.node(value, label, places, next, texts);
    this.#visitor.leave?.();
  }

  #scalar(value: Scalar, label: Label, places: number, texts: number): void {
    this.#visitor.value(value, label, places);
    if (typeof value !== 'string' || texts >= MAX_TEXTS) return;
    const inner = jsonIn(value);
    if (inner !== undefined) this.node(inner, label, 0, NONE, texts + 1);
  }
}

export function steps(open: readonly Open[], token: string): readonly Open[] {
  const next: Open[] = [];
  for (const { pattern, depth } of open) {
    const wanted = pattern.tokens[depth];
    if (wanted !== undefined && (wanted === token || wanted === '*'))
      next.push({ pattern, depth: depth + 1 });
  }
  return next.length === 0 ? NONE : next;
}

/** The label of the patterns that end here, all of them joined; what holds above where none does. */
export function labelHere(open: readonly Open[], inherited: Label): Label {
  let here: Label | undefined;
  for (const { pattern, depth } of open) {
    if (pattern.label === null || pattern.tokens.length !== depth) continue;
    here = here === undefined ? pattern.label : joinLabels(here, pattern.label);
  }
  return here ?? inherited;
}

export function placesHere(open: readonly Open[]): number {
  let places = 0;
  for (const { pattern, depth } of open) if (pattern.tokens.length === depth) places |= pattern.place;
  return places;
}

/** The records that a text is, in the form that its tool writes them. */
export function recordsIn(text: string, form: 'json' | 'yaml'): JsonValue | undefined {
  return jsonIn(text) ?? (form === 'yaml' ? yamlIn(text) : undefined);
}

/** The object or list that a text is, if it is one. */
export function jsonIn(text: string): JsonValue | undefined {
  const start = /^[ \t\r\n]*[{[]/.test(text);
  if (!start) return undefined;
  try {
    return parseJson(text);
  } catch {
    return undefined; // a text that only looks like JSON is a text
  }
}
