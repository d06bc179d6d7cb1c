import { parse } from 'yaml';

/**
 * One line of a review: what a person decided about sources, sinks and parameters, for all tools whose
 * names match. It names tools, fields and parameters, never a value, so it can be tried on tools that it
 * was not written for.
 */
export interface ReviewLine {
  /** Patterns of tool names; `*` matches any run of characters. */
  readonly tools: readonly string[];
  /** With `label`: what a part of the tools' results carries, by JSON pointer. */
  readonly field?: string;
  /** With `rule`: the demand on a parameter that the draft demands something of; null demands nothing. */
  readonly parameter?: string;
  readonly label?: object;
  readonly rule?: object | null;
  /** The label of the tools' whole results. */
  readonly returns?: object;
  /** How the tools' texts write records. */
  readonly text?: string;
}

const KEYS = ['tools', 'field', 'parameter', 'label', 'rule', 'returns', 'text'];

export function parseReview(text: string): readonly ReviewLine[] {
  const lines: unknown = parse(text);
  if (!Array.isArray(lines)) throw new Error('expected a review to be a list of lines');
  return lines.map((line: ReviewLine, index) => {
    const strange = Object.keys(line).find((key) => !KEYS.includes(key));
    const complete =
      Array.isArray(line.tools) &&
      (line.field === undefined) === (line.label === undefined) &&
      (line.parameter === undefined) === (line.rule === undefined);
    if (strange !== undefined || !complete)
      throw new Error(`expected line ${index} of the review to be complete`);
    return line;
  });
}

export interface Reviewed {
  readonly bundleYaml: string;
  /** How many lines of the bundle differ from the draft; each is marked. */
  readonly changed: number;
}

/**
 * The draft's bundle.yaml with the review's lines applied. The draft has a line for each label and each
 * parameter; a line that comes out otherwise is marked, so the count is what a person changed.
 */
export function applyReview(draft: string, review: readonly ReviewLine[]): Reviewed {
  const { tools } = parse(draft) as { readonly tools: Readonly<Record<string, WrittenTool>> };
  let changed = 0;
  let tool = '';
  const lines = draft.split('\n').flatMap((line): readonly string[] => {
    tool = /^ {2}("?)([A-Za-z].*)\1:$/.exec(line)?.[2] ?? tool;
    const written = tools[tool];
    const mine = review.filter(({ tools: patterns }) => patterns.some((pattern) => matches(pattern, tool)));
    const key = /^(?: {4}(returns)| {6}"?([^" ]+)"?): \{/.exec(line);
    if (written === undefined || key === null || mine.length === 0) return [line];
    const before = key[1] === undefined ? (written.parameters?.[key[2] ?? ''] ?? {}) : written.returns;
    const after =
      key[1] === undefined ? reviewedRule(before, key[2] ?? '', mine) : reviewedReturns(before, mine);
    if (JSON.stringify(after) === JSON.stringify(before)) return [line];
    changed += 1;
    return after === null ? [] : [`${line.slice(0, line.indexOf(': {'))}: ${flow(after)}  # reviewed`];
  });
  return { bundleYaml: lines.join('\n'), changed };
}

interface WrittenTool {
  readonly returns: object;
  readonly parameters?: Readonly<Record<string, object>>;
}

function reviewedRule(before: object, parameter: string, mine: readonly ReviewLine[]): object | null {
  const said = mine.filter((line) => line.parameter === parameter).at(-1);
  return said?.rule === undefined ? before : said.rule;
}

function reviewedReturns(before: object, mine: readonly ReviewLine[]): object {
  const whole = mine.filter(({ returns }) => returns !== undefined).at(-1)?.returns ?? before;
  const fields = mine.flatMap(({ field, label }) => (field === undefined ? [] : [[field, label] as const]));
  const text = mine.filter((line) => line.text !== undefined).at(-1)?.text;
  return {
    ...whole,
    ...(text === undefined ? {} : { text }),
    ...(fields.length === 0 ? {} : { fields: Object.fromEntries(fields) }),
  };
}

function matches(pattern: string, name: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[^A-Za-z0-9_]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(name);
}

/** A value on one line, as the draft writes its own. */
function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    return `{ ${Object.entries(value)
      .map(([key, inner]) => `${flow(key)}: ${flow(inner)}`)
      .join(', ')} }`;
  }
  return typeof value === 'string' && !/^[A-Za-z][A-Za-z0-9_-]*$/.test(value)
    ? JSON.stringify(value)
    : String(value);
}
