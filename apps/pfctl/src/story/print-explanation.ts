import { type Style, visible } from '@provability-fabric/command-line';
import { formatLabel } from '@provability-fabric/kernel';
import {
  type ExplainedArgument,
  type ExplainedAutomaton,
  formatInstant,
  type LoadedBundle,
  type Reason,
  type ValueSource,
} from '@provability-fabric/policy';
import { clauseSentence } from '../explain/clause-sentence.ts';
import { classPhrase } from '../explain/event-class.ts';
import { limitAmount } from '../explain/limit-sentence.ts';
import { wrapped } from '../output/wrapped.ts';
import { CODE_WORDS } from './code-words.ts';
import { merged } from './merged-sources.ts';
import type { Shown } from './shown-value.ts';
import type { Explained } from './story.ts';
import { witnessWords } from './witness.ts';

export interface ExplanationLayout {
  readonly columns: number;
  readonly style: Style;
  readonly shown: Shown;
}

/** Everything behind one decision, in words. */
export function explanationText(explained: Explained, layout: ExplanationLayout): string {
  const { style } = layout;
  const { decision, label } = explained;
  const part = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? '' : `\n${style(title, 'strong')}\n${lines.join('')}`;
  const before = formatLabel(label.before);
  const after = formatLabel(label.after);
  const labels = before === after ? before : `${before} → ${after}`;
  return (
    `${line(layout, 2, `label ${labels}`)}` +
    part('checks', checkLines(explained, layout)) +
    part('arguments, and where each may come from', argumentLines(explained, layout)) +
    part('history', automatonLines(explained, layout)) +
    part('limits', limitLines(explained, layout)) +
    part(
      'obligations that ran',
      explained.obligations.map(({ clause, until }) =>
        line(layout, 2, `${clause}: until ${formatInstant(until)}`),
      ),
    ) +
    part(
      'releases that were used',
      decision.releases.map((id) => line(layout, 2, `${id}: ${sentence(explained.bundle, id)}`)),
    )
  );
}

function line({ columns }: ExplanationLayout, indent: number, text: string): string {
  return wrapped(visible(text), columns, ' '.repeat(indent), '  ');
}

function checkLines(explained: Explained, layout: ExplanationLayout): readonly string[] {
  const { decision } = explained;
  const lines: string[] = [];
  for (const { check, verdict } of decision.checks) {
    if (check.startsWith('release:')) continue;
    lines.push(line(layout, 2, `${check.padEnd(10)} ${verdict}`));
    for (const reason of decision.reasons.filter((one) => one.check === check))
      lines.push(...reasonLines(explained, reason, layout));
    if (check === 'holds') lines.push(...approvalLines(explained, layout));
  }
  return lines;
}

function approvalLines({ approvals }: Explained, layout: ExplanationLayout): readonly string[] {
  return approvals.map(({ clause, by }) => {
    const who = by.map(({ id, at }) => `${id} at ${formatInstant(at)}`).join(', ');
    return line(layout, 4, `${clause}: approved by ${who}, used up by this action`);
  });
}

function reasonLines(
  { bundle, arguments: values }: Explained,
  reason: Reason,
  layout: ExplanationLayout,
): readonly string[] {
  const { check, code, clause, mode, severity } = reason;
  const by = clause === null ? '' : ` by clause ${clause}`;
  const words =
    clause === null ? (CODE_WORDS[`${code} by ${check}`] ?? CODE_WORDS[code]) : sentence(bundle, clause);
  const hasHandles = values.some(({ hidden }) => hidden !== null);
  const facts = witnessWords(reason, layout.shown, hasHandles);
  return [
    line(layout, 4, `${code}${by} (${mode}, ${severity})`),
    ...(words === undefined ? [] : [line(layout, 6, words)]),
    ...(facts === '' ? [] : [line(layout, 6, facts)]),
  ];
}

function sentence(bundle: LoadedBundle, id: string): string {
  const clause = bundle.clauses.get(id);
  return clause === undefined ? 'a clause that is not in the bundle' : clauseSentence(bundle.ir, clause);
}

function argumentLines(
  { arguments: values, unexplained }: Explained,
  layout: ExplanationLayout,
): readonly string[] {
  const lines = values.flatMap((argument) => [
    line(layout, 2, `${argument.pointer || '(all of it)'}  ${layout.shown(argument.value)}`),
    ...sourceTexts(argument).map((text) => line(layout, 4, text)),
  ]);
  return unexplained === 0 ? lines : [...lines, line(layout, 2, `and ${unexplained} more values`)];
}

function sourceTexts({ hidden, sources }: ExplainedArgument): readonly string[] {
  if (hidden !== null) return [hiddenText(hidden)];
  return merged(sources).map(sourceText);
}

type HiddenSource = NonNullable<ExplainedArgument['hidden']>;

function hiddenText({ place, tool, field, label }: HiddenSource): string {
  const result = place === null ? tool : `#${place} ${tool}`;
  const part = field === '' ? 'the whole result' : `its ${field}`;
  return `a handle: ${result}, ${part}, unseen (${formatLabel(label)})`;
}

function sourceText(source: ValueSource): string {
  switch (source.kind) {
    case 'prompt':
      return 'the trusted prompt has it';
    case 'constant':
      return `the set ${source.set} has it`;
    case 'result': {
      const { place, tool, field, label, how } = source;
      return `#${place} ${tool} returned it at ${field || 'its top'}, ${how} (${formatLabel(label)})`;
    }
    case 'untraced':
      return `not traced: taken to be anyone's (${source.tools.join(', ')})`;
    case 'unknown':
      return 'of unknown source: no prompt, set or trusted result has exactly this, no untrusted one any form of it';
  }
}

function automatonLines(
  { automata, settled, bundle }: Explained,
  layout: ExplanationLayout,
): readonly string[] {
  return automata.map((automaton, index) => {
    const after = settled?.[index];
    return line(layout, 2, `${automaton.clause}: ${moveText(bundle, automaton, index, after)}`);
  });
}

function moveText(
  bundle: LoadedBundle,
  { before, after, classes, register, violation }: ExplainedAutomaton,
  index: number,
  settled: number | undefined,
): string {
  const running = bundle.automata.all[index]?.automaton;
  const kind = running?.register?.kind;
  const named = classes.map((at) => {
    const on = running?.classes[at]?.on;
    return on === undefined ? `class ${at}` : classPhrase(on);
  });
  const by = named.length === 0 ? 'is in none of its classes' : `is ${named.join(' and ')}`;
  const states =
    settled === undefined || settled === after ? `${before} → ${after}` : `${before} → ${after} → ${settled}`;
  const counted =
    register === null ? '' : kind === 'counter' ? `, counted ${register.before} → ${register.after}` : '';
  const moved =
    violation !== null
      ? `state ${before}, refused: the action ${by}`
      : before === after && (settled ?? after) === after
        ? `state ${before}, not moved: the action ${by}`
        : `state ${states}: the action ${by}`;
  return `${moved}${counted}`;
}

function limitLines({ limits, bundle }: Explained, layout: ExplanationLayout): readonly string[] {
  return limits.map(({ clause: id, used, takes, max }) => {
    const clause = bundle.clauses.get(id);
    const shown = (amount: number) => (clause?.kind === 'limit' ? limitAmount(clause, amount) : `${amount}`);
    const sofar = used === null ? 'not on record' : `${shown(used)} of ${shown(max)} used before`;
    const amount =
      takes === null ? 'takes what cannot be told' : takes === 0 ? 'takes nothing' : `takes ${shown(takes)}`;
    return line(layout, 2, `${id}: ${sofar}, ${amount} (${sentence(bundle, id)})`);
  });
}
