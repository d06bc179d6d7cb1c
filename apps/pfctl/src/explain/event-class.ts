import type { EventClass } from '@provability-fabric/policy';

/** `send_mail or post`, `any write or egress tool`, `anything`: which events a clause speaks of. */
export function classPhrase({ tools, effects }: EventClass): string {
  if (tools === null) return effects === null ? 'anything' : `any ${orList(effects)} tool`;
  const named = orList(tools);
  return effects === null ? named : `${named} where its effect is ${orList(effects)}`;
}

export function orList(words: readonly string[]): string {
  if (words.length < 2) return words[0] ?? 'nothing';
  return `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}
