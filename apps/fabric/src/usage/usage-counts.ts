import type { UsageCharge } from '@provability-fabric/enforcement';

/** One reservation, as the file has it. */
export interface Charging {
  readonly tenant: string;
  readonly certificate: string;
  /** Which reservation of the certificate: one that was given up must not release a later one. */
  readonly attempt: number;
  readonly at: number;
  readonly charges: readonly UsageCharge[];
}

export interface Releasing {
  readonly tenant: string;
  readonly certificate: string;
  readonly attempt: number;
  readonly charges: readonly UsageCharge[];
}

interface Kept {
  /** Empty where several were folded into one. */
  readonly certificate: string;
  readonly attempt: number;
  readonly at: number;
  /** 0 once it was released. */
  amount: bigint;
}

export interface Count {
  readonly tenant: string;
  readonly clause: string;
  readonly unit: string;
  readonly key: string;
  at: number;
  /** The widest window that was asked for; null: all that ever was. */
  keptMs: number | null;
  total: bigint;
  /** By time, from `first` on. */
  charges: Kept[];
  first: number;
  readonly byCertificate: Map<string, Kept>;
}

/** Charges of one count; beyond that the older ones are folded, and so leave the window a little late, never early. */
const MOST_CHARGES = 8_192;
/** Of one tenant: one that invents principals must not take the others' room. */
const MOST_COUNTS = 100_000;
/** How long after its last charge has left a count stays. */
const SPARE_MS = 86_400_000;

/**
 * All counts of one process. What it holds is a function of the calls that changed it, in their order, so that reading
 * them back from a file gives the same.
 */
export class UsageCounts {
  readonly #counts = new Map<string, Count>();
  /** By tenant, how many it has. */
  readonly #sizes = new Map<string, number>();

  /** Of each charge, what all others had taken. Throws, having changed nothing, where there are too many counts. */
  charge({ tenant, certificate, attempt, at, charges }: Charging): number[] {
    this.#makeRoom(tenant, charges, at);
    return charges.map((charge) => {
      const { amount, window_ms, tolerance_ms } = charge;
      const count = this.#count(tenant, charge);
      const reach = window_ms === null ? null : window_ms + tolerance_ms;
      count.at = Math.max(count.at, at);
      count.keptMs = reach === null || count.keptMs === null ? null : Math.max(count.keptMs, reach);
      take(count, count.byCertificate.get(certificate));
      expire(count);
      const used = reach === count.keptMs ? count.total : within(count, count.at - (reach as number));
      const kept = { certificate, attempt, at: count.at, amount: BigInt(amount) };
      count.total += kept.amount;
      count.charges.push(kept);
      count.byCertificate.set(certificate, kept);
      if (count.charges.length - count.first > MOST_CHARGES) fold(count);
      return used > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(used);
    });
  }

  release({ tenant, certificate, attempt, charges }: Releasing): void {
    for (const charge of charges) {
      const count = this.#counts.get(nameOf(tenant, charge));
      const kept = count?.byCertificate.get(certificate);
      if (count !== undefined && kept?.attempt === attempt) take(count, kept);
    }
  }

  all(): Iterable<Count> {
    return this.#counts.values();
  }

  restore(count: Count): void {
    this.#add(nameOf(count.tenant, count), count);
  }

  #count(tenant: string, charge: UsageCharge): Count {
    const name = nameOf(tenant, charge);
    const known = this.#counts.get(name);
    if (known !== undefined) return known;
    const { clause, unit, key } = charge;
    const empty = { at: 0, keptMs: 0, total: 0n, charges: [], first: 0, byCertificate: new Map() };
    const count: Count = { tenant, clause, unit, key, ...empty };
    this.#add(name, count);
    return count;
  }

  #add(name: string, count: Count): void {
    if (!this.#counts.has(name)) this.#sizes.set(count.tenant, this.#sizeOf(count.tenant) + 1);
    this.#counts.set(name, count);
  }

  #sizeOf(tenant: string): number {
    return this.#sizes.get(tenant) ?? 0;
  }

  #makeRoom(tenant: string, charges: readonly UsageCharge[], at: number): void {
    const more = charges.filter((charge) => !this.#counts.has(nameOf(tenant, charge))).length;
    if (more === 0 || this.#sizeOf(tenant) + more <= MOST_COUNTS) return;
    for (const [name, count] of this.#counts) {
      if (count.tenant !== tenant || count.keptMs === null || count.at + count.keptMs + SPARE_MS >= at)
        continue;
      this.#counts.delete(name);
      this.#sizes.set(tenant, this.#sizeOf(tenant) - 1);
    }
    if (this.#sizeOf(tenant) + more > MOST_COUNTS)
      throw new Error(`expected at most ${MOST_COUNTS} counts of shared limits, came more`);
  }
}

function take(count: Count, kept: Kept | undefined): void {
  if (kept === undefined) return;
  count.total -= kept.amount;
  kept.amount = 0n;
  // A later attempt of the same certificate stays where its release finds it.
  if (count.byCertificate.get(kept.certificate) === kept) count.byCertificate.delete(kept.certificate);
}

function expire(count: Count): void {
  if (count.keptMs === null) return;
  const oldest = count.at - count.keptMs;
  for (let kept = count.charges[count.first]; kept !== undefined && kept.at < oldest; ) {
    take(count, kept);
    count.first += 1;
    kept = count.charges[count.first];
  }
  if (count.first <= MOST_CHARGES) return;
  count.charges = count.charges.slice(count.first);
  count.first = 0;
}

function within({ charges, first }: Count, oldest: number): bigint {
  let sum = 0n;
  for (let index = charges.length - 1; index >= first && (charges[index] as Kept).at >= oldest; index -= 1)
    sum += (charges[index] as Kept).amount;
  return sum;
}

/** The older half: of a budget into one, of a window two by two, each at the later time. */
function fold(count: Count): void {
  const charges = count.charges.slice(count.first);
  const half = charges.length >> 1;
  const older = charges.slice(0, half);
  const size = count.keptMs === null ? half : 2;
  const folded: Kept[] = [];
  for (let from = 0; from < half; from += size) {
    const group = older.slice(from, from + size);
    const amount = group.reduce((sum, kept) => sum + kept.amount, 0n);
    if (amount > 0n) folded.push({ certificate: '', attempt: 0, at: (group.at(-1) as Kept).at, amount });
  }
  for (const { certificate, amount } of older) if (amount > 0n) count.byCertificate.delete(certificate);
  count.charges = [...folded, ...charges.slice(half)];
  count.first = 0;
}

function nameOf(tenant: string, { clause, unit, key }: Pick<Count, 'clause' | 'unit' | 'key'>): string {
  return JSON.stringify([tenant, clause, unit, key]);
}
