import { isJsonObject, type JsonValue, parsePointer } from '@provability-fabric/kernel';
import type { Action, Principal } from '../../input.ts';
import { looksLikeReference, partsOf, type TextPart } from './reference.ts';
import { coversName, type SecretRule } from './rules.ts';

/** An argument in which values take the places of references. */
export interface SecretUse {
  readonly path: readonly string[];
  readonly parts: readonly TextPart[];
}

/** Why a reference is not resolved; `secret` absent where the text is none. */
export interface RefusedReference {
  readonly path: readonly string[];
  readonly problem: string;
  readonly secret?: string;
}

export interface FoundReferences {
  readonly uses: readonly SecretUse[];
  readonly refused: readonly RefusedReference[];
}

/** Of one action, references and refusals each: the agent must not choose how many. */
const MAX_USES = 16;
const NONE: FoundReferences = { uses: [], refused: [] };

/** The references in an action's arguments, each held against the rules. */
export function referencesIn(
  rules: readonly SecretRule[],
  { kind, target, args }: Action,
  principal: Principal,
): FoundReferences {
  if (!mayHold(args)) return NONE;
  const uses: SecretUse[] = [];
  const refused: RefusedReference[] = [];
  let count = 0;
  const refuse = (refusal: RefusedReference) => void (refused.length < MAX_USES && refused.push(refusal));
  const reference = (name: string, path: readonly string[], isWhole: boolean): void => {
    count += 1;
    const place = { target, path, secret: name, isWhole };
    if (count > MAX_USES) refuse({ path, problem: `is more than ${MAX_USES} in one action` });
    else if (!rules.some((rule) => permits(rule, place, principal)))
      refuse({ path, secret: name, problem: 'is not permitted here' });
  };
  const text = (value: string, path: readonly string[]): void => {
    const parts = looksLikeReference(value) ? partsOf(value) : [];
    if (parts === undefined) refuse({ path, problem: 'is no reference to a secret' });
    else if (parts.length > 0 && kind === 'read')
      refuse({ path, problem: 'stands in a question for a document' });
    else {
      for (const part of parts) if (typeof part === 'object') reference(part.name, path, parts.length === 1);
      if (parts.length > 0 && uses.length < MAX_USES) uses.push({ path, parts });
    }
  };
  const visit = (value: JsonValue, path: readonly string[]): void => {
    if (typeof value === 'string') text(value, path);
    else if (Array.isArray(value)) {
      for (const [index, item] of (value as readonly JsonValue[]).entries())
        visit(item, [...path, String(index)]);
    } else if (isJsonObject(value)) {
      for (const [key, member] of Object.entries(value)) {
        if (looksLikeReference(key)) refuse({ path, problem: 'stands in the name of a member' });
        visit(member, [...path, key]);
      }
    }
  };
  visit(args, []);
  return { uses, refused };
}

/** Most arguments hold none; then nothing is built for their paths. */
function mayHold(value: JsonValue): boolean {
  if (typeof value === 'string') return looksLikeReference(value);
  if (Array.isArray(value)) return (value as readonly JsonValue[]).some(mayHold);
  if (!isJsonObject(value)) return false;
  return Object.entries(value).some(([key, member]) => looksLikeReference(key) || mayHold(member));
}

interface Place {
  readonly target: string;
  readonly path: readonly string[];
  readonly secret: string;
  readonly isWhole: boolean;
}

function permits(rule: SecretRule, { target, path, secret, isWhole }: Place, principal: Principal): boolean {
  return (
    coversName(rule.name, secret) &&
    rule.tools.includes(target) &&
    (isWhole || rule.embedded) &&
    isFor(rule, principal) &&
    rule.parameters.some((pointer) => isAt(path, pointer))
  );
}

function isFor({ principals, roles }: SecretRule, { id, roles: own }: Principal): boolean {
  if (principals === null && roles === null) return true;
  return principals?.includes(id) === true || roles?.some((role) => own.includes(role)) === true;
}

function isAt(path: readonly string[], pointer: string): boolean {
  const tokens = parsePointer(pointer);
  return tokens.length === path.length && tokens.every((token, at) => token === '*' || token === path[at]);
}

/** The names that an action uses, ascending, each once. */
export function namesIn(uses: readonly SecretUse[]): readonly string[] {
  const names = uses.flatMap(({ parts }) =>
    parts.flatMap((part) => (typeof part === 'string' ? [] : [part.name])),
  );
  return [...new Set(names)].sort();
}

/** The arguments with a text in the place of each use. What a value holds is not looked into again. */
export function withTexts(
  args: JsonValue,
  texts: readonly { readonly path: readonly string[]; readonly text: string }[],
): JsonValue {
  const put = (value: JsonValue, path: readonly string[], text: string): JsonValue => {
    const [token, ...rest] = path;
    if (token === undefined) return text;
    if (Array.isArray(value))
      return (value as readonly JsonValue[]).map((item, index) =>
        String(index) === token ? put(item, rest, text) : item,
      );
    if (!isJsonObject(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [key, key === token ? put(member, rest, text) : member]),
    );
  };
  return texts.reduce((sofar, { path, text }) => put(sofar, path, text), args);
}
