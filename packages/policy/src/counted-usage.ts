import { type Crypto, canonicalJson } from '@provability-fabric/kernel';
import { keepsCharge, type SharedCharge } from './checks/limits/shared.ts';
import { charge, emptyWindow, usedAt, type Window } from './checks/limits/window.ts';
import type { IntentInput, UsageFact } from './input.ts';
import type { LoadedBundle } from './load-bundle.ts';
import type { Decision } from './output.ts';
import { sharedCharges } from './shared-charges.ts';
import type { State } from './state.ts';

/** An intent with all the facts that `step` will ask for. */
interface CountedIntent {
  readonly intent: IntentInput;
  /** Keeps what the decision let it take. */
  decided(decision: Pick<Decision, 'effect' | 'reasons'>): void;
}

/**
 * Shared usage for what is replayed. What is on record is taken as it is; where nothing is (a trace, or another bundle's
 * limits) it is as if what this object has seen were all that happens.
 */
export class CountedUsage {
  /** By tenant, clause, unit and key. */
  readonly #windows = new Map<string, Window>();

  asked(bundle: LoadedBundle, state: State, intent: IntentInput): CountedIntent {
    const charges = sharedCharges(bundle, state, intent);
    if (charges.length === 0) return { intent, decided: () => undefined };
    const { tenant } = intent.principal;
    const at = Math.max(state.time, intent.at);
    const recorded = new Map(intent.usage?.map((fact) => [fact.clause, fact]));
    const usage = charges.map(
      (each): UsageFact =>
        recorded.get(each.clause) ?? { clause: each.clause, used: this.#used(tenant, each, at).used },
    );
    return {
      intent: { ...intent, usage },
      decided: (decision) => {
        for (const each of charges)
          if (keepsCharge(decision, each.clause)) this.#keep(bundle.crypto, tenant, each, at);
      },
    };
  }

  #keep(crypto: Crypto, tenant: string, each: SharedCharge, at: number): void {
    const { window, first, time } = this.#used(tenant, each, at);
    this.#windows.set(nameOf(tenant, each), charge(crypto, window, each.amount, time, first));
  }

  #used(tenant: string, each: SharedCharge, at: number) {
    const window = this.#windows.get(nameOf(tenant, each)) ?? emptyWindow({ unit: 'cost' });
    const { times } = window;
    const time = times.length === 0 ? at : Math.max(times.items[times.length - 1] as number, at);
    return { window, time, ...usedAt(window, each, time) };
  }
}

function nameOf(tenant: string, { clause, unit, key }: SharedCharge): string {
  return canonicalJson([tenant, clause, unit, key]);
}
