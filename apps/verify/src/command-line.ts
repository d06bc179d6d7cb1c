import type { Checkpoint, Crypto } from '@provability-fabric/kernel';
import { Command, CommanderError, Option } from 'commander';
import { EXIT, exitCodeOf } from './exit-code.ts';
import { InvalidInput } from './invalid-input.ts';
import { nodeCrypto } from './node-crypto.ts';
import { readCheckpointFile, readEvidenceFile, readKey, readKeyFolder } from './read-files.ts';
import { jsonReport } from './report-json.ts';
import { tableReport } from './report-table.ts';
import { printable } from './terminal-text.ts';
import { type TrustedKeys, trustedKeys } from './trusted-keys.ts';
import { openCheckpoint } from './verify-checkpoint.ts';
import { type Requirement, type Verification, verifyEvidence } from './verify-evidence.ts';

/** Where the command writes; standard output and standard error, or what a test puts in their place. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

interface Options {
  readonly keys?: string;
  readonly key?: readonly string[];
  readonly since?: string;
  readonly require?: readonly Requirement[];
  readonly format: 'table' | 'json';
}

const HELP = `
Examples:
  $ pf-verify evidence.json --keys keys/
  $ pf-verify evidence.json --keys keys/ --since checkpoint.kept --require re-derived
  $ pf-verify evidence.json --key 'example.org/log+1a2b3c4d+AbCd…' --key evidence.1a2b3c4d.vk --format json

Nothing is read but the files named here, and no network is used.

Proven when it says \`verified\`, against everyone without the private keys:
  every byte of the file is what was logged; each entry is in the log at its place; each session's statements
  are whole from its opening on, in order, unchanged; with --since, the log only grew from the one you kept.
Proven even against whoever holds the private keys, for events that are
  re-derived      the recorded inputs and the bundle give this very verdict, effect and state
Not proven for events that are
  facts trusted   a record was erased: the verdict follows from the certified reasons, those are taken on trust
  signature only  the bundle or what the event rests on is missing: somebody with the key said so, no more
Proven where it names a head, against everyone without the evidence key, as of the head's time:
  no statement was left off at the end of a session; in a file with all entries of the log, no session is missing
Not proven at all: that the inputs are what the agent sent, what came after the head (--require head wants it over
all of the file, --require complete wants every entry of the log), anything about entries that are not in the file.

Exit codes: 0 verified, 1 verified false, 3 invalid input, 4 cannot be checked (no key that signed the checkpoint).`;

/** Runs \`pf-verify\` and gives its exit code. */
export function run(args: readonly string[], stdout: Output, stderr: Output): number {
  const program = commandFor(stdout, stderr);
  try {
    program.parse(args, { from: 'user' });
    const [file = ''] = program.args;
    const options = program.opts<Options>();
    const verification = verify(file, options, stderr);
    const colour = stdout.isTTY === true;
    stdout.write(
      `${options.format === 'json' ? jsonReport(verification) : tableReport(verification, colour)}\n`,
    );
    return exitCodeOf(verification);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.verified : EXIT.invalidInput;
    if (error instanceof CannotCheck) return complain(stderr, error, EXIT.cannotCheck);
    if (error instanceof InvalidInput) return complain(stderr, error, EXIT.invalidInput);
    // A defect of ours says nothing about the file.
    return complain(stderr, error as Error, EXIT.cannotCheck);
  }
}

/** No given key signed the checkpoint that everything is to be held against. */
class CannotCheck extends Error {}

function complain(stderr: Output, { message }: Error, exitCode: number): number {
  stderr.write(`pf-verify: ${printable(message)}\n`);
  return exitCode;
}

function commandFor(stdout: Output, stderr: Output): Command {
  const collect = <T>(value: T, before: readonly T[] = []) => [...before, value];
  return new Command('pf-verify')
    .description(
      'Checks an exported evidence file offline: signatures, log, sessions, and every verdict anew.',
    )
    .argument('<file>', 'evidence file, as exported from the log')
    .option('--keys <folder>', 'folder with the verifier keys log.*.vk, ledger.*.vk and evidence.*.vk')
    .option('--key <key>', 'a verifier key or its file; may be given several times', collect<string>)
    .option('--since <file>', 'a checkpoint that you kept: the log must only have grown since')
    .addOption(
      new Option(
        '--require <what>',
        'demand more: re-derived (every event), complete (every entry of the log), head (a signed head over all of the file)',
      ).argParser((value: string, before?: readonly Requirement[]) => collect(requirement(value), before)),
    )
    .addOption(new Option('--format <format>', 'how to report').choices(['table', 'json']).default('table'))
    .addHelpText('after', HELP)
    .allowExcessArguments(false)
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(printableLines(text)),
    })
    .exitOverride();
}

function requirement(value: string): Requirement {
  if (value === 're-derived' || value === 'complete' || value === 'head') return value;
  throw new InvalidInput(`expected --require re-derived, complete or head, came \`${value}\``);
}

function verify(path: string, options: Options, stderr: Output): Verification {
  const crypto = nodeCrypto();
  const folder = options.keys === undefined ? [] : readKeyFolder(options.keys);
  const keys = trustedKeys(crypto, [...folder, ...(options.key ?? []).map(readKey)]);
  const since = options.since === undefined ? null : keptCheckpoint(crypto, options.since, keys);
  const bytes = readEvidenceFile(path);
  const progress = progressOn(stderr);
  try {
    return verifyEvidence(crypto, bytes, { keys, since, require: options.require ?? [] }, progress.show);
  } finally {
    progress.clear();
  }
}

/**
 * The checkpoint that the user kept is checked as well: a file lies about where somebody else can reach it.
 */
function keptCheckpoint(crypto: Crypto, path: string, keys: TrustedKeys): Checkpoint {
  const opened = openCheckpoint(crypto, readCheckpointFile(path), keys.logs);
  if (opened.ok) return opened.checkpoint;
  const message = `the kept checkpoint \`${path}\`: ${opened.message}`;
  throw opened.code === 'CHECKPOINT_UNKNOWN_KEY' ? new CannotCheck(message) : new InvalidInput(message);
}

/** On a terminal, and only where it takes long enough for somebody to wonder. */
function progressOn(stderr: Output): {
  readonly show: (done: number, total: number) => void;
  readonly clear: () => void;
} {
  const started = performance.now();
  let shown = 0;
  return {
    show(done, total) {
      const now = performance.now();
      if (stderr.isTTY !== true || now - started < 1000 || now - shown < 200) return;
      shown = now;
      stderr.write(`\r${done} of ${total} entries`);
    },
    clear() {
      if (shown > 0) stderr.write('\r\u001b[K');
    },
  };
}

/** What commander says may quote an argument. */
function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}
