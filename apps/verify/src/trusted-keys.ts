import { type Crypto, equalBytes, type NoteVerifier, parseVerifierKey } from '@provability-fabric/kernel';
import { InvalidInput } from './invalid-input.ts';

/** The keys that the user trusts: the only trusted input besides a kept checkpoint. */
export interface TrustedKeys {
  /** They sign checkpoints, each under its log's origin. */
  readonly logs: readonly NoteVerifier[];
  /** They sign statements. By DSSE keyid, `evidence.<id>`. */
  readonly evidence: ReadonlyMap<string, Uint8Array>;
}

/** One verifier key as it was given; `file` is its file's name, undefined where the text was given itself. */
export interface KeyText {
  readonly file: string | undefined;
  readonly text: string;
}

/**
 * Sorts keys by what they sign. A file says it in its name, `log.<id>.vk`,
 * `ledger.<id>.vk` or `evidence.<id>.vk`; otherwise a
 * key named `<origin>/evidence` is an evidence key, whose id is then its own hash, as the fabric names those
 * it makes.
 */
export function trustedKeys(crypto: Crypto, texts: readonly KeyText[]): TrustedKeys {
  const logs: NoteVerifier[] = [];
  const evidence = new Map<string, Uint8Array>();
  for (const { file, text } of texts) {
    const verifier = parse(crypto, file, text);
    const keyid = evidenceKeyid(file, verifier);
    if (keyid === undefined) {
      logs.push(verifier);
      continue;
    }
    const known = evidence.get(keyid);
    if (known !== undefined && !equalBytes(known, verifier.publicKey)) {
      throw new InvalidInput(
        `expected one key named \`${keyid}\`, came two different ones; give the right one`,
      );
    }
    evidence.set(keyid, verifier.publicKey);
  }
  return { logs, evidence };
}

function parse(crypto: Crypto, file: string | undefined, text: string): NoteVerifier {
  try {
    return parseVerifierKey(crypto, text.trim());
  } catch (error) {
    const where = file === undefined ? 'the key given with --key' : `the key file \`${file}\``;
    throw new InvalidInput(`${where}: ${(error as Error).message}`, { cause: error });
  }
}

function evidenceKeyid(file: string | undefined, verifier: NoteVerifier): string | undefined {
  if (file !== undefined && /^(?:log|ledger)\..+\.vk$/.test(file)) return undefined;
  const named = file === undefined ? null : /^(evidence\..+)\.vk$/.exec(file);
  if (named !== null) return named[1];
  return verifier.name.endsWith('/evidence') ? `evidence.${hashOf(verifier)}` : undefined;
}

function hashOf({ keyHash }: NoteVerifier): string {
  return keyHash.toString(16).padStart(8, '0');
}
