import type { Random } from './random.ts';

/** One authorization question, in nobody's format: each system builds its own request from it. */
export interface Question {
  readonly principal: string;
  /** The team the principal is in directly; '' for none. */
  readonly team: string;
  readonly tool: string;
  /** The folder the tool is in directly; '' for none. */
  readonly folder: string;
  readonly arguments: { readonly amount: number; readonly tenant: string; readonly note: string };
}

/** One rule, in nobody's format. What is undefined does not restrict. */
export interface Rule {
  readonly effect: 'permit' | 'forbid';
  readonly principal?: string;
  readonly team?: string;
  readonly tool?: string;
  readonly folder?: string;
  /** Condition on the arguments. */
  readonly tenant: string;
  readonly limit: number;
}

export interface Shape {
  readonly name: string;
  readonly rules: readonly Rule[];
  /** child → parent, for teams and folders: chains of DEPTH levels. */
  readonly teams: ReadonlyMap<string, string>;
  readonly folders: ReadonlyMap<string, string>;
  question(random: Random): Question;
}

export const DEPTH = 10;
const NONE: ReadonlyMap<string, string> = new Map();

/** Every rule names its own principal and tool: a request matches the scope of one rule, or of none. */
export function distinctScopes(count: number): Shape {
  return {
    name: 'distinct scopes',
    rules: rules(count, (n) => ({ principal: `user-${n}`, tool: `tool-${n}` })),
    teams: NONE,
    folders: NONE,
    question: (random) => {
      const n = random.below(count);
      const tool = random.chance(0.8) ? n : random.below(count);
      return {
        principal: `user-${n}`,
        team: '',
        tool: `tool-${tool}`,
        folder: '',
        arguments: callArguments(random, n),
      };
    },
  };
}

/**
 * No rule has a scope: each has to look at the arguments, so every request is evaluated against every rule.
 */
export function allUnscoped(count: number): Shape {
  return {
    name: 'all unscoped',
    rules: rules(count, () => ({})),
    teams: NONE,
    folders: NONE,
    question: (random) => ({
      principal: `user-${random.below(count)}`,
      team: '',
      tool: `tool-${random.below(count)}`,
      folder: '',
      arguments: callArguments(random, random.below(count)),
    }),
  };
}

/**
 * Rules about teams and folders anywhere in trees of chains DEPTH levels deep; principals and tools are
 * leaves.
 */
export function deepHierarchies(count: number): Shape {
  const chains = Math.max(1, Math.ceil(count / DEPTH));
  const tree = (kind: string): Map<string, string> => {
    const parents = new Map<string, string>();
    for (let chain = 0; chain < chains; chain++) {
      for (let level = 1; level < DEPTH; level++)
        parents.set(`${kind}-${chain}-${level}`, `${kind}-${chain}-${level - 1}`);
    }
    return parents;
  };
  return {
    name: 'deep hierarchies',
    rules: rules(count, (n) => ({
      team: `team-${n % chains}-${Math.floor(n / chains) % DEPTH}`,
      folder: `folder-${n % chains}-${(n * 7) % DEPTH}`,
    })),
    teams: tree('team'),
    folders: tree('folder'),
    question: (random) => {
      const n = random.below(count);
      const chain = n % chains;
      const other = random.chance(0.8) ? chain : random.below(chains);
      return {
        principal: `user-${random.below(count)}`,
        team: `team-${chain}-${DEPTH - 1 - random.below(2)}`,
        tool: `tool-${random.below(count)}`,
        folder: `folder-${other}-${DEPTH - 1 - random.below(2)}`,
        arguments: callArguments(random, n),
      };
    },
  };
}

function rules(
  count: number,
  scope: (n: number) => Omit<Rule, 'effect' | 'tenant' | 'limit'>,
): readonly Rule[] {
  return Array.from({ length: count }, (_, n) => ({
    // Every tenth rule forbids small amounts of its tenant, so that all three systems have to combine
    // effects.
    effect: n % 10 === 9 ? 'forbid' : 'permit',
    tenant: `tenant-${n}`,
    limit: n % 10 === 9 ? 10 : 500,
    ...scope(n),
  }));
}

function callArguments(random: Random, n: number): Question['arguments'] {
  return { amount: random.below(1000), tenant: `tenant-${n}`, note: 'paid as agreed' };
}
