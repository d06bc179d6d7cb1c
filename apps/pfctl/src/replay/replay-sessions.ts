import type { Style } from '@provability-fabric/command-line';
import { type Digest, digestJson } from '@provability-fabric/kernel';
import {
  answersDiffer,
  type BenignLoss,
  CountedUsage,
  chainDigest,
  type LoadedBundle,
  LossCounter,
  type ReplayedEvent,
  replaySession,
} from '@provability-fabric/policy';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { BufferedOutput } from '../output/buffered.ts';
import type { Format } from '../output/options.ts';
import type { Terminal } from '../terminal.ts';
import { changePrinter } from './print-changes.ts';
import { eventPrinter } from './print-events.ts';
import { Progress } from './progress.ts';
import type { SessionSource } from './session-source.ts';
import { emptyTally, type Tally, tallyEvent } from './tally.ts';
import { ChangeCounter } from './what-changes.ts';

export interface Replay {
  readonly source: SessionSource;
  readonly bundle: LoadedBundle;
  /** As it is printed. */
  readonly mode: string;
  /** Whether events are printed, and not their sum alone. */
  readonly every: boolean;
  readonly format: Format;
  readonly style: Style;
  readonly terminal: Terminal;
}

/** Prints every event of the input under the bundle. Denied where something was not accepted. */
export async function replaySessions(replay: Replay): Promise<ExitCode> {
  const { source, bundle, terminal } = replay;
  const printer = eventPrinter(replay.format, replay.style, replay.every);
  const output = new BufferedOutput(terminal);
  const progress = new Progress(terminal, source.total);
  const usage = new CountedUsage();
  const loss = new LossCounter(bundle);
  const changes = new ChangeCounter();
  const tally = emptyTally();
  let isCompared = false;
  let chain: Digest | null = null;
  try {
    await output.write(printer.head(bundle, replay.mode));
    for await (const session of source.sessions((count) => progress.read(count))) {
      tally.sessions += 1;
      for (const event of replaySession(bundle, session, usage)) {
        chain = chainDigest(bundle, chain, event);
        tallyEvent(tally, event);
        progress.at(tally.events);
        if (event.recorded !== undefined) {
          isCompared = true;
          changes.take(tally.sessions, event.recorded, event);
        }
        await output.write(printer.event(event));
      }
      loss.take(session);
    }
    const summary = { changes: isCompared ? changes.result : null, loss: lossIn(loss) };
    await output.write(printer.tail(tally, summary, chain));
  } finally {
    progress.done();
    // What was replayed before a mistake in the input still counts as shown.
    await output.flush();
  }
  return remark(replay, tally) ?? (tally.accepted === tally.events ? EXIT.ok : EXIT.denied);
}

/** Prints what `compared` would answer differently. Denied where a change is one for the worse: no longer accepted. */
export async function compareSessions(
  replay: Replay & { readonly compared: LoadedBundle },
): Promise<ExitCode> {
  const { source, bundle, compared, terminal } = replay;
  const printer = changePrinter(replay.format, replay.style, replay.every);
  const output = new BufferedOutput(terminal);
  const progress = new Progress(terminal, source.total);
  const usages = [new CountedUsage(), new CountedUsage()] as const;
  const loss = new LossCounter(compared);
  const counter = new ChangeCounter();
  const tally = emptyTally();
  let changes = 0;
  let denied = 0;
  let chains: readonly [Digest | null, Digest | null] = [null, null];
  try {
    await output.write(printer.head(bundle, compared, replay.mode));
    for await (const session of source.sessions((count) => progress.read(count))) {
      tally.sessions += 1;
      const others = replaySession(compared, session, usages[1]);
      for (const before of replaySession(bundle, session, usages[0])) {
        // Both replays have one answer for each event of the session.
        const after = others.next().value as ReplayedEvent;
        chains = [chainDigest(bundle, chains[0], before), chainDigest(compared, chains[1], after)];
        tallyEvent(tally, before);
        progress.at(tally.events);
        counter.take(tally.sessions, before, after);
        if (!answersDiffer(before, after)) continue;
        changes += 1;
        if (after.verdict !== 'accept') denied += 1;
        await output.write(printer.change(before, after));
      }
      loss.take(session);
    }
    const summary = { changes: replay.every ? null : counter.result, loss: lossIn(loss) };
    await output.write(printer.tail(tally, changes, summary, digestJson(bundle.crypto, chains)));
  } finally {
    progress.done();
    await output.flush();
  }
  return remark(replay, tally) ?? (denied === 0 ? EXIT.ok : EXIT.denied);
}

function lossIn({ result }: LossCounter): BenignLoss | null {
  return result.sessions === 0 ? null : result;
}

/** Answers an exit code where nothing could be decided. */
function remark({ source, terminal }: Replay, { events }: Tally): ExitCode | undefined {
  for (const said of source.remarks()) terminal.note(`pfctl: ${said}\n`);
  const nothing = events > 0 ? undefined : source.nothing?.();
  if (nothing === undefined) return undefined;
  terminal.note(`pfctl: ${nothing}\n`);
  return EXIT.cannotCheck;
}
