import { visible } from '@provability-fabric/command-line';
import { formatDuration } from '@provability-fabric/configuration';
import { isStay, type TraceAutomaton, type Transition } from '@provability-fabric/policy';
import { classPhrase } from '../explain/event-class.ts';

/** The transitions that a drawing shows: those that change something, or refuse. */
export function drawnTransitions({ transitions }: TraceAutomaton): readonly Transition[] {
  return transitions.filter((transition) => !isStay(transition));
}

/** `asked: send_mail, not approve → starts the deadline`: when it is taken and what it does. */
export function transitionText(automaton: TraceAutomaton, transition: Transition): string {
  const { at, in: has, not_in: lacks, full, action, violation } = transition;
  const phrase = (index: number) => classPhrase(automaton.classes[index]?.on ?? NOTHING);
  const letters = [...has.map(phrase), ...lacks.map((index) => `not ${phrase(index)}`)];
  const { register } = automaton;
  if (full !== null && register?.kind === 'counter')
    letters.push(full ? `${register.most} counted` : `fewer than ${register.most} counted`);
  const when = at === 'deadline' ? 'the deadline passes' : `${at}: ${letters.join(', ') || 'anything'}`;
  const does = violation === null ? ACTIONS[action ?? 'none'] : ` → refused, ${violation}`;
  const within =
    action === 'start' && register?.kind === 'deadline' ? ` of ${formatDuration(register.within_ms)}` : '';
  return visible(`${when}${does}${within}`);
}

const NOTHING = { tools: null, effects: null, label: null, args: null, principal: null };

const ACTIONS = {
  none: '',
  count: ' → counted',
  start: ' → starts the deadline',
  clear: ' → ends the deadline',
  forget: ' → begins anew',
} as const;
