import { BOTTOM, joinLabels, type Label } from '@provability-fabric/kernel';
import type {
  BundleReference,
  Mode,
  OutcomeCertificate,
  PermissionCertificate,
  SessionRecord,
  Statement,
} from '@provability-fabric/statements';
import { differences, shorten } from './difference.ts';
import type { Failures } from './failure.ts';
import type { ReadEntry } from './verify-entry.ts';

type Action = 'refused' | 'pending' | 'ambiguous' | 'settled';

/**
 * What a session's statements say of it among themselves, with no record opened: which bundle, epoch and mode
 * are in force, which actions were allowed and which of them are settled. Later statements must agree with
 * earlier ones.
 */
export class CertifiedFacts {
  #bundle: BundleReference | undefined;
  #epoch = 0;
  #mode: Mode | 'disabled' = 'enforce';
  #actions = new Map<string, Action>();
  /** Of held actions; an approval is good for one use. */
  #tickets = new Set<string>();
  /**
   * What all that was read carries; undefined after a change of bundle, under which the same results may
   * carry more.
   */
  #label: Label | undefined = BOTTOM;

  /** In force; undefined before the opening. */
  get bundle(): BundleReference | undefined {
    return this.#bundle;
  }

  get mode(): Mode | 'disabled' {
    return this.#mode;
  }

  /** The session's label as its statements so far have it. */
  get label(): Label | undefined {
    return this.#label;
  }

  take(entry: ReadEntry, failures: Failures): void {
    const { statement } = entry;
    for (const problem of this.#contextProblems(statement)) failures.add('CHAIN', entry.place, problem);
    switch (statement.type) {
      case 'session-record':
        this.#note(statement);
        break;
      case 'permission-certificate':
        this.#permit(statement, entry, failures);
        break;
      case 'outcome-certificate':
        this.#settle(statement, entry, failures);
        break;
    }
  }

  /** Bundle, epoch and mode change only with the session record that says so. */
  #contextProblems(statement: Statement): readonly string[] {
    if (statement.type === 'outcome-certificate' || this.#bundle === undefined) return [];
    const kind = statement.type === 'session-record' ? statement.kind : null;
    const expected: Record<string, string | number> = {};
    if (kind !== 'bundle') {
      const { name, version, digest } = this.#bundle;
      Object.assign(expected, { bundle: digest, bundle_name: name, bundle_version: version });
    }
    if (kind !== 'epoch') expected.epoch = this.#epoch;
    if (kind !== null && kind !== 'mode') expected.mode = this.#mode;
    const { bundle, epoch, mode } = statement;
    const actual = {
      bundle: bundle.digest,
      bundle_name: bundle.name,
      bundle_version: bundle.version,
      epoch,
      mode,
    };
    const problems = differences(expected, actual);
    const backwards = kind === 'epoch' && epoch < this.#epoch;
    return backwards
      ? [...problems, `expected an epoch of at least ${this.#epoch}, came ${epoch}`]
      : problems;
  }

  #note({ kind, bundle, epoch, mode }: SessionRecord): void {
    this.#bundle = bundle;
    this.#epoch = epoch;
    this.#mode = mode;
    if (kind === 'bundle') this.#label = undefined;
    if (kind === 'epoch') this.#tickets.clear();
  }

  #permit(certificate: PermissionCertificate, { place }: ReadEntry, failures: Failures): void {
    this.#bundle ??= certificate.bundle;
    const { certificate_id: id, effect, state, approval } = certificate;
    if (this.#actions.has(id))
      failures.add('CHAIN', place, `expected a new certificate_id, came ${id} again`);
    this.#actions.set(id, effect === 'allow' ? 'pending' : 'refused');
    // What is held may open its ticket, or have opened it before.
    if (effect !== 'hold' && (effect === 'allow') === (state.before === state.after)) {
      const rule =
        effect === 'allow'
          ? 'an allowed action to move the state'
          : 'an action that was not allowed to move nothing';
      failures.add(
        'STATE',
        place,
        `expected ${rule}, came state ${state.before} before and ${state.after} after`,
      );
    }
    if (effect === 'hold' && approval !== null) this.#tickets.add(approval);
    if (effect === 'allow' && approval !== null && !this.#tickets.delete(approval)) {
      const rule = 'expected a ticket that was held since it was last used';
      failures.add('CHAIN', place, `${rule}, came ${shorten(approval)}`);
    }
    this.#label ??= certificate.labels.session;
  }

  #settle(certificate: OutcomeCertificate, { place }: ReadEntry, failures: Failures): void {
    const { certificate_id: id, outcome } = certificate;
    const action = this.#actions.get(id);
    const open = action === 'pending' || (action === 'ambiguous' && outcome !== 'ambiguous');
    if (!open) {
      const came = action === undefined ? 'one that this session never had' : `one that is ${action}`;
      failures.add(
        'OUTCOME',
        place,
        `expected the outcome of an allowed action that has none yet, came ${came}: ${id}`,
      );
    }
    this.#actions.set(id, outcome === 'ambiguous' ? 'ambiguous' : 'settled');
    if (this.#label === undefined) this.#label = certificate.labels.session;
    // That nobody knows what came of it says nothing; that it worked, or did not, is an answer too.
    else if (certificate.result_digest !== null || outcome !== 'ambiguous')
      this.#label = joinLabels(this.#label, certificate.label);
  }
}
