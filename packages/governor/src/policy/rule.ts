import type { ExplainedRule, PlanInput } from './plan.ts';

/** What a rule found. */
export interface RuleFinding {
  readonly verdict: ExplainedRule['verdict'];
  readonly detail: string;
  readonly paths?: readonly string[];
  /** Names of patterns. */
  readonly patterns?: readonly string[];
}

/** A rule that Cedar cannot say. An error in it blocks. */
export interface Rule {
  readonly name: string;
  check(input: PlanInput): RuleFinding | Promise<RuleFinding>;
}

const SHOWN = 5;

/** A path for people and logs: whatever characters it holds, it stays one line. */
export function shownPath(path: string): string {
  const short = path.length > 120 ? `${path.slice(0, 117)}...` : path;
  const plain = short.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not reach a terminal
    /[\u0000-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ud800-\udfff`]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `\`${plain}\``;
}

/** Blocks for each of these paths, naming the first few and why. */
export function pathFinding(
  problems: readonly { readonly path: string; readonly why: string }[],
  passed: string,
  mend: string,
): RuleFinding {
  if (problems.length === 0) return { verdict: 'passed', detail: passed };
  const named = problems.slice(0, SHOWN).map(({ path, why }) => `${shownPath(path)}: ${why}`);
  const more = problems.length > SHOWN ? `; and ${problems.length - SHOWN} more` : '';
  return {
    verdict: 'blocked',
    detail: `${named.join('; ')}${more}; ${mend}`,
    paths: [...new Set(problems.map(({ path }) => path))],
  };
}
