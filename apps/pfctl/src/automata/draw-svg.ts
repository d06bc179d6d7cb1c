import { visible } from '@provability-fabric/command-line';
import type { AutomataDocument, TraceAutomaton, Transition } from '@provability-fabric/policy';
import { drawnTransitions, transitionText } from './transition-text.ts';

const STEP = 160;
const RADIUS = 20;
const LINE = 18;
const CHARACTER = 7.3;
/** Room above the states for arcs and loops. */
const ABOVE = 96;
const BELOW = 60;

interface Drawn {
  readonly markup: string;
  readonly width: number;
  readonly height: number;
}

/** One row of states for each clause; the arrows are numbered, and what each means is written below. */
export function automataAsSvg({ automata }: AutomataDocument): string {
  let top = 0;
  const rows: string[] = [];
  let width = 320;
  for (const automaton of automata) {
    const drawn = row(automaton);
    rows.push(`<g transform="translate(0 ${top})">\n${drawn.markup}</g>\n`);
    top += drawn.height;
    width = Math.max(width, drawn.width);
  }
  const height = Math.max(top, LINE);
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
    'font-family="monospace" font-size="12">\n' +
    '<title>trace automata</title>\n' +
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">' +
    '<path d="M0 0 L8 4 L0 8 z"/></marker></defs>\n' +
    `<rect width="${width}" height="${height}" fill="white"/>\n` +
    `${rows.join('')}</svg>\n`
  );
}

function row(automaton: TraceAutomaton): Drawn {
  const { clause, states, initial } = automaton;
  const y = LINE + ABOVE;
  const transitions = drawnTransitions(automaton);
  const circles = Array.from({ length: states }, (_, state) => {
    const ring = state === initial ? 3 : 1;
    return (
      `<circle cx="${x(state)}" cy="${y}" r="${RADIUS}" fill="none" stroke="black" stroke-width="${ring}"/>\n` +
      `<text x="${x(state)}" y="${y + 4}" text-anchor="middle">${state}</text>\n`
    );
  });
  const texts = transitions.map((each, index) => `${index + 1}  ${transitionText(automaton, each)}`);
  const arrows = transitions.map((each, index) => arrow(each, `${index + 1}`, y, before(transitions, index)));
  const legend = texts.map(
    (text, index) =>
      `<text x="24" y="${y + BELOW + index * LINE}" xml:space="preserve">${escaped(text)}</text>\n`,
  );
  const title = visible(clause);
  const widest = Math.max(title.length, ...texts.map((text) => text.length));
  return {
    markup:
      `<text x="12" y="${LINE}" font-weight="bold">${escaped(title)}</text>\n` +
      circles.join('') +
      arrows.join('') +
      legend.join(''),
    width: Math.max(x(states - 1) + STEP, Math.ceil(widest * CHARACTER) + 48),
    height: y + BELOW + texts.length * LINE + LINE,
  };
}

function x(state: number): number {
  return 60 + state * STEP;
}

/** How many arrows between the same two states were drawn before: the next one goes wider. */
function before(transitions: readonly Transition[], index: number): number {
  const { from, to } = transitions[index] as Transition;
  return transitions.slice(0, index).filter((each) => each.from === from && each.to === to).length;
}

/** Forward above, backward below, loops on top. */
function arrow({ from, to, violation }: Transition, number: string, y: number, wider: number): string {
  const look = violation === null ? 'stroke="black"' : 'stroke="red" stroke-dasharray="4 3"';
  const end = `fill="none" ${look} marker-end="url(#tip)"`;
  if (from === to) {
    const top = y - RADIUS - 22 - wider * 16;
    const [left, right] = [x(from) - 9, x(from) + 9];
    const edge = y - RADIUS + 2;
    return (
      `<path d="M${left} ${edge} C${left - 16} ${top} ${right + 16} ${top} ${right} ${edge}" ${end}/>\n` +
      `<text x="${x(from)}" y="${top + 2}" text-anchor="middle">${number}</text>\n`
    );
  }
  const side = from < to ? -1 : 1;
  const bend = y + side * (26 + wider * 18 + (Math.abs(to - from) - 1) * 12);
  const start = x(from) - side * RADIUS * 0.8;
  const stop = x(to) + side * RADIUS * 0.8;
  const middle = (start + stop) / 2;
  return (
    `<path d="M${start} ${y + side * 12} Q${middle} ${bend} ${stop} ${y + side * 12}" ${end}/>\n` +
    `<text x="${middle}" y="${bend + (side < 0 ? 2 : 8)}" text-anchor="middle">${number}</text>\n`
  );
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** What XML cannot hold has been made visible before; U+FFFE and U+FFFF are no characters. */
function escaped(text: string): string {
  return text
    .replace(/[&<>"']/g, (character) => ENTITIES[character] as string)
    .replace(/[\ufffe\uffff]/g, '\ufffd');
}
