import { type Digest, digestJson } from '@provability-fabric/kernel';
import {
  answersDiffer,
  chainDigest,
  type Environment,
  type LoadedBundle,
  type ReplayedEvent,
  replayTrace,
} from '@provability-fabric/policy';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { BufferedOutput } from '../output/buffered.ts';
import type { Format } from '../output/options.ts';
import type { Style } from '../output/style.ts';
import type { Terminal } from '../terminal.ts';
import { changePrinter } from './print-changes.ts';
import { eventPrinter } from './print-events.ts';
import { Progress } from './progress.ts';
import type { TraceInput } from './read-traces.ts';
import { emptyTally, tallyEvent } from './tally.ts';

export interface Replay {
  readonly input: TraceInput;
  readonly bundle: LoadedBundle;
  readonly environment: Environment;
  readonly format: Format;
  readonly style: Style;
  readonly terminal: Terminal;
}

/** Prints every event of the input under the bundle. Denied where something was not accepted. */
export async function replayTraces(replay: Replay): Promise<ExitCode> {
  const { input, bundle, environment, terminal } = replay;
  const printer = eventPrinter(replay.format, replay.style);
  const output = new BufferedOutput(terminal);
  const progress = new Progress(terminal, input.bytes);
  const tally = emptyTally();
  let chain: Digest | null = null;
  try {
    await output.write(printer.head(bundle, environment.enforcement_mode));
    for await (const trace of input.traces((bytes) => progress.read(bytes))) {
      tally.sessions += 1;
      for (const event of replayTrace(bundle, trace, environment)) {
        chain = chainDigest(bundle, chain, event);
        tallyEvent(tally, event);
        progress.at(tally.events);
        await output.write(printer.event(event));
      }
    }
    await output.write(printer.tail(tally, chain));
  } finally {
    progress.done();
    // What was replayed before a mistake in the input still counts as shown.
    await output.flush();
  }
  return tally.accepted === tally.events ? EXIT.ok : EXIT.denied;
}

/** Prints what `compared` would answer differently. Denied where a change is one for the worse: no longer accepted. */
export async function compareTraces(replay: Replay & { readonly compared: LoadedBundle }): Promise<ExitCode> {
  const { input, bundle, compared, environment, terminal } = replay;
  const printer = changePrinter(replay.format, replay.style);
  const output = new BufferedOutput(terminal);
  const progress = new Progress(terminal, input.bytes);
  const tally = emptyTally();
  let changes = 0;
  let denied = 0;
  let chains: readonly [Digest | null, Digest | null] = [null, null];
  try {
    await output.write(printer.head(bundle, compared, environment.enforcement_mode));
    for await (const trace of input.traces((bytes) => progress.read(bytes))) {
      tally.sessions += 1;
      const others = replayTrace(compared, trace, environment);
      for (const before of replayTrace(bundle, trace, environment)) {
        // Both replays have one answer for each event of the trace.
        const after = others.next().value as ReplayedEvent;
        chains = [chainDigest(bundle, chains[0], before), chainDigest(compared, chains[1], after)];
        tallyEvent(tally, before);
        progress.at(tally.events);
        if (!answersDiffer(before, after)) continue;
        changes += 1;
        if (after.verdict !== 'accept') denied += 1;
        await output.write(printer.change(before, after));
      }
    }
    await output.write(printer.tail(tally, changes, digestJson(bundle.crypto, chains)));
  } finally {
    progress.done();
    await output.flush();
  }
  return denied === 0 ? EXIT.ok : EXIT.denied;
}
