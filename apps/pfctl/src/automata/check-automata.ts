import { readFile, stat } from 'node:fs/promises';
import { CommandError, systemCode } from '@provability-fabric/command-line';
import { nodeCrypto } from '@provability-fabric/evidence';
import {
  canonicalBytes,
  digestOf,
  equalBytes,
  type JsonValue,
  parseJsonBytes,
} from '@provability-fabric/kernel';
import {
  type AutomataDocument,
  type AutomatonProblemCode,
  automataProblems,
  type LoadedBundle,
  readAutomata,
} from '@provability-fabric/policy';
import type { Shell } from '../shell.ts';

export interface AutomataCheck {
  readonly file: string;
  readonly sha256: string;
  readonly document: AutomataDocument;
  /** In the order they were made; `ok` null: there was nothing to hold it against. */
  readonly checks: readonly { readonly check: CheckWord; readonly ok: boolean | null }[];
  readonly problems: readonly FoundProblem[];
}

export interface FoundProblem {
  readonly clause: string | null;
  readonly code: AutomatonProblemCode | 'CANONICAL' | 'HASH' | 'BUNDLE';
  readonly message: string;
}

type CheckWord = (typeof CHECKS)[number]['check'];

const CHECKS = [
  { check: 'schema', codes: ['SIZE', 'REFERENCE', 'REGISTER', 'DUPLICATE', 'CANONICAL'] },
  { check: 'determinism', codes: ['DETERMINISM'] },
  { check: 'totality', codes: ['TOTALITY'] },
  { check: 'reachability', codes: ['REACHABILITY'] },
  { check: 'prefix-closure', codes: ['PREFIX_CLOSURE'] },
  { check: 'hash', codes: ['HASH'] },
  { check: 'bundle', codes: ['BUNDLE'] },
] as const;

const MAX_BYTES = 64 * 1024 * 1024;
/** What is wrong with one file may be wrong a thousand times. */
const MAX_PROBLEMS = 50;

/** Holds exported automata against their form, their hash and their bundle. Nonsense throws as invalid input. */
export async function checkAutomata(
  shell: Shell,
  typed: string,
  bundle: LoadedBundle | undefined,
): Promise<AutomataCheck> {
  const bytes = await bytesOf(shell, typed);
  const sha256 = digestOf(nodeCrypto(), bytes);
  const document = parsed(typed, bytes);
  const problems: FoundProblem[] = [];
  for (const problem of automataProblems(document)) {
    if (problems.length === MAX_PROBLEMS) break;
    problems.push(problem);
  }
  if (!equalBytes(bytes, canonicalBytes(document as unknown as JsonValue)))
    problems.push({
      clause: null,
      code: 'CANONICAL',
      message:
        'expected canonical JSON (RFC 8785), came the same content written otherwise; compile it again',
    });
  const written = await writtenHash(shell, typed);
  if (written !== undefined && written !== sha256)
    problems.push({
      clause: null,
      code: 'HASH',
      message: `expected the SHA-256 that ${typed}.sha256 names, \`${written}\`, came \`${sha256}\``,
    });
  if (bundle !== undefined && bundle.ir.hashes.automata !== sha256)
    problems.push({
      clause: null,
      code: 'BUNDLE',
      message: `expected the automata of ${bundle.ir.name} version ${bundle.ir.version}, \`${bundle.ir.hashes.automata}\`, came \`${sha256}\``,
    });
  const found = new Set<string>(problems.map(({ code }) => code));
  const against = { hash: written !== undefined, bundle: bundle !== undefined };
  const checks = CHECKS.map(({ check, codes }) => {
    const possible = check === 'hash' || check === 'bundle' ? against[check] : true;
    return { check, ok: possible ? !codes.some((code) => found.has(code)) : null };
  });
  return { file: typed, sha256, document, checks, problems };
}

async function bytesOf(shell: Shell, typed: string): Promise<Uint8Array> {
  const path = shell.path(typed);
  const found = await stat(path).catch((error: unknown) => {
    const came = systemCode(error) === 'ENOENT' ? 'nothing there' : String(systemCode(error));
    throw new CommandError(
      'INPUT_INVALID',
      `${typed}: expected the automata that \`pfctl policy compile\` writes, came ${came}`,
    );
  });
  if (!found.isFile() || found.size > MAX_BYTES)
    throw new CommandError('INPUT_INVALID', `${typed}: expected a file of at most ${MAX_BYTES} bytes`);
  return readFile(path);
}

function parsed(typed: string, bytes: Uint8Array): AutomataDocument {
  try {
    return readAutomata(parseJsonBytes(bytes));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new CommandError('INPUT_INVALID', `${typed}: expected exported automata: ${message}`, {
      cause: error,
    });
  }
}

/** What `sha256sum` would compare with; undefined where the file is not there. */
async function writtenHash(shell: Shell, typed: string): Promise<string | undefined> {
  const beside = `${typed}.sha256`;
  const text = await readFile(shell.path(beside), 'utf8').catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const hash = /^([0-9a-f]{64})(?: [ *][^\n]*)?\n?$/.exec(text)?.[1];
  if (hash !== undefined) return hash;
  throw new CommandError(
    'INPUT_INVALID',
    `${beside}: expected one line as sha256sum writes it, came something else`,
  );
}
