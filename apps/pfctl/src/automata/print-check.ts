import { facts, type Style, visible, visibleJson } from '@provability-fabric/command-line';
import type { AutomataCheck, FoundProblem } from './check-automata.ts';

function counts({ document: { automata } }: AutomataCheck) {
  return {
    automata: automata.length,
    states: automata.reduce((sum, { states }) => sum + states, 0),
    transitions: automata.reduce((sum, { transitions }) => sum + transitions.length, 0),
  };
}

export function checkAsTable(result: AutomataCheck, style: Style): string {
  const { automata, states, transitions } = counts(result);
  const word = (ok: boolean | null) =>
    ok === null ? style('nothing to compare with', 'dim') : ok ? style('ok', 'good') : style('wrong', 'bad');
  const checks = result.checks.map(({ check, ok }) => `${`${check}:`.padEnd(16)}${word(ok)}\n`);
  const size = `${automata}, ${states} states, ${transitions} transitions`;
  return `${facts([
    ['file', result.file],
    ['sha256', result.sha256],
    ['automata', size],
  ])}${checks.join('')}${result.problems.map((problem) => `${problemLine(problem)}\n`).join('')}`;
}

export function problemLine({ clause, code, message }: FoundProblem): string {
  return visible(`${code}: ${clause === null ? '' : `clause ${clause}: `}${message}`);
}

export function checkAsJson(result: AutomataCheck): string {
  const { file, sha256, checks, problems } = result;
  const made = Object.fromEntries(checks.map(({ check, ok }) => [check, ok]));
  const value = { file, sha256, valid: problems.length === 0, ...counts(result), checks: made, problems };
  return `${visibleJson(JSON.stringify(value))}\n`;
}
