import type { LoadedBundle } from '../../load-bundle.ts';
import type { Check, Event, Finding, SessionFacts } from '../check.ts';
import { absolute } from '../findings.ts';

/** Who may ask at all: tenant, session, capability, epoch, expiry of the bundle. Nothing weakens any of it. */
export const authority: Check<null> = {
  init: () => null,
  describe: () => null,
  onIntent: (bundle, facts, state, event) => ({ findings: [...problems(bundle, facts, event)], next: state }),
};

function* problems(bundle: LoadedBundle, facts: SessionFacts, { intent, time }: Event): Generator<Finding> {
  const { principal, capability, action } = intent;
  if (principal.tenant !== facts.tenant || !bundle.ir.tenants.includes(principal.tenant)) {
    yield absolute('CROSS_TENANT', {
      tenant: principal.tenant,
      session: facts.tenant,
      bundle: bundle.ir.tenants,
    });
  }
  if (principal.id !== facts.principal) {
    yield absolute('CAP_MISS', { principal: principal.id, session_belongs_to: facts.principal });
  }
  if (capability !== null) {
    const wanted = `${action.kind}:${action.target}`;
    if (time > capability.expires) yield absolute('CAP_EXPIRED', { capability: capability.id });
    if (!capability.caps.includes('*') && !capability.caps.includes(wanted)) {
      yield absolute('CAP_MISS', { capability: capability.id, wanted });
    }
  }
  if (intent.epoch < facts.epoch)
    yield absolute('EPOCH_STALE', { epoch: intent.epoch, in_force: facts.epoch });
  if (intent.epoch > facts.epoch)
    yield absolute('EPOCH_FUTURE', { epoch: intent.epoch, in_force: facts.epoch });
  if (bundle.ir.expires !== null && time > bundle.ir.expires) {
    yield absolute('BUNDLE_EXPIRED', { bundle: bundle.ir.name, version: bundle.ir.version });
  }
}
