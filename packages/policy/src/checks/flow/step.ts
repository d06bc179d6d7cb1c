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

export interface FlowState {
  /** The join of all that the session has read. */
  readonly label: Label;
  readonly provenance: Provenance;
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
    for (const clause of bundle.flows) {
      if (!matches(clause.on, event)) continue;
      if (clause.rule === 'parameters')
        findings.push(...parameterFindings(bundle, clause, state.provenance, event));
      else
        findings.push(
          ...sinksThatCannotHold(bundle, state.label, event).map((sink) => leak(clause, state.label, sink)),
        );
    }
    return { findings, next: state };
  },
  onPrompt(bundle: LoadedBundle, state: FlowState, text: string): FlowState {
    return { ...state, provenance: addPrompt(bundle.crypto, state.provenance, text) };
  },
  /** Labels join before the agent sees the result, and also where the action failed: an error message is read too. */
  onOutcome(bundle: LoadedBundle, state: FlowState, event: OutcomeEvent, digest: Digest | null): FlowState {
    if (digest === null) return state;
    const { pending, result } = event;
    const from = { tool: pending.target, label: pending.label, result, digest };
    return {
      label: joinLabels(state.label, pending.label),
      provenance: addResult(bundle.crypto, state.provenance, from),
    };
  },
} satisfies Check<FlowState> & Record<string, unknown>;

function sinksThatCannotHold(bundle: LoadedBundle, label: Label, event: Event): readonly Label[] {
  return sinksOf(bundle, event).filter((sink) => !flowsTo(label, sink));
}

function leak(clause: Parameters<typeof againstClause>[0], session: Label, sink: Label): Finding {
  return againstClause(clause, 'LABEL_FLOW', { session: formatLabel(session), may_hold: formatLabel(sink) });
}
