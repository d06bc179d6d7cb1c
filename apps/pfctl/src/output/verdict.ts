import { type Style, visible, visibleJson } from '@provability-fabric/command-line';
import { canonicalJson } from '@provability-fabric/kernel';
import type { Reason, ReplayedEvent } from '@provability-fabric/policy';

type Answer = Pick<ReplayedEvent, 'verdict' | 'effect' | 'mode' | 'reasons'>;

/** `reject, block (enforce)`: the verdict is what was found, the effect what came of it in this mode. */
export function formatAnswer({ verdict, effect, mode }: Answer, style: Style): string {
  const mood = effect !== 'allow' ? 'bad' : verdict === 'accept' ? 'good' : 'warn';
  return style(`${verdict}, ${effect} (${mode})`, mood);
}

/** One line a reason, and one for its witness, each after `margin`. */
export function formatReasons(reasons: readonly Reason[], margin: string): string {
  return reasons
    .map(({ check, code, clause, verdict, mode, severity, witness }) => {
      const by = clause === null ? 'no clause' : `clause ${visible(clause)}`;
      const head = `${margin}reason  ${code} by ${by} (${check}, ${verdict}, ${mode}, ${visible(severity)})\n`;
      return witness === null ? head : `${head}${margin}        ${visibleJson(canonicalJson(witness))}\n`;
    })
    .join('');
}

/** Everything about one event but its state: what it got, what each check said, why, and what the session holds then. */
export function formatEvent(event: Omit<ReplayedEvent, 'state' | 'session' | 'index'>, style: Style): string {
  const { target, checks, reasons, label } = event;
  const results = checks.map(({ check, verdict }) => `${check} ${verdict}`).join(', ');
  return (
    `${style(visible(target), 'strong')}  ${formatAnswer(event, style)}\n` +
    `  checks  ${results}\n${formatReasons(reasons, '  ')}  label   ${visible(label)}\n`
  );
}
