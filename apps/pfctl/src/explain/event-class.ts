import type { ArgumentCondition, EventClass } from '@provability-fabric/policy';

/** `send_mail or post`, `any write or egress tool`, `anything`: which events a clause speaks of. */
export function classPhrase({ tools, effects, label, args, principal }: EventClass): string {
  const conditions: string[] = [];
  if (tools !== null && effects !== null) conditions.push(`its effect is ${orList(effects)}`);
  for (const [pointer, condition] of Object.entries(args ?? {}))
    conditions.push(`${pointer} ${argumentPhrase(condition)}`);
  if (principal?.ids) conditions.push(`the agent is ${orList(principal.ids)}`);
  if (principal?.roles) conditions.push(`the agent's role is ${orList(principal.roles)}`);
  if (label?.at_least) conditions.push(`the session has read something ${label.at_least} or above`);
  if (label?.holds) conditions.push(`the session has read something of ${orList(label.holds)}`);
  if (label?.integrity) conditions.push(`what the session has read is ${label.integrity}`);
  const kind = tools !== null ? orList(tools) : effects === null ? 'anything' : `any ${orList(effects)} tool`;
  return conditions.length === 0 ? kind : `${kind} where ${conditions.join(' and ')}`;
}

function argumentPhrase({ present, equals, matches, at_least, at_most }: ArgumentCondition): string {
  const parts: string[] = [];
  if (present !== null) parts.push(present ? 'is given' : 'is not given');
  if (equals !== null) parts.push(`is ${orList(equals.map((value) => JSON.stringify(value)))}`);
  if (matches !== null) parts.push(`is like ${orList(matches.map((pattern) => JSON.stringify(pattern)))}`);
  if (at_least !== null) parts.push(`is at least ${at_least}`);
  if (at_most !== null) parts.push(`is at most ${at_most}`);
  return parts.join(' and ');
}

export function orList(words: readonly string[]): string {
  if (words.length < 2) return words[0] ?? 'nothing';
  return `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}
