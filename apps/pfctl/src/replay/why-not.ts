import { CommandError, type Style, visible, visibleJson } from '@provability-fabric/command-line';
import { canonicalJson, type JsonValue } from '@provability-fabric/kernel';
import { type LoadedBundle, type PlayedSession, type WhyNot, whyNot } from '@provability-fabric/policy';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Format } from '../output/options.ts';
import { formatAnswer, formatReasons } from '../output/verdict.ts';
import { wrapped } from '../output/wrapped.ts';
import type { Terminal } from '../terminal.ts';
import { changePhrase, foundLines } from './change-phrase.ts';
import { bundleName } from './print-events.ts';
import { Progress } from './progress.ts';
import type { SessionSource } from './session-source.ts';

export interface Question {
  readonly source: SessionSource;
  readonly bundle: LoadedBundle;
  readonly mode: string;
  /** `SESSION#PLACE`, a certificate id, or the beginning of one. */
  readonly event: string;
  readonly format: Format;
  readonly style: Style;
  readonly terminal: Terminal;
}

interface Asked {
  readonly session: PlayedSession;
  readonly place: number;
  readonly target: string;
}

/** Prints the smallest changes that would let one event through. Denied where it is not let through as it is. */
export async function answerWhyNot(question: Question): Promise<ExitCode> {
  const { bundle, terminal, format, style } = question;
  const asked = await find(question);
  const answer = whyNot(bundle, asked.session, asked.place);
  await terminal.write(
    format === 'json'
      ? `${visibleJson(canonicalJson(asJson(question, asked, answer)))}\n`
      : asTable(question, asked, answer, style),
  );
  return answer.decision.effect === 'allow' ? EXIT.ok : EXIT.denied;
}

async function find({ source, event, terminal }: Question): Promise<Asked> {
  const fits = nameOf(event);
  const progress = new Progress(terminal, source.total);
  const found: Asked[] = [];
  let events = 0;
  let isOutcome = false;
  try {
    for await (const session of source.sessions((count) => progress.read(count))) {
      for (const { input, place } of session.inputs) {
        if (input.kind === 'outcome' && fits(session, place, '')) isOutcome = true;
        if (input.kind !== 'intent') continue;
        events += 1;
        progress.at(events);
        if (fits(session, place, input.certificate_id))
          found.push({ session, place, target: input.action.target });
      }
      if (found.length > MOST_FOUND) break;
    }
  } finally {
    progress.done();
  }
  const [one, ...others] = found;
  if (one !== undefined && others.length === 0) return one;
  const came =
    one === undefined
      ? `\`${event.slice(0, 200)}\`${isOutcome ? ', which is the outcome of an action' : ''}; a replay without --why-not shows them`
      : `${found.map(({ session, place }) => `${session.session}#${place} of ${session.tenant}`).join(', ')}; select one with --tenant, or give its trace alone`;
  throw new CommandError('INPUT_INVALID', `expected one event of the input, came ${came}`);
}

const MOST_FOUND = 8;

function nameOf(event: string): (session: PlayedSession, place: number, certificate: string) => boolean {
  const named = /^(.{1,128})#(\d{1,15})$/s.exec(event);
  if (named !== null) return (session, place) => session.session === named[1] && place === Number(named[2]);
  // Certificates are named in small letters.
  const id = event.toLowerCase();
  if (/^[0-9a-f]{8,64}$/.test(id)) return (_session, _place, certificate) => certificate.startsWith(id);
  throw new CommandError(
    'INPUT_INVALID',
    `expected SESSION#NUMBER or a certificate id (8 or more of its hex digits), came \`${event.slice(0, 200)}\``,
  );
}

function asJson({ bundle, mode }: Question, { session, place, target }: Asked, answer: WhyNot): JsonValue {
  const { decision, unweakened, bundle: ofBundle, session: ofSession } = answer;
  const { verdict, effect, reasons } = decision;
  return {
    bundle: bundleName(bundle),
    mode,
    session: session.session,
    index: place,
    target,
    answer: { verdict, effect, mode: decision.mode, reasons },
    not_weakened: unweakened.map(({ code }) => code),
    changes: { bundle: ofBundle, session: ofSession },
  } as unknown as JsonValue;
}

function asTable(
  { bundle, mode, terminal: { columns } }: Question,
  { session, place, target }: Asked,
  answer: WhyNot,
  style: Style,
): string {
  const { decision } = answer;
  return (
    `bundle ${bundle.ir.name} version ${bundle.ir.version} (${bundle.digest}), ${mode}\n\n` +
    `${style(`${visible(session.session)} #${place} ${visible(target)}`, 'strong')}  ` +
    `${formatAnswer(decision, style)}\n${formatReasons(decision.reasons, '  ')}${whyNotText(answer, style, columns)}`
  );
}

/** What would let it through, in lines of their own; nothing of what is let through as it is. */
export function whyNotText(
  { decision, unweakened, bundle, session }: WhyNot,
  style: Style,
  columns: number,
  shown?: (value: JsonValue) => string,
): string {
  if (decision.effect === 'allow') return '\nit is let through\n';
  if (unweakened.length > 0) {
    const codes = [...new Set(unweakened.map(({ code }) => code))].join(', ');
    return `\n${style(`nothing would let it through: no mode and no other history weakens ${codes}`, 'bad')}\n`;
  }
  const part = (title: string, lines: readonly string[]) =>
    `\n${style(title, 'strong')}\n${lines.map((line) => wrapped(visible(line), columns, '  ', '  ')).join('')}`;
  const phrase = (change: Parameters<typeof changePhrase>[0]) => changePhrase(change, shown);
  return (
    part('it would be let through with the least change to the bundle', foundLines(bundle, phrase)) +
    part('or to the session', foundLines(session, phrase)) +
    (decision.ticket === null
      ? ''
      : part('or once it is approved', [`ticket ${decision.ticket}, with pfctl approvals`]))
  );
}
