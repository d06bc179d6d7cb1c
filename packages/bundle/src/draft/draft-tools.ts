import type { ToolEffect } from '@provability-fabric/policy';
import { type EffectGuess, guessEffect } from './guess-effect.ts';
import { guessChoices, guessParameters, type ParameterGuess, wordyParameters } from './guess-parameters.ts';
import { guessReturns, type ReturnsGuess } from './guess-returns.ts';
import { COMMITTING, REACHES_OUT } from './lexicons.ts';
import type { ToolDescription } from './tool-description.ts';
import { firstIn, wordsOf } from './words.ts';

/** What the draft says of one tool, before it is written down. */
export interface DraftedTool {
  readonly name: string;
  readonly effect: EffectGuess;
  readonly returns: ReturnsGuess;
  readonly reachesOut: boolean;
  readonly demands: readonly Demand[];
  /** Parameters that matter, but of which nothing is demanded; with the reason. */
  readonly spared: readonly { readonly pointer: string; readonly why: string }[];
  /** Whether anything ties what it does to somebody's word; without that the draft does not permit it. */
  readonly guarded: boolean;
}

/** Who may vouch for a value, beside the prompt. */
export type Voucher =
  | { readonly kind: 'stores' }
  | { readonly kind: 'trusted' }
  | { readonly kind: 'results'; readonly of: readonly string[] };

export interface Demand {
  readonly pointer: string;
  readonly optional: boolean;
  readonly why: string;
  readonly voucher: Voucher;
}

const SINKS: ReadonlySet<ToolEffect> = new Set(['write', 'egress', 'admin']);

interface Seen {
  readonly tool: ToolDescription;
  readonly effect: EffectGuess;
  readonly returns: ReturnsGuess;
  readonly parameters: readonly ParameterGuess[];
}

export function draftTools(tools: readonly ToolDescription[]): readonly DraftedTool[] {
  const seen = tools.map((tool): Seen => {
    const parameters = guessParameters(tool);
    const reaches = parameters.find(({ kind }) => kind === 'destination');
    const effect = guessEffect(tool, reaches);
    return { tool, parameters, effect, returns: guessReturns(tool, effect.effect === 'read') };
  });
  const drafted = seen.map((one) => draftTool(one, seen));
  const wordy = new Set(
    seen.flatMap((one, at) => (takesAnyWords(one, drafted[at] as DraftedTool) ? [one] : [])),
  );
  return drafted.map((tool, at) => withoutLaundering(tool, seen[at] as Seen, wordy));
}

/** Whether a tool acts on words that nothing is demanded of, a stranger's among them. */
function takesAnyWords({ tool, effect }: Seen, { demands }: DraftedTool): boolean {
  if (!SINKS.has(effect.effect)) return false;
  return wordyParameters(tool).some(
    (pointer) =>
      !demands.some((demand) => demand.pointer === pointer || demand.pointer.startsWith(`${pointer}/`)),
  );
}

/**
 * What strangers' words can be written into is no longer the owner's own, and neither is an answer that
 * repeats them.
 */
function withoutLaundering(tool: DraftedTool, one: Seen, wordy: ReadonlySet<Seen>): DraftedTool {
  if (tool.returns.integrity === 'untrusted') return tool;
  const untrusted = (why: string): DraftedTool => ({
    ...tool,
    returns: { ...tool.returns, integrity: 'untrusted', why },
  });
  if (wordy.has(one)) return untrusted('it may repeat what it was given, and any words may be given to it');
  const nouns = new Set(one.returns.nouns.filter((word) => !GENERIC.has(word)));
  for (const writer of wordy) {
    if (writer.returns.nouns.some((noun) => nouns.has(noun))) {
      return untrusted(`any words can be written into it: ${writer.tool.name}`);
    }
  }
  return tool;
}

function draftTool(one: Seen, all: readonly Seen[]): DraftedTool {
  const { tool, effect, returns, parameters } = one;
  const demands: Demand[] = [];
  const spared: { pointer: string; why: string }[] = [];
  const reaches = parameters.some(({ kind }) => kind === 'destination' || kind === 'link');
  for (const parameter of [...parameters, ...choicesOf(one)]) {
    const demand = demandOn(parameter, one, reaches);
    const { pointer, optional, why } = parameter;
    if (typeof demand === 'string') spared.push({ pointer, why: `${why}; ${demand}` });
    else if (demand) demands.push({ pointer, optional, why, voucher: voucherFor(parameter, one, all) });
  }
  return {
    name: tool.name,
    effect,
    returns,
    reachesOut: reachesOutward(one),
    demands,
    spared,
    guarded:
      effect.effect === 'read' || demands.length > 0 || (effect.effect === 'write' && !effect.destroys),
  };
}

function choicesOf({ tool, effect, parameters }: Seen): readonly ParameterGuess[] {
  if (!SINKS.has(effect.effect) || firstIn(wordsOf(tool.name).slice(0, 1), COMMITTING) === undefined)
    return [];
  if (parameters.some(({ kind }) => kind === 'destination')) return [];
  const known = new Set(parameters.map(({ pointer }) => pointer));
  return guessChoices(tool).filter(({ pointer }) => !known.has(pointer));
}

/** true: its source matters; false: it does not; a text: it would, but for this reason. */
function demandOn({ kind }: ParameterGuess, { effect }: Seen, reaches: boolean): boolean | string {
  const acts = SINKS.has(effect.effect);
  switch (kind) {
    case 'path':
    case 'link':
      return true;
    case 'destination':
    case 'secret':
    case 'command':
    case 'choice':
      return acts;
    case 'identifier':
      if (!acts) return false;
      return effect.destroys || !reaches || 'who gets it is demanded already';
    case 'amount':
      if (!acts) return false;
      return !reaches || 'amounts are often worked out, and who gets it is demanded';
  }
}

/**
 * For ids and choices the lists of the same things; for the rest whatever only the owner can have filled
 * in.
 */
function voucherFor(parameter: ParameterGuess, one: Seen, all: readonly Seen[]): Voucher {
  switch (parameter.kind) {
    case 'path':
      return { kind: 'stores' };
    case 'secret':
    case 'command':
      return { kind: 'results', of: [] };
    case 'destination':
    case 'link':
    case 'amount':
      return { kind: 'trusted' };
    case 'identifier':
    case 'choice': {
      const about = new Set([...parameter.words, ...one.returns.nouns].filter((word) => !GENERIC.has(word)));
      // What makes or changes a thing answers with its id, so acting tools count as well.
      const same = all.filter(({ returns }) => returns.nouns.some((noun) => about.has(noun)));
      return { kind: 'results', of: same.map(({ tool }) => tool.name) };
    }
  }
}

const GENERIC: ReadonlySet<string> = new Set(wordsOf('id ids name new list all item data info'));

function reachesOutward({ tool, effect, parameters }: Seen): boolean {
  if (effect.effect === 'egress') return true;
  if (parameters.some(({ kind }) => kind === 'link')) return true;
  return effect.effect === 'read' && firstIn(wordsOf(tool.name), REACHES_OUT) !== undefined;
}
