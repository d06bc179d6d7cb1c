import {
  canonicalJson,
  field,
  isJsonObject,
  type JsonValue,
  type Label,
  label,
  parsePointer,
} from '@provability-fabric/kernel';
import type { Event, Finding } from '../checks/check.ts';
import { absolute } from '../checks/findings.ts';
import type { Scalar } from '../checks/flow/arguments.ts';
import { isOfType } from '../checks/flow/field-types.ts';
import { forTenant } from '../checks/flow/labels.ts';
import type { LoadedBundle } from '../load-bundle.ts';
import { EXTRACT_TYPES, type ExtractType } from './extract-types.ts';
import { type HandlesState, heldValue } from './handles-state.ts';
import type { HeldValue } from './held-value.ts';
import { EXTRACT_TOOL, type ExtractRule } from './rules.ts';

/** What an agent asks to be taken out of a hidden value. */
export interface Extraction {
  readonly handle: string;
  readonly path: readonly string[];
  readonly type: ExtractType;
  /** With `enum`: the set of constants. */
  readonly of: string | null;
  /** What is taken out carries this. */
  readonly label: Label;
}

/** Each failed one says a bit about what is hidden: that it has not the form. */
export const MAX_ATTEMPTS = 8;

export function isExtraction(bundle: LoadedBundle, { intent: { action } }: Pick<Event, 'intent'>): boolean {
  const { handles } = bundle.ir;
  return action.kind === 'call' && action.target === EXTRACT_TOOL && (handles?.extract.length ?? 0) > 0;
}

/** The extraction that an event asks for, or why it may not: a function of labels and of the bundle, not of the value. */
export function askedExtraction(
  bundle: LoadedBundle,
  event: Pick<Event, 'intent' | 'used'>,
): { readonly extraction: Extraction } | { readonly finding: Finding } {
  const { args } = event.intent.action;
  const [used] = event.used ?? [];
  const asked = readArguments(args);
  // A handle that is none of this session is refused already.
  if (typeof asked === 'string' || used === undefined) {
    const problem = typeof asked === 'string' ? asked : 'expected a handle of this session';
    return { finding: absolute('NOT_PERMITTED', { problem }) };
  }
  const { held } = used;
  const rule = bundle.ir.handles?.extract.find((each) => permits(each, held, asked));
  if (rule === undefined) {
    const problem = 'expected a rule of handles.extract for this tool, field and type';
    return { finding: absolute('NOT_PERMITTED', { problem, tool: held.tool, type: asked.type }) };
  }
  const released = forTenant(rule.label, event.intent.principal.tenant);
  return {
    extraction: {
      handle: used.id,
      path: asked.path,
      type: asked.type,
      of: asked.of,
      // What belongs to a tenant is never released to another.
      label: label(
        released.level,
        [...released.compartments, ...held.label.compartments.filter((name) => name.startsWith('tenant:'))],
        released.integrity,
      ),
    },
  };
}

/** Whether anything more may be asked of a handle. */
export function hasAttempts(state: HandlesState, { handle }: Extraction): boolean {
  return (state.attempts.get(handle) ?? 0) < MAX_ATTEMPTS;
}

/** One more attempt, whatever comes of it. */
export function withAttempt(state: HandlesState, { handle }: Extraction): HandlesState {
  const attempts = new Map(state.attempts);
  return { ...state, attempts: attempts.set(handle, (attempts.get(handle) ?? 0) + 1) };
}

/** The same text for every reason. */
const NOT_OF_THE_FORM = 'not extracted: there is no value of that form in that place';

export interface Extracted {
  readonly outcome: 'done' | 'failed';
  readonly result: JsonValue;
}

/** What the fabric answers. */
export function extracted(bundle: LoadedBundle, state: HandlesState, asked: Extraction): Extracted {
  const held = heldValue(state, asked.handle);
  const value = held === undefined ? undefined : valueAt(held, asked.path);
  const fits = value !== undefined && typeof value !== 'object' && isOf(bundle, asked, value);
  return fits ? { outcome: 'done', result: value } : { outcome: 'failed', result: NOT_OF_THE_FORM };
}

function isOf(bundle: LoadedBundle, { type, of }: Extraction, value: Scalar): boolean {
  if (type !== 'enum') return isOfType(type, value);
  return bundle.constants.get(of ?? '')?.has(canonicalJson(value)) ?? false;
}

interface Asked {
  readonly path: readonly string[];
  readonly type: ExtractType;
  readonly of: string | null;
}

const MEMBERS: ReadonlySet<string> = new Set(['handle', 'pointer', 'type', 'of']);

function readArguments(args: JsonValue): Asked | string {
  if (!isJsonObject(args)) return 'expected arguments in an object';
  const stranger = Object.keys(args).find((name) => !MEMBERS.has(name));
  if (stranger !== undefined) return 'expected only handle, pointer, type and of';
  if (typeof field(args, 'handle') !== 'string') return 'expected a `handle`';
  const type = EXTRACT_TYPES.find((each) => each === field(args, 'type'));
  if (type === undefined) return `expected a \`type\` out of ${EXTRACT_TYPES.join(', ')}`;
  const of = field(args, 'of') ?? null;
  if ((type === 'enum') !== (typeof of === 'string'))
    return 'expected `of` with the name of a set, for enum alone';
  const path = pathIn(field(args, 'pointer') ?? '');
  return path === undefined
    ? 'expected a JSON pointer in `pointer`'
    : { path, type, of: of as string | null };
}

function pathIn(pointer: JsonValue): readonly string[] | undefined {
  if (typeof pointer !== 'string' || pointer.length > 1024) return undefined;
  try {
    return parsePointer(pointer);
  } catch {
    return undefined;
  }
}

function permits({ tool, field: place, types, of }: ExtractRule, held: HeldValue, asked: Asked): boolean {
  if (tool !== held.tool || !types.includes(asked.type)) return false;
  if (asked.of !== null && !of.includes(asked.of)) return false;
  if (place === null) return true;
  // What did not succeed has no fields.
  if (!held.vouches) return false;
  const tokens = parsePointer(place);
  const path = [...held.path, ...asked.path];
  return tokens.length === path.length && tokens.every((token, at) => token === '*' || token === path[at]);
}

function valueAt({ value, payload = value }: HeldValue, path: readonly string[]): JsonValue | undefined {
  // Never into the JSON of a text: whoever wrote it could give its parts any name.
  let at: JsonValue | undefined = path.length === 0 ? value : payload;
  for (const token of path) {
    if (Array.isArray(at)) at = /^(?:0|[1-9][0-9]{0,8})$/.test(token) ? at[Number(token)] : undefined;
    else if (isJsonObject(at)) at = field(at, token);
    else return undefined;
  }
  return at;
}
