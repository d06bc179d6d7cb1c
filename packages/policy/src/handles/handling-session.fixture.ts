import { digestJson, fromHex, type JsonValue } from '@provability-fabric/kernel';
import type { OutcomeKind } from '@provability-fabric/statements';
import { expect } from 'vitest';
import type { CompiledBundle } from '../compiled-bundle.ts';
import type { LoadedBundle } from '../load-bundle.ts';
import type { Output } from '../output.ts';
import { bundle, clause, on, TestSession, tool } from '../session.fixture.ts';
import { extractToolRule } from './extract-tool.ts';
import { formatHandle, HANDLE_BYTES, isHandle } from './handle-text.ts';
import { EXTRACT_TOOL, type HandlesRule } from './rules.ts';
import { handleFacts, ownAnswer, shownOutcome } from './show-outcome.ts';

export const INTERNAL = { level: 'internal', compartments: [], integrity: 'trusted' } as const;
export const STRANGER = { level: 'internal', compartments: [], integrity: 'untrusted' } as const;
export const SECRET = { level: 'secret', compartments: [], integrity: 'trusted' } as const;

export const HANDLES: HandlesRule = { clearance: INTERNAL, roles: [], extract: [] };

/** Untrusted text and what is above `internal` are hidden from its agents. */
export function hidingBundle(
  part: Partial<CompiledBundle> & { readonly handles?: HandlesRule } = {},
): LoadedBundle {
  const { handles = HANDLES, tools = {}, clauses = [], ...rest } = part;
  return bundle({
    tools: {
      read_mail: tool({ returns: STRANGER }),
      vault: tool({ returns: SECRET }),
      look: tool({ returns: INTERNAL }),
      echo: tool({}),
      send: tool({ effect: 'egress', clearance: { ...STRANGER, integrity: 'untrusted' } }),
      archive: tool({ effect: 'write', clearance: { ...SECRET, integrity: 'untrusted' } }),
      ...tools,
      ...(handles.extract.length > 0 ? { [EXTRACT_TOOL]: extractToolRule(handles) } : {}),
    },
    clauses: [
      clause({ id: 'labels', kind: 'flow', rule: 'session_label', on: on({ effects: ['egress', 'write'] }) }),
      clause({ id: 'parameters', kind: 'flow', rule: 'parameters', on: on({}) }),
      ...clauses,
    ],
    handles,
    ...rest,
  });
}

/** A session whose handles are made here, and the agent that gets them. */
export class HandlingSession extends TestSession {
  #made = 0;

  newHandle(): string {
    this.#made += 1;
    const bytes = fromHex(digestJson(this.bundle.crypto, ['handle', this.#made]));
    return formatHandle(bytes.slice(0, HANDLE_BYTES));
  }

  override settle(certificate_id: string, outcome: OutcomeKind, result: JsonValue = null): Output {
    const happened = { certificate_id, outcome, result };
    const handles = handleFacts(this.bundle, this.state, happened, () => this.newHandle());
    const input = { kind: 'outcome', at: 1_000_000, ...happened } as const;
    return this.feed(handles === undefined ? input : { ...input, handles });
  }

  /** What the agent gets of a call that goes ahead. */
  see(target: string, args: JsonValue, result: JsonValue, outcome: OutcomeKind = 'done'): JsonValue {
    const { id, effect } = this.ask(target, args);
    expect(effect).toBe('allow');
    expect(this.settle(id, outcome, result)).toMatchObject({ kind: 'settled' });
    return shownOutcome(this.state, id, result) ?? result;
  }

  /** The one handle that stands for a whole result. */
  handleOf(target: string, args: JsonValue, result: JsonValue, outcome: OutcomeKind = 'done'): string {
    const shown = this.see(target, args, result, outcome);
    expect(typeof shown === 'string' && isHandle(shown)).toBe(true);
    return shown as string;
  }

  /** What the fabric answers to an extraction; the codes of its refusal where it does not. */
  extract(args: JsonValue): JsonValue {
    const { id, effect, reasons } = this.ask(EXTRACT_TOOL, args);
    if (effect !== 'allow') return reasons.map(({ code }) => code);
    const intent = {
      kind: 'intent',
      at: 1_000_000,
      certificate_id: id,
      principal: { id: 'agent-1', roles: [], org: 'acme', tenant: 'acme', attributes: {} },
      capability: null,
      action: { kind: 'call', target: EXTRACT_TOOL, args },
      epoch: 1,
      attributes: {},
    } as const;
    const own = ownAnswer(this.bundle, this.state, intent);
    if (own === undefined) throw new Error('expected the fabric to answer itself');
    expect(this.settle(id, own.outcome, own.result)).toMatchObject({ kind: 'settled' });
    return shownOutcome(this.state, id, own.result) ?? own.result;
  }
}
