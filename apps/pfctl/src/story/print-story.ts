import { plural, type Style, visible, visibleJson } from '@provability-fabric/command-line';
import { type Crypto, canonicalJson, formatLabel, type JsonValue } from '@provability-fabric/kernel';
import type { FoundCertificate } from '../evidence/find-certificate.ts';
import { wrapped } from '../output/wrapped.ts';
import { whyNotText } from '../replay/why-not.ts';
import { explanationText } from './print-explanation.ts';
import { storyLines } from './print-lines.ts';
import { hiddenValue, shownValue } from './shown-value.ts';
import type { Said, Standing, Story } from './story.ts';
import { witnessMembers } from './witness.ts';

export interface StoryOptions {
  readonly crypto: Crypto;
  readonly columns: number;
  readonly style: Style;
  readonly all: boolean;
  readonly showValues: boolean;
}

export function storyAsTable(story: Story, found: FoundCertificate, options: StoryOptions): string {
  const { style, columns, crypto } = options;
  const { certificate, explanation, lines, tenant, session } = story;
  const { action, seq, verdict, effect, mode, bundle } = certificate;
  const actions = lines.filter(({ kind }) => kind === 'action').length;
  const mood = effect !== 'allow' ? 'bad' : verdict === 'accept' ? 'good' : 'warn';
  const shown = shownValue(crypto, options.showValues);
  const head =
    `${style(visible(`session ${session} of ${tenant}`), 'strong')}, ${plural(actions, 'action')} up to #${seq}\n` +
    wrapped(
      visible(`bundle ${bundle.name} version ${bundle.version} (${bundle.digest})`),
      columns,
      '',
      '  ',
    ) +
    standingText(story.standing, columns, style) +
    signatureText(found, columns, style);
  const told = storyLines(lines, { ...options, shown: options.showValues ? shown : undefined });
  const answer = style(`${verdict}, ${effect} (${mode})`, mood);
  const title = `\n${style(visible(`#${seq} ${action.kind} ${action.target}`), 'strong')}  ${answer}\n`;
  if (explanation === null) {
    const label = formatLabel(certificate.labels.session);
    const reasons = certificate.reasons.map(({ code, clause, check, mode: inForce }) =>
      wrapped(
        visible(`${code}${clause === null ? '' : ` by clause ${clause}`} (${check}, ${inForce})`),
        columns,
        '  ',
        '  ',
      ),
    );
    return `${head}\n${told}${title}${wrapped(visible(`label ${label}`), columns, '  ')}${reasons.join('')}`;
  }
  const { whyNot } = explanation;
  const change =
    effect === 'allow'
      ? ''
      : whyNot === null
        ? '\nno change is searched for: the session did not begin under this bundle\n'
        : whyNotText(whyNot, style, columns, shown);
  return `${head}\n${told}${title}${explanationText(explanation, { columns, style, shown })}${change}`;
}

function standingText(standing: Standing, columns: number, style: Style): string {
  switch (standing.kind) {
    case 're-derived':
      return 'every statement follows from the records: re-derived\n';
    case 'signature only':
      return style(wrapped(visible(`signature only: ${standing.because}`), columns, '', '  '), 'warn');
    case 'contradicted':
      return standing.problems
        .slice(0, MOST_PROBLEMS)
        .map((problem) => style(wrapped(visible(`contradicted: ${problem}`), columns, '', '  '), 'bad'))
        .join('');
  }
}

const MOST_PROBLEMS = 8;

function signatureText(
  { signature, inclusion, log }: FoundCertificate,
  columns: number,
  style: Style,
): string {
  const signed = signature.verified ? 'signature verified' : `signature verified false: ${signature.problem}`;
  const included = inclusion.verified ? 'in the log' : 'not in the log';
  const text = wrapped(
    visible(`${signed}, ${included} at index ${log.index} of ${log.size}`),
    columns,
    '',
    '  ',
  );
  return signature.verified && inclusion.verified ? text : style(text, 'bad');
}

/** The same facts; values only where they are to be shown. */
export function storyAsJson(
  story: Story,
  found: FoundCertificate,
  { crypto, showValues }: StoryOptions,
): string {
  const hide = (value: JsonValue): JsonValue =>
    showValues ? value : (hiddenValue(crypto, value) as JsonValue);
  const { tenant, session, standing, certificate, outcome, lines, explanation } = story;
  const value = {
    tenant,
    session,
    seq: certificate.seq,
    standing,
    signature: found.signature,
    inclusion: found.inclusion,
    certificate,
    outcome,
    events: lines.map((line) =>
      line.kind === 'record'
        ? { seq: line.record.seq, at: line.record.issued_at, record: line.record.kind, ...said(line.said) }
        : {
            seq: line.certificate.seq,
            at: line.certificate.issued_at,
            certificate_id: line.certificate.certificate_id,
            action: { kind: line.certificate.action.kind, target: line.certificate.action.target },
            args: line.args === undefined ? null : hide(line.args),
            verdict: line.certificate.verdict,
            effect: line.certificate.effect,
            outcome: line.outcome?.outcome ?? null,
            handles: line.outcome?.hidden?.handles ?? 0,
            raised:
              line.raised === null
                ? null
                : { to: formatLabel(line.raised.to), fields: line.raised.by?.fields ?? [] },
          },
    ),
    explanation: explanation === null ? null : explanationJson(explanation, hide),
  };
  return `${visibleJson(canonicalJson(value as unknown as JsonValue))}\n`;
}

function said(decided: Said | null) {
  return decided === null ? {} : { approval: decided };
}

function explanationJson(
  explanation: NonNullable<Story['explanation']>,
  hide: (value: JsonValue) => JsonValue,
): unknown {
  const {
    decision,
    arguments: values,
    unexplained,
    automata,
    limits,
    obligations,
    approvals,
    whyNot,
    label,
    settled,
  } = explanation;
  const changes = (sets: NonNullable<typeof whyNot>['bundle']) => ({
    ...sets,
    sets: sets.sets.map((set) =>
      set.map((change) => ('value' in change ? { ...change, value: hide(change.value) } : change)),
    ),
  });
  return {
    label: { before: formatLabel(label.before), after: formatLabel(label.after) },
    checks: decision.checks,
    reasons: decision.reasons.map((reason) => ({ ...reason, witness: witnessMembers(reason, hide) })),
    releases: decision.releases,
    arguments: values.map((argument) => ({
      ...argument,
      value: hide(argument.value),
      hidden: argument.hidden && { ...argument.hidden, label: formatLabel(argument.hidden.label) },
    })),
    more_arguments: unexplained,
    automata: automata.map((automaton, index) => ({
      ...automaton,
      settled: settled?.[index] ?? automaton.after,
    })),
    limits,
    obligations,
    approvals,
    not_weakened: whyNot?.unweakened.map(({ code }) => code) ?? [],
    changes: whyNot === null ? null : { bundle: changes(whyNot.bundle), session: changes(whyNot.session) },
  };
}
