import type { ToolEffect } from '@provability-fabric/policy';
import type { ParameterGuess } from './guess-parameters.ts';
import { ADMINISTERING, CHANGING, DESTROYING, MEMBERS, POWERS, READING, SENDING } from './lexicons.ts';
import type { ToolDescription } from './tool-description.ts';
import { firstIn, wordsOf } from './words.ts';

export interface EffectGuess {
  readonly effect: ToolEffect;
  readonly destroys: boolean;
  readonly once: boolean;
  readonly why: string;
}

const RANK: Readonly<Record<ToolEffect, number>> = { read: 0, write: 1, egress: 2, admin: 3 };

/**
 * By the name's verb, first of all: descriptions are prose and mention everything. Where two words disagree
 * the stronger effect is taken, and what is not understood at all is taken to write.
 */
export function guessEffect(tool: ToolDescription, reaches: ParameterGuess | undefined): EffectGuess {
  const words = wordsOf(tool.name);
  const named = byWords(words, 'name') ?? byWords(wordsOf(tool.description).slice(0, 3), 'description');
  const guess = named ?? byHints(tool);
  return hinted(withDestination(guess, reaches), tool);
}

function byWords(words: readonly string[], where: string): EffectGuess | undefined {
  const says = (word: string) => `the ${where} says \`${word}\``;
  const power = firstIn(words, POWERS);
  const reads = firstIn(words.slice(0, 1), READING);
  if (reads !== undefined) return { effect: 'read', destroys: false, once: false, why: says(reads) };
  const destroys = firstIn(words, DESTROYING);
  const changes = firstIn(words, CHANGING);
  const administers = firstIn(words.slice(0, 2), ADMINISTERING);
  if (administers !== undefined) {
    return { effect: 'admin', destroys: false, once: true, why: says(administers) };
  }
  if (power !== undefined && (destroys ?? changes) !== undefined) {
    return { effect: 'admin', destroys: destroys !== undefined, once: false, why: says(power) };
  }
  if (destroys !== undefined) {
    const member = firstIn(words, MEMBERS);
    return {
      effect: member === undefined ? 'write' : 'admin',
      destroys: true,
      once: false,
      why: says(member === undefined ? destroys : `${destroys} ${member}`),
    };
  }
  // The first word is the verb; "email" in `update_email_settings` is not what is done.
  const sends = firstIn(words.slice(0, 1), SENDING);
  if (sends !== undefined) return { effect: 'egress', destroys: false, once: true, why: says(sends) };
  if (changes !== undefined) {
    const repeats = firstIn(words, REPEATING) !== undefined;
    return { effect: 'write', destroys: false, once: repeats, why: says(changes) };
  }
  const later = firstIn(words, SENDING);
  if (later !== undefined && where === 'name') {
    return { effect: 'egress', destroys: false, once: true, why: says(later) };
  }
  const anywhere = firstIn(words, READING);
  if (anywhere === undefined) return undefined;
  return { effect: 'read', destroys: false, once: false, why: says(anywhere) };
}

/** Changing words whose repetition makes a second one. */
const REPEATING = new Map(
  [...CHANGING].filter(([, word]) => /^(?:create|add|append|insert|schedule|copy|make|import)$/.test(word)),
);

function byHints({ hints }: ToolDescription): EffectGuess {
  const base = { destroys: false, once: false };
  return hints.readOnly === true && hints.destructive !== true
    ? { ...base, effect: 'read', why: 'no word is known; only its server says that it reads: check' }
    : { ...base, effect: 'write', why: 'no word is known: taken to write, check' };
}

/** Where a parameter says who gets it, something leaves, whatever the verb. */
function withDestination(guess: EffectGuess, reaches: ParameterGuess | undefined): EffectGuess {
  if (guess.effect !== 'write' || guess.destroys || reaches === undefined) return guess;
  return { ...guess, effect: 'egress', once: true, why: `${guess.why}, and a parameter says who gets it` };
}

/** Hints only ever make it stricter: they are the server's word about itself. */
function hinted(guess: EffectGuess, { hints }: ToolDescription): EffectGuess {
  if (hints.destructive !== true || RANK[guess.effect] >= RANK.write) return guess;
  return { ...guess, effect: 'write', destroys: true, why: `${guess.why}, but its server says it destroys` };
}
