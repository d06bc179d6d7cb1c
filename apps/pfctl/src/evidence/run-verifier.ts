import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommandError } from '@provability-fabric/command-line';
import { field, type JsonValue, parseJson } from '@provability-fabric/kernel';
import type { Shell } from '../shell.ts';

export interface VerifierReport {
  readonly verified: boolean;
  readonly counts: Readonly<Record<string, number>>;
  readonly failures: readonly VerifierFailure[];
}

export interface VerifierFailure {
  readonly code: string;
  readonly tenant: string | null;
  readonly session: string | null;
  readonly seq: number | null;
  readonly message: string;
}

const MAX_REPORT_BYTES = 512 * 1024 * 1024;
const VERIFIED = 0;
const VERIFIED_FALSE = 1;

/** Runs pf-verify as a process, as any third party would: what it says is not ours to colour. */
export async function runVerifier(
  shell: Shell,
  evidence: Uint8Array,
  options: readonly string[],
): Promise<VerifierReport> {
  const program = join(shell.terminal.checkout, 'apps/verify/bin/pf-verify.mjs');
  if (!existsSync(program)) {
    throw new CommandError(
      'CANNOT_CHECK',
      `expected the verifier at ${program}, came nothing; run npm ci first`,
    );
  }
  // The file holds prompts and arguments: a folder of ours that nobody else can enter, and gone afterwards.
  const folder = await mkdtemp(join(tmpdir(), 'pfctl-verify-'));
  try {
    const file = join(folder, 'evidence.json');
    await writeFile(file, evidence, { mode: 0o600 });
    const { code, stdout, stderr } = await run(process.execPath, [
      program,
      file,
      '--format',
      'json',
      ...options,
    ]);
    if (code === VERIFIED || code === VERIFIED_FALSE) return parseReport(stdout);
    throw new CommandError(
      'CANNOT_CHECK',
      `pf-verify ended with ${code}: ${stderr.trim() || failuresIn(stdout)}`,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function failuresIn(stdout: string): string {
  const messages = stdout === '' ? [] : parseReport(stdout).failures.map(({ message }) => message);
  return messages.join('; ') || 'no report';
}

function run(
  command: string,
  args: readonly string[],
): Promise<{ readonly code: number | string; readonly stdout: string; readonly stderr: string }> {
  return new Promise((resolve) => {
    execFile(command, args, { maxBuffer: MAX_REPORT_BYTES, encoding: 'utf8' }, (error, stdout, stderr) => {
      const code = error === null ? 0 : (error.code ?? error.signal ?? 'an unknown error');
      resolve({ code, stdout, stderr });
    });
  });
}

function parseReport(stdout: string): VerifierReport {
  const report = parseJson(stdout);
  const counts: Record<string, number> = {};
  for (const [status, count] of Object.entries(
    (field(report, 'counts') ?? {}) as Record<string, JsonValue>,
  )) {
    counts[status] = Number(count);
  }
  const failures = (field(report, 'failures') ?? []) as readonly JsonValue[];
  return {
    verified: field(report, 'verified') === true,
    counts,
    failures: failures.map((failure) => ({
      code: String(field(failure, 'code')),
      tenant: textOrNull(field(failure, 'tenant')),
      session: textOrNull(field(failure, 'session')),
      seq: typeof field(failure, 'seq') === 'number' ? (field(failure, 'seq') as number) : null,
      message: String(field(failure, 'message')),
    })),
  };
}

function textOrNull(value: JsonValue | undefined): string | null {
  return typeof value === 'string' ? value : null;
}
