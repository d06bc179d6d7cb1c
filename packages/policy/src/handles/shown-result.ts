import {
  field,
  flowsTo,
  isJsonObject,
  type JsonValue,
  joinLabels,
  type Label,
  stringifyJson,
} from '@provability-fabric/kernel';
import type { OutcomeKind } from '@provability-fabric/statements';
import {
  labelHere,
  mcpContent,
  type Open,
  placesHere,
  type ResultPattern,
  recordsIn,
  steps,
} from '../checks/flow/result-parts.ts';

/** How a result is to be shown: everything that decides it but the result itself. */
export interface Hiding {
  /** What the whole carries. */
  readonly label: Label;
  readonly patterns: readonly ResultPattern[];
  readonly text: 'json' | 'yaml';
  /** The most that the agent sees. */
  readonly clearance: Label;
  readonly outcome: OutcomeKind;
}

/** A part of a result that the agent gets a handle for. */
export interface HiddenPart {
  readonly value: JsonValue;
  readonly payload?: JsonValue;
  readonly label: Label;
  readonly path: readonly string[];
  readonly places: number;
}

/** Beside the members of an object that are shown: the handle of the object as a whole. */
export const REST = 'pf_handle';

/** More parts than this are one: handles must not cost more than what they stand for. */
export const MAX_PARTS = 256;

/** A result with parts that the agent does not see. */
export interface Concealed {
  /**
   * In the order in which their handles stand. How many there are depends on labels, on what is shown and on which members
   * that the bundle names are there: neither on how much is hidden nor on what.
   */
  readonly parts: readonly HiddenPart[];
  /** What the agent gets, with these handles in the places of the parts. */
  show(ids: readonly string[]): JsonValue;
}

/** Takes a result apart; undefined where the agent may see all of it. */
export function conceal(result: JsonValue, hiding: Hiding): Concealed | undefined {
  // No field carries what the whole does not.
  if (flowsTo(hiding.label, hiding.clearance)) return undefined;
  const parts = partsOf(result, hiding);
  if (parts.length <= MAX_PARTS) {
    return {
      parts,
      show(ids) {
        let next = 0;
        return showing(result, hiding, () => ids[next++] as string);
      },
    };
  }
  return {
    parts: partsOf(result, { ...hiding, patterns: [] }).slice(0, 1),
    show: ([id]) => showing(result, { ...hiding, patterns: [] }, () => id as string),
  };
}

function partsOf(result: JsonValue, hiding: Hiding): readonly HiddenPart[] {
  const parts: HiddenPart[] = [];
  showing(result, hiding, (part) => {
    parts.push(part);
    return '';
  });
  return parts;
}

type Take = (part: HiddenPart) => string;

function showing(result: JsonValue, hiding: Hiding, take: Take): JsonValue {
  const { label, outcome, text } = hiding;
  // What an action answers that did not succeed is in no form that the bundle knows.
  const patterns = outcome === 'done' ? hiding.patterns : [];
  const open = patterns.map((pattern) => ({ pattern, depth: 0 }));
  const walk = new Walk(hiding.clearance, take);
  const blocks = mcpContent(result);
  if (blocks === undefined) {
    // Pointers begin at the result: what a text in it says is no part of it.
    const records = typeof result === 'string' ? recordsIn(result, text) : undefined;
    const passedOn = wholeOf(result);
    return walk.node(records ?? result, { label, places: 0, open, path: [], passedOn });
  }
  const texts = blocks.map((block) => textOf(block));
  const structured = field(result, 'structuredContent');
  const isError = field(result, 'isError');
  return {
    content: texts.every((each) => each !== undefined)
      ? shownTexts(walk, texts, blocks, { label, places: 0, open, path: [] }, text)
      : [textBlock(walk.whole(wholeOf(result), label))],
    ...(structured === undefined
      ? {}
      : { structuredContent: asObject(walk.node(structured, { label, places: 0, open, path: [] })) }),
    ...(typeof isError === 'boolean' ? { isError } : {}),
  };
}

function shownTexts(
  walk: Walk,
  texts: readonly string[],
  blocks: JsonValue,
  place: Place,
  form: 'json' | 'yaml',
): JsonValue {
  const [first] = texts;
  if (texts.length === 1 && first !== undefined) {
    const records = recordsIn(first, form);
    return [textBlock(walk.node(records ?? first, { ...place, passedOn: first }))];
  }
  const payloads = texts.map((text) => recordsIn(text, form) ?? text);
  const shown = walk.node(payloads, { ...place, passedOn: blocks });
  return Array.isArray(shown) ? (shown as readonly JsonValue[]).map(textBlock) : [textBlock(shown)];
}

function textBlock(value: JsonValue): JsonValue {
  return { type: 'text', text: typeof value === 'string' ? value : stringifyJson(value) };
}

/** Clients take structured content for an object. */
function asObject(value: JsonValue): JsonValue {
  return isJsonObject(value) ? value : { [REST]: value };
}

/** The text of a block that is a text and nothing else. */
function textOf(block: JsonValue): string | undefined {
  const text = field(block, 'text');
  return field(block, 'type') === 'text' && typeof text === 'string' ? text : undefined;
}

/** What is passed on where a result is hidden as a whole: the one text that it is, or all of it. */
export function wholeOf(result: JsonValue): JsonValue {
  const blocks = mcpContent(result);
  if (blocks !== undefined) {
    const [first] = blocks;
    return (blocks.length === 1 && first !== undefined ? textOf(first) : undefined) ?? blocks;
  }
  const contents = field(result, 'contents');
  const [only] = Array.isArray(contents) && contents.length === 1 ? contents : [];
  const text = field(only, 'text');
  return typeof text === 'string' ? text : result;
}

interface Place {
  readonly label: Label;
  readonly places: number;
  readonly open: readonly Open[];
  readonly path: readonly string[];
  /** What a handle for this place stands for, where that is not the value. */
  readonly passedOn?: JsonValue;
}

/** The patterns that hold for members of every name. */
function forAnyName(open: readonly Open[]): readonly Open[] {
  return open
    .filter(({ pattern, depth }) => pattern.tokens[depth] === '*')
    .map(({ pattern, depth }) => ({ pattern, depth: depth + 1 }));
}

class Walk {
  readonly #clearance: Label;
  readonly #take: Take;

  constructor(clearance: Label, take: Take) {
    this.#clearance = clearance;
    this.#take = take;
  }

  whole(value: JsonValue, label: Label): string {
    return this.#take({ value, label, path: [], places: 0 });
  }

  node(value: JsonValue, { label: inherited, places: above, open, path, passedOn }: Place): JsonValue {
    const label = open.length === 0 ? inherited : labelHere(open, inherited);
    const places = open.length === 0 ? above : above | placesHere(open);
    const place = { label, places, open, path };
    const deeper = open.filter(({ pattern, depth }) => pattern.tokens.length > depth);
    if (deeper.length === 0) return this.#sees(label) ? value : this.#hide(value, place, passedOn);
    if (Array.isArray(value)) return this.#list(value, place, passedOn);
    if (isJsonObject(value)) return this.#object(value, place, passedOn);
    return this.#sees(label) ? value : this.#hide(value, place, passedOn);
  }

  /** The length of a list is shown where the list is, or where something of each element is. */
  #list(value: readonly JsonValue[], place: Place, passedOn: JsonValue | undefined): JsonValue {
    const { label, places, open, path } = place;
    const opens = open.some(
      ({ pattern, depth }) =>
        pattern.tokens[depth] === '*' && pattern.label !== null && this.#sees(pattern.label),
    );
    // That there is nothing is data as well, with the label of the list.
    if ((!opens || value.length === 0) && !this.#sees(label)) return this.#hide(value, place, passedOn);
    return value.map((item, index) => {
      const token = String(index);
      return this.node(item, { label, places, open: steps(open, token), path: [...path, token] });
    });
  }

  /** Members that the bundle names are shown or hidden one by one; all others only where their names may be seen. */
  #object(
    value: Readonly<Record<string, JsonValue>>,
    place: Place,
    passedOn: JsonValue | undefined,
  ): JsonValue {
    const { label, places, open, path } = place;
    const named = new Set(
      open.map(({ pattern, depth }) => pattern.tokens[depth]).filter((token) => token !== '*'),
    );
    const showsNames = this.#sees(labelHere(forAnyName(open), label));
    // As they stand in the record, whatever order they came in: each handle has its place there.
    const keys = Object.keys(value).sort();
    const isOpened = (showsNames && keys.length > 0) || keys.some((key) => named.has(key));
    if (!isOpened && !this.#sees(label)) return this.#hide(value, place, passedOn);
    const members = keys
      .filter((key) => showsNames || named.has(key))
      .map((key): [string, JsonValue] => [
        key,
        this.node(value[key] as JsonValue, { label, places, open: steps(open, key), path: [...path, key] }),
      ]);
    // Whether there is anything else is not shown.
    if (!showsNames) members.push([REST, this.#hide(value, place, passedOn)]);
    return Object.fromEntries(members);
  }

  #sees(label: Label): boolean {
    return flowsTo(label, this.#clearance);
  }

  #hide(payload: JsonValue, { label, places, open, path }: Place, passedOn: JsonValue = payload): string {
    const below = open.flatMap(({ pattern }) => (pattern.label === null ? [] : [pattern.label]));
    const part = { value: passedOn, label: below.reduce(joinLabels, label), path, places };
    return this.#take(passedOn === payload ? part : { ...part, payload });
  }
}
