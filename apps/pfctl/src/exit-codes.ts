import { CommandError, isGivenWrong } from '@provability-fabric/command-line';
import { CommanderError } from 'commander';

/** CONTRACTS §8. */
export const EXIT = { ok: 0, failure: 1, denied: 2, invalidInput: 3, cannotCheck: 4 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const OWN: Readonly<Record<CommandError['code'], ExitCode>> = {
  INPUT_INVALID: EXIT.invalidInput,
  CANNOT_CHECK: EXIT.cannotCheck,
  DENIED: EXIT.denied,
  NOT_READY: EXIT.failure,
};

/** Which number an error ends the process with; undefined for one that nobody foresaw. */
export function exitCodeFor(error: unknown): ExitCode | undefined {
  if (error instanceof CommandError) return OWN[error.code];
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.invalidInput;
  if (!(error instanceof Error)) return undefined;
  // By name: loading the packages only to compare classes would cost every command their start-up time.
  const code = (error as { readonly code?: unknown }).code;
  switch (error.name) {
    case 'BundleError':
    case 'CheckpointError':
    case 'JsonError':
    case 'NoteError':
    case 'PolicyError':
    case 'IdError':
      return EXIT.invalidInput;
    case 'EvidenceError':
      return evidenceExit(String(code));
    case 'LedgerError':
      return ledgerExit(String(code));
  }
  return isGivenWrong(error) ? EXIT.invalidInput : undefined;
}

function evidenceExit(code: string): ExitCode {
  switch (code) {
    case 'BAD_TOKEN_REQUEST':
      return EXIT.invalidInput;
    // What is stored contradicts itself, or a checkpoint that was kept: that is an answer, and it is no.
    case 'EVIDENCE_CORRUPT':
    case 'RECORD_UNREADABLE':
    case 'NOT_IN_LOG':
      return EXIT.failure;
    default:
      return EXIT.cannotCheck;
  }
}

function ledgerExit(code: string): ExitCode {
  switch (code) {
    case 'BAD_QUERY':
    // The URL, or the rights of the login in it.
    case 'LEDGER_REFUSED':
      return EXIT.invalidInput;
    case 'LEDGER_CORRUPT':
    case 'LEDGER_CONFLICT':
      return EXIT.failure;
    default:
      return EXIT.cannotCheck;
  }
}
