import { type Crypto, type Digest, equalLabels, formatLabel } from '@provability-fabric/kernel';
import type { LoadedBundle } from '@provability-fabric/policy';
import { CertifiedFacts } from './certified-facts.ts';
import { combinationProblems } from './combination-rule.ts';
import { shorten } from './difference.ts';
import type { Failures } from './failure.ts';
import { recordedInput } from './recorded-input.ts';
import { Rederivation, type Standing } from './rederivation.ts';
import { verifyLink } from './session-chain.ts';
import type { Bundles } from './verify-bundles.ts';
import type { ReadEntry } from './verify-entry.ts';

interface VerifiedEntry {
  readonly entry: ReadEntry;
  readonly standing: Standing;
}

/**
 * The statements of one session, from its opening on: chained, in agreement with each other, and derived
 * anew.
 */
export function verifySession(
  crypto: Crypto,
  entries: readonly ReadEntry[],
  bundles: Bundles,
  failures: Failures,
): readonly VerifiedEntry[] {
  const facts = new CertifiedFacts();
  const derivation = new Rederivation(failures);
  return entries.map((entry, position) => {
    const linked = verifyLink(entries[position - 1], entry, failures);
    facts.take(entry, failures);
    const bundle = bundleInForce(entry, facts, bundles, failures);
    if (!linked) derivation.break(entry);
    const standing = derive(crypto, entry, facts.bundle?.digest, bundle, derivation, failures);
    if (standing.status !== 're-derived') verifyTrusted(entry, facts, bundle, failures);
    return { entry, standing };
  });
}

/**
 * The bundle that the session runs under, if the file has it; its digest is the name, the rest must agree.
 */
function bundleInForce(
  { statement, place }: ReadEntry,
  facts: CertifiedFacts,
  bundles: Bundles,
  failures: Failures,
): LoadedBundle | undefined {
  if (facts.bundle === undefined) return undefined;
  const bundle = bundles.get(facts.bundle.digest);
  if (bundle !== undefined && statement.type !== 'outcome-certificate') {
    const { name, version } = statement.bundle;
    if (
      statement.bundle.digest === bundle.digest &&
      (name !== bundle.ir.name || version !== bundle.ir.version)
    ) {
      const came = `\`${shorten(name)}\` version ${version}`;
      failures.add(
        'BUNDLE_DIGEST',
        place,
        `expected bundle \`${bundle.ir.name}\` version ${bundle.ir.version} of this digest, came ${came}`,
      );
    }
  }
  return bundle;
}

function derive(
  crypto: Crypto,
  entry: ReadEntry,
  digest: Digest | undefined,
  bundle: LoadedBundle | undefined,
  derivation: Rederivation,
  failures: Failures,
): Standing {
  if (entry.record === null) {
    const standing = derivation.erased(entry);
    return bundle === undefined
      ? { status: 'signature only', because: 'its bundle is not in the file' }
      : standing;
  }
  const input = recordedInput(crypto, entry, entry.record, digest, failures);
  return input === undefined ? derivation.refuted(entry) : derivation.take(entry, input, bundle);
}

/**
 * What is left to check where the inputs are gone: a verdict follows from its reasons, a label from those
 * before.
 */
function verifyTrusted(
  entry: ReadEntry,
  facts: CertifiedFacts,
  bundle: LoadedBundle | undefined,
  failures: Failures,
): void {
  const { statement, place } = entry;
  if (statement.type === 'session-record') return;
  // Where the inputs give another verdict, that says it already, and better.
  if (statement.type === 'permission-certificate' && !failures.has(place, 'VERDICT')) {
    const problems = combinationProblems(statement, bundle, facts.mode);
    if (problems.length > 0) {
      failures.add('VERDICT', place, `the certified reasons give something else: ${problems.join('; ')}`);
    }
  }
  const { label } = facts;
  if (label === undefined || equalLabels(label, statement.labels.session)) return;
  const code = statement.type === 'outcome-certificate' ? 'OUTCOME' : 'VERDICT';
  const came = shorten(formatLabel(statement.labels.session));
  failures.add(
    code,
    place,
    `expected the label that all results so far join to, ${shorten(formatLabel(label))}, came ${came}`,
  );
}
