import {
  type Digest,
  flowsTo,
  formatLabel,
  type JsonValue,
  joinLabels,
  type Label,
} from '@provability-fabric/kernel';
import { matches } from '../../event-class.ts';
import type { LoadedBundle } from '../../load-bundle.ts';
import type { Check, Event, Finding, OutcomeEvent } from '../check.ts';
import { againstClause } from '../findings.ts';
import { sinksOf } from './labels.ts';
import { parameterFindings } from './parameters.ts';
import { addPrompt, addResult, NO_PROVENANCE, type Provenance } from './provenance.ts';
import { declassification } from './releases.ts';

export interface FlowState {
  /** The join of all that the session has read. */
  readonly label: Label;
  readonly provenance: Provenance;
}

/** `label`: what the result itself carries. */
interface ReadResult {
  readonly next: FlowState;
  readonly label: Label;
}

const START: Label = { level: 'public', compartments: [], integrity: 'trusted' };

/** Information flow: where what was read may go, and where what is used must come from. */
export const flow = {
  init: (): FlowState => ({ label: START, provenance: NO_PROVENANCE }),
  describe: ({ label, provenance }: FlowState): JsonValue => [
    label as unknown as JsonValue,
    provenance.chain,
  ],
  onIntent(bundle, _facts, state, event) {
    const findings: Finding[] = [];
    const releases = new Set<string>();
    for (const clause of bundle.flows) {
      if (!matches(clause.on, event)) continue;
      if (clause.rule === 'parameters') {
        findings.push(...parameterFindings(bundle, clause, state, event, releases));
        continue;
      }
      for (const sink of sinksThatCannotHold(bundle, event.label, event)) {
        const released = declassification(bundle, event, event.label, sink, clause.mode === 'enforce');
        if (released === undefined) findings.push(leak(clause, event.label, sink));
        for (const id of released ?? []) releases.add(id);
      }
    }
    return { findings, next: state, releases: [...releases].sort() };
  },
  onPrompt(bundle: LoadedBundle, state: FlowState, text: string): FlowState {
    return { ...state, provenance: addPrompt(bundle.crypto, state.provenance, text) };
  },
  /** Labels join before the agent sees the result, and also where the action failed: an error message is read too. */
  onOutcome(bundle: LoadedBundle, state: FlowState, event: OutcomeEvent, digest: Digest | null): ReadResult {
    const { pending, result } = event;
    if (digest === null) {
      // That it worked, or did not, is an answer too; that nobody knows is not.
      // Of what is hidden it is shown as it is of every hidden result.
      const hidden = pending.clearance !== undefined && !flowsTo(pending.label, pending.clearance);
      const told = hidden ? START : pending.label;
      const label = event.outcome === 'ambiguous' ? state.label : joinLabels(state.label, told);
      return { next: { ...state, label }, label: told };
    }
    const { target: tool, tenant, label, text } = pending;
    // What an action answers that did not succeed is in no form the bundle knows, and may repeat what it was asked.
    const done = event.outcome === 'done';
    const patterns = done ? pending.patterns : [];
    const seenUpTo = event.seenUpTo ?? null;
    const source = { tool, tenant, label, patterns, text, result, digest, vouches: done, seenUpTo };
    const { provenance, seen } = addResult(bundle.crypto, state.provenance, source);
    // Whether a hidden value had the form that was asked for is told, even where what was taken out is hidden again.
    const told = pending.extraction === undefined ? seen : joinLabels(seen, label);
    return { next: { label: joinLabels(state.label, told), provenance }, label: told };
  },
} satisfies Check<FlowState> & Record<string, unknown>;

function sinksThatCannotHold(bundle: LoadedBundle, label: Label, event: Event): readonly Label[] {
  return sinksOf(bundle, event).filter((sink) => !flowsTo(label, sink));
}

function leak(clause: Parameters<typeof againstClause>[0], session: Label, sink: Label): Finding {
  return againstClause(clause, 'LABEL_FLOW', { session: formatLabel(session), may_hold: formatLabel(sink) });
}
