import type { JsonValue } from '@provability-fabric/kernel';
import { hashOf } from './chance.ts';
import type { Asked } from './ground-truth.ts';

// A strategy: a list of moves whose every choice is a function of what the agent has observed. The random tape of the
// theorem is in the moves themselves, which are drawn before the session begins.

export type Move =
  | {
      readonly kind: 'act';
      readonly when: Condition;
      readonly action: 'call' | 'read';
      /** One of these, by a bit of what was observed. */
      readonly targets: readonly string[];
      readonly args: readonly { readonly name: string; readonly value: Expression }[];
      /** Whether the answer comes before the next move. */
      readonly awaited: boolean;
    }
  /** The host says something; the clock goes on. */
  | { readonly kind: 'prompt'; readonly text: string }
  | { readonly kind: 'tick'; readonly after: number }
  /** What was not awaited comes in, or what was ambiguous becomes known. */
  | { readonly kind: 'settle' };

export type Condition =
  | { readonly kind: 'always' }
  | { readonly kind: 'bit'; readonly salt: string }
  | { readonly kind: 'refused' }
  | { readonly kind: 'contains'; readonly text: string };

export type Expression =
  | { readonly kind: 'is'; readonly value: JsonValue }
  /** The n-th last value observed, perhaps in disguise. */
  | { readonly kind: 'seen'; readonly back: number; readonly how: Disguise }
  /** The n-th last handle. */
  | { readonly kind: 'handle'; readonly back: number }
  | { readonly kind: 'bit'; readonly salt: string; readonly zero: Expression; readonly one: Expression }
  /** All that was observed, pressed into a type that a release names. */
  | { readonly kind: 'pressed'; readonly into: 'date' | 'amount' | 'id' }
  | { readonly kind: 'list'; readonly items: readonly Expression[] }
  /** A member whose very name says something. */
  | { readonly kind: 'named'; readonly name: Expression; readonly value: Expression };

export type Disguise = 'plain' | 'reversed' | 'base64' | 'shouted' | 'inside' | 'length';

/** What an agent knows: values in the order it saw them, and a digest of everything. */
export class Observations {
  readonly #values: (string | number)[] = [];
  #digest = 'nothing yet';
  #refused = false;

  /** `refused` null where what was observed is no answer of the fabric's own. */
  note(what: JsonValue, values: readonly (string | number)[], refused: boolean | null): void {
    this.#digest = `${hashOf(`${this.#digest} ${JSON.stringify(what)}`)}`;
    this.#values.push(...values);
    if (refused !== null) this.#refused = refused;
  }

  get digest(): string {
    return this.#digest;
  }

  bit(salt: string): boolean {
    return hashOf(`${salt} ${this.#digest}`) % 2 === 1;
  }

  holds(condition: Condition): boolean {
    switch (condition.kind) {
      case 'always':
        return true;
      case 'bit':
        return this.bit(condition.salt);
      case 'refused':
        return this.#refused;
      case 'contains':
        return this.#values.some((value) => String(value).includes(condition.text));
    }
  }

  valueOf(expression: Expression): JsonValue {
    switch (expression.kind) {
      case 'is':
        return expression.value;
      case 'seen':
        return disguised(this.#values.at(-1 - expression.back) ?? 'nothing', expression.how);
      case 'handle':
        return this.#values.filter(isHandle).at(-1 - expression.back) ?? 'no handle';
      case 'bit':
        return this.valueOf(this.bit(expression.salt) ? expression.one : expression.zero);
      case 'pressed':
        return pressed(hashOf(this.#digest), expression.into);
      case 'list':
        return expression.items.map((item) => this.valueOf(item));
      case 'named':
        return { [String(this.valueOf(expression.name))]: this.valueOf(expression.value) };
    }
  }

  asked({ action, targets, args, when }: Extract<Move, { kind: 'act' }>): Asked | undefined {
    if (!this.holds(when)) return undefined;
    const target = targets[this.bit('target') ? targets.length - 1 : 0] as string;
    const members = args.map(({ name, value }) => [name, this.valueOf(value)] as const);
    return { kind: action, target, args: Object.fromEntries(members) };
  }
}

export function isHandle(value: JsonValue): value is string {
  return typeof value === 'string' && value.startsWith('pfh1_');
}

function disguised(value: string | number, how: Disguise): JsonValue {
  const text = String(value);
  switch (how) {
    case 'plain':
      return value;
    case 'reversed':
      return [...text].reverse().join('');
    case 'base64':
      return Buffer.from(text).toString('base64');
    case 'shouted':
      return text.replace(/[a-z]/g, (letter) => String.fromCharCode(letter.charCodeAt(0) - 32));
    case 'inside':
      return `they say: ${text}, and so on`;
    case 'length':
      return text.length;
  }
}

function pressed(hash: number, into: 'date' | 'amount' | 'id'): JsonValue {
  if (into === 'amount') return hash % 1_000_000;
  if (into === 'id') return `id-${hash}`;
  return `20${10 + (hash % 80)}-0${1 + (hash % 9)}-1${hash % 10}`;
}
