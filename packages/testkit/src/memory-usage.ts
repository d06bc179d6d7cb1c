import type { Reservation, Usage, UsageCharge, UsageRequest } from '@provability-fabric/enforcement';

interface Kept extends UsageCharge {
  readonly certificateId: string;
  readonly attempt: number;
  readonly at: number;
}

/** Shared usage in memory: the port's words and nothing else. Every charge of one count is looked at each time. */
export class MemoryUsage implements Usage {
  readonly #counts = new Map<string, { time: number; kept: Kept[] }>();
  #attempts = 0;

  reserve({ tenant, certificateId, at, charges }: UsageRequest): Promise<Reservation> {
    this.#attempts += 1;
    const attempt = this.#attempts;
    const used = charges.map((charge) => {
      const name = nameOf(tenant, charge);
      const count = this.#counts.get(name) ?? { time: 0, kept: [] };
      this.#counts.set(name, count);
      count.time = Math.max(count.time, at);
      const others = count.kept.filter((kept) => kept.certificateId !== certificateId);
      count.kept = [...others, { ...charge, certificateId, attempt, at: count.time }];
      const { window_ms, tolerance_ms } = charge;
      const oldest = window_ms === null ? 0 : count.time - window_ms - tolerance_ms;
      const within = others.filter((kept) => kept.at >= oldest);
      return within.reduce((sum, { amount }) => sum + amount, 0);
    });
    const release = async (clauses: readonly string[]) => {
      for (const charge of charges) {
        const count = this.#counts.get(nameOf(tenant, charge));
        if (count === undefined || !clauses.includes(charge.clause)) continue;
        count.kept = count.kept.filter((kept) => kept.attempt !== attempt);
      }
    };
    return Promise.resolve({ used, release });
  }
}

function nameOf(tenant: string, { clause, unit, key }: UsageCharge): string {
  return JSON.stringify([tenant, clause, unit, key]);
}
