import {
  asClauseId,
  asPrincipalId,
  asToolName,
  type JsonValue,
  label,
  parsePointer,
} from '@provability-fabric/kernel';
import type { ArgumentCondition, EventClass, LabelCondition, PrincipalCondition } from '../../event-class.ts';
import {
  byName,
  flag,
  integer,
  listOf,
  malformed,
  members,
  oneOf,
  orNull,
  type Reader,
  textThat,
} from '../../structure.ts';
import {
  AUTOMATA_FORMAT,
  type AutomataDocument,
  type LetterClass,
  type Register,
  type TraceAutomaton,
  type Transition,
} from './automaton.ts';
import type { TracePattern } from './pattern.ts';

/** The shape of `artifact/dfa.json`; what it says is `automataProblems`'s to judge. Throws PolicyError BUNDLE_MALFORMED. */
export function readAutomata(value: JsonValue): AutomataDocument {
  return automataDocument(value, 'dfa');
}

const constant: Reader<string | number | boolean | null> = (value, where) => {
  const scalar =
    value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isSafeInteger(value);
  return scalar ? (value as string | number | boolean | null) : malformed(where, 'a scalar', value);
};
const someText = (most: number) =>
  textThat(`text of 1 to ${most} characters`, (text) => text !== '' && text.length <= most && isPlain(text));
const compartment = textThat('a compartment', (text) =>
  label('public', [text === 'tenant:{tenant}' ? 'tenant:any' : text], 'trusted'),
);

function isPlain(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code < 0x20 || code === 0x7f) return false;
  }
  return true;
}

const labelCondition = members<LabelCondition>({
  at_least: orNull(oneOf('public', 'internal', 'confidential', 'secret')),
  holds: orNull(listOf(compartment, 1)),
  integrity: orNull(oneOf('trusted', 'untrusted')),
});

const principalCondition = members<PrincipalCondition>({
  ids: orNull(listOf(textThat('a principal id', asPrincipalId), 1)),
  roles: orNull(listOf(someText(256), 1)),
});

const wholeNumber = integer(Number.MIN_SAFE_INTEGER);
const argumentCondition = members<ArgumentCondition>({
  present: orNull(flag),
  equals: orNull(listOf(constant, 1)),
  matches: orNull(listOf(someText(1024), 1)),
  at_least: orNull(wholeNumber),
  at_most: orNull(wholeNumber),
});

export const eventClass = members<EventClass>({
  tools: orNull(listOf(textThat('a tool name', asToolName), 1)),
  effects: orNull(listOf(oneOf('read', 'write', 'egress', 'admin'), 1)),
  label: orNull(labelCondition),
  args: orNull(byName(textThat('a JSON pointer', parsePointer), argumentCondition)),
  principal: orNull(principalCondition),
});

const PATTERNS: { readonly [K in TracePattern['kind']]: Reader<Extract<TracePattern, { kind: K }>> } = {
  never: members({ kind: oneOf('never'), never: eventClass }),
  only_after: members({ kind: oneOf('only_after'), only: eventClass, after: eventClass }),
  after_never: members({
    kind: oneOf('after_never'),
    after: eventClass,
    never: eventClass,
    until: orNull(eventClass),
  }),
  at_most: members({ kind: oneOf('at_most'), most: integer(1), of: eventClass }),
  after_then: members({
    kind: oneOf('after_then'),
    after: eventClass,
    response: eventClass,
    within_ms: integer(1),
    tolerance_ms: integer(0),
  }),
};

export const tracePatterns: Readonly<Record<string, Reader<TracePattern>>> = PATTERNS;

const REGISTERS: Readonly<Record<Register['kind'], Reader<Register>>> = {
  counter: members({ kind: oneOf('counter'), most: integer(1) }),
  deadline: members({ kind: oneOf('deadline'), within_ms: integer(1) }),
};

const register: Reader<Register> = (value, where) => {
  const kind = oneOf('counter', 'deadline')(
    (value as { kind?: JsonValue } | undefined)?.kind,
    `${where}.kind`,
  );
  return REGISTERS[kind](value, where);
};

const automaton = members<TraceAutomaton>({
  clause: textThat('a clause id', asClauseId),
  initial: integer(0),
  states: integer(1),
  classes: listOf(members<LetterClass>({ on: eventClass, unknown: oneOf('in', 'out') })),
  register: orNull(register),
  transitions: listOf(
    members<Transition>({
      from: integer(0),
      at: oneOf('asked', 'done', 'deadline'),
      in: listOf(integer(0)),
      not_in: listOf(integer(0)),
      full: orNull(flag),
      to: integer(0),
      action: orNull(oneOf('count', 'start', 'clear', 'forget')),
      violation: orNull(oneOf('TRACE_FORBIDDEN', 'TRACE_OBLIGATION')),
    }),
  ),
});

export const automataDocument = members<AutomataDocument>({
  format: oneOf(AUTOMATA_FORMAT),
  automata: listOf(automaton),
});
