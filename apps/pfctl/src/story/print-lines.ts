import { plural, type Style, visible } from '@provability-fabric/command-line';
import { formatLabel } from '@provability-fabric/kernel';
import { cut, wrapped } from '../output/wrapped.ts';
import type { Shown } from './shown-value.ts';
import type { ActionLine, RecordLine, Said, StoryLine } from './story.ts';

/** A story of more lines is folded: its beginning, what raised the label, and its end are left. */
const FOLDED_ABOVE = 40;
const FIRST = 5;
const LAST = 15;
const MARGIN = '      ';

export interface Layout {
  readonly columns: number;
  readonly all: boolean;
  readonly style: Style;
  /** undefined where the arguments are not to be told. */
  readonly shown: Shown | undefined;
}

/** A line for each event, and one for each rise of the label. */
export function storyLines(lines: readonly StoryLine[], layout: Layout): string {
  const kept = layout.all || lines.length <= FOLDED_ABOVE ? undefined : keptOf(lines);
  const texts: string[] = [];
  let hidden: StoryLine[] = [];
  const unfold = () => {
    if (hidden.length > 0) texts.push(foldedLine(hidden, layout.style));
    hidden = [];
  };
  for (const [at, line] of lines.entries()) {
    if (kept !== undefined && !kept.has(at)) {
      hidden.push(line);
      continue;
    }
    unfold();
    texts.push(line.kind === 'action' ? actionLine(line, layout) : recordLine(line, layout));
  }
  unfold();
  return texts.join('');
}

function keptOf(lines: readonly StoryLine[]): ReadonlySet<number> {
  const kept = new Set<number>();
  for (const [at, line] of lines.entries()) {
    const rises = line.kind === 'action' && line.raised !== null;
    const isEdge = at < FIRST || at >= lines.length - LAST;
    // Ticks come by themselves; every other change of what holds is told.
    const changes = line.kind === 'record' && line.record.kind !== 'tick';
    if (isEdge || rises || changes) kept.add(at);
  }
  return kept;
}

function foldedLine(hidden: readonly StoryLine[], style: Style): string {
  const actions = hidden.filter((line) => line.kind === 'action');
  const stopped = actions.filter(({ certificate }) => certificate.effect !== 'allow').length;
  return style(
    `${MARGIN}… ${plural(actions.length, 'action')}, ${stopped} of them stopped (--all shows them)\n`,
    'dim',
  );
}

function actionLine(
  { certificate, args, outcome, raised }: ActionLine,
  { columns, style, shown }: Layout,
): string {
  const { seq, issued_at: at, action, verdict, effect, mode, reasons } = certificate;
  const codes = [
    ...new Set(reasons.map(({ code, clause }) => (clause === null ? code : `${code} by ${clause}`))),
  ];
  const mood = effect !== 'allow' ? 'bad' : verdict === 'accept' ? 'good' : 'warn';
  const answer = `${verdict}, ${effect}${mode === 'enforce' ? '' : ` (${mode})`}`;
  const handles = outcome?.hidden?.handles ?? 0;
  const behind = handles === 0 ? '' : `, hidden behind ${plural(handles, 'handle')}`;
  const came = outcome === null ? '' : `, ${outcome.outcome}${behind}`;
  const said = codes.length === 0 ? '' : `: ${codes.join(', ')}`;
  const head = `${place(seq)} ${at}  `;
  const room = Math.max(20, columns - head.length);
  const name = cut(visible(`${action.kind} ${action.target}`), Math.max(12, Math.floor(room / 3)));
  const used = name.length + answer.length + 2;
  const rest = visible(`${came}${said}`);
  // A name that is cut is one that nobody finds again.
  const fits = used + rest.length <= room;
  const below = fits || said === '' ? '' : wrapped(visible(codes.join(', ')), columns, MARGIN, '  ');
  const given =
    shown === undefined || args === undefined
      ? ''
      : wrapped(visible(`with ${shown(args)}`), columns, MARGIN, '  ');
  const first = `${head}${name}  ${style(answer, mood)}${fits ? rest : cut(visible(came), Math.max(0, room - used))}\n${below}${given}`;
  if (raised === null) return first;
  const { to, by } = raised;
  const more = by === null || by.count <= by.fields.length ? '' : ` and ${by.count - by.fields.length} more`;
  const fields = by?.fields.map((field) => (field === '' ? 'the result as a whole' : field)).join(', ');
  const from = by === null || by.count === 0 ? '' : ` by ${fields}${more}`;
  return `${first}${style(wrapped(visible(`label raised to ${formatLabel(to)}${from}`), columns, MARGIN, '  '), 'warn')}`;
}

function recordLine({ record, said }: RecordLine, { columns }: Layout): string {
  const { seq, issued_at: at, kind, epoch, mode, bundle } = record;
  const words = {
    open: `opened, epoch ${epoch}, ${mode}`,
    prompt: 'a trusted prompt',
    mode: `mode ${mode}`,
    epoch: `epoch ${epoch}`,
    bundle: `bundle ${bundle.name} version ${bundle.version}, folded anew`,
    tick: 'the clock went on',
    approval: said === null ? 'somebody decided about a held call' : saidWords(said),
  } as const;
  return `${cut(visible(`${place(seq)} ${at}  ${words[kind]}`), columns)}\n`;
}

function saidWords({ approver, decision, ticket, of }: Said): string {
  const call = of === null ? '' : ` of #${of.seq} (${of.target})`;
  return `${approver} ${decision === 'approve' ? 'approved' : 'denied'} ticket ${ticket.slice(0, 8)}…${call}`;
}

function place(seq: number): string {
  return `#${seq}`.padEnd(MARGIN.length - 1);
}
