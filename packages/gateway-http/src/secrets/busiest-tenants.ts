interface Count {
  /** At least how often it came, and `excess` more at the most. */
  count: number;
  excess: number;
}

const COUNTED = 512;
const HALVE_AFTER = 100_000;
/** How much busier one has to be than the least busy that has a name; less would swap names to and fro. */
const CLEARLY = 2;

/**
 * Which tenants have a name in metrics: the busiest, up to a bound; the rest are `other`. Counts are those of a
 * space-saving sketch (Metwally et al. 2005), so that memory stays bounded whatever tenants there are, and are halved now
 * and then, so that what was busy once makes room.
 */
export class BusiestTenants {
  readonly #most: number;
  readonly #left: (tenant: string) => void;
  readonly #counts = new Map<string, Count>();
  readonly #named = new Set<string>();
  #seen = 0;

  constructor(most: number, left: (tenant: string) => void) {
    this.#most = most;
    this.#left = left;
  }

  /** The label of a tenant that has just done something. */
  count(tenant: string): string {
    if (tenant === OTHER) return OTHER;
    const counted = this.#counted(tenant);
    this.#seen += 1;
    if (this.#seen % HALVE_AFTER === 0) this.#halve();
    if (this.#named.has(tenant)) return tenant;
    if (this.#named.size < this.#most) {
      this.#named.add(tenant);
      return tenant;
    }
    const least = this.#least();
    if (counted.count - counted.excess <= CLEARLY * least.count) return OTHER;
    this.#named.delete(least.tenant);
    this.#named.add(tenant);
    this.#left(least.tenant);
    return tenant;
  }

  /** The label of a tenant that was named by somebody who may not act in it: names are not to be had by asking. */
  labelOf(tenant: string): string {
    return this.#named.has(tenant) ? tenant : OTHER;
  }

  #counted(tenant: string): Count {
    const known = this.#counts.get(tenant);
    if (known !== undefined) {
      known.count += 1;
      return known;
    }
    const fresh = { count: 1, excess: 0 };
    if (this.#counts.size >= COUNTED) {
      fresh.excess = this.#forgetRarest();
      fresh.count += fresh.excess;
    }
    this.#counts.set(tenant, fresh);
    return fresh;
  }

  #forgetRarest(): number {
    let rarest = '';
    let least = Number.POSITIVE_INFINITY;
    for (const [tenant, { count }] of this.#counts) {
      if (count >= least || this.#named.has(tenant)) continue;
      rarest = tenant;
      least = count;
    }
    this.#counts.delete(rarest);
    return least;
  }

  #least(): { readonly tenant: string; readonly count: number } {
    let found = { tenant: '', count: Number.POSITIVE_INFINITY };
    for (const tenant of this.#named) {
      const count = this.#counts.get(tenant)?.count ?? 0;
      if (count < found.count) found = { tenant, count };
    }
    return found;
  }

  #halve(): void {
    for (const counted of this.#counts.values()) {
      counted.count = Math.ceil(counted.count / 2);
      counted.excess = Math.floor(counted.excess / 2);
    }
  }
}

const OTHER = 'other';
