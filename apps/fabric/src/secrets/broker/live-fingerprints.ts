import { Fingerprinter, KEY_BYTES } from '@provability-fabric/detect';
import type { Crypto } from '@provability-fabric/kernel';
import { asSecretTenant, type Caller, type LiveValue } from '@provability-fabric/secrets';
import type { SecretSource } from './ports.ts';
import { RecentMap } from './recent-map.ts';
import { type FoundFingerprints, TenantFingerprints } from './tenant-fingerprints.ts';

export interface LiveFingerprintsOptions {
  readonly secrets: Pick<SecretSource, 'liveValues' | 'onChange'>;
  readonly crypto: Crypto;
  /** For the key of this process: fingerprints of another one say nothing. */
  random(length: number): Uint8Array;
  /** ms since 1970. */
  now(): number;
  /** All of a tenant's secrets are read anew at most this often, and rarely enough to take a hundredth of the time; 30 s. */
  readonly refreshMs?: number;
  /** How long a value that was replaced or removed is looked for; 1 h. */
  readonly retainMs?: number;
  /** Of all tenants' fingerprints together; those of tenants that have not acted for longest are forgotten; 256 MiB. */
  readonly maxBytes?: number;
}

/** What has to be read before the next look. */
interface Due {
  readonly fingerprints: TenantFingerprints;
  readonly names: Set<string>;
  all: boolean;
  /** ms since 1970: when all were read, and how long that took. */
  readAt: number;
  tookMs: number;
  reading: Promise<void>;
  /** Reads everything anew while what is there still serves. */
  renewing: Promise<void> | undefined;
}

const WHO = 'system:fingerprints';
/** More changed secrets than this are read with all the others. */
const MOST_NAMES = 100;
/** Reading everything takes at most this part of the time. */
const SHARE = 100;
const MAX_TENANTS = 10_000;
const MAX_BYTES = 256 * 1024 * 1024;

/**
 * The fingerprints of all tenants that act here, each made when it is first needed. A change is looked at before the next
 * look, so that a secret that was just written is found at once. Rejects where the secrets cannot be read: what is not
 * known cannot be found.
 */
export class LiveFingerprints {
  readonly #options: LiveFingerprintsOptions;
  readonly #key: Uint8Array;
  readonly #printer: Fingerprinter;
  readonly #tenants: RecentMap<Due>;
  readonly #stop: () => void;

  constructor(options: LiveFingerprintsOptions) {
    this.#options = options;
    this.#key = options.random(KEY_BYTES);
    this.#printer = new Fingerprinter(options.crypto, this.#key);
    this.#tenants = new RecentMap(MAX_TENANTS);
    this.#stop = options.secrets.onChange((changed) => {
      if (changed === null) for (const due of this.#tenants.values()) due.all = true;
      else this.#tenants.peek(changed.tenant)?.names.add(changed.name);
    });
  }

  /** Up to date as of this call. */
  async of(tenant: string): Promise<FoundFingerprints> {
    const due = this.#tenants.get(tenant) ?? this.#begin(tenant);
    // One after the other: each sees what the one before has read, and whether that was enough.
    due.reading = due.reading.then(
      () => this.#read(due),
      () => this.#read(due),
    );
    await due.reading;
    return due.fingerprints.current;
  }

  /** Whether the fingerprints are of this very value too; reads its secret again where they are not yet. */
  async know(tenant: string, name: string, value: string): Promise<boolean> {
    await this.of(tenant);
    const due = this.#tenants.peek(tenant);
    if (due === undefined || due.fingerprints.has(name, value)) return due !== undefined;
    due.names.add(name);
    await this.of(tenant);
    return due.fingerprints.has(name, value);
  }

  close(): void {
    this.#stop();
    this.#tenants.clear();
  }

  #begin(tenant: string): Due {
    const { crypto, secrets, retainMs = 3_600_000, now } = this.#options;
    const caller: Caller = { tenant, principal: WHO, roles: ['secrets-sidecar'], details: {} };
    const fingerprints = new TenantFingerprints({
      ...{ crypto, key: this.#key, printer: this.#printer, retainMs, now },
      live: (name) => (mayHaveSecrets(tenant) ? secrets.liveValues(caller, tenant, name) : none()),
    });
    const never = { all: true, readAt: 0, tookMs: 0, renewing: undefined };
    const due: Due = { fingerprints, names: new Set(), reading: Promise.resolve(), ...never };
    this.#tenants.set(tenant, due);
    return due;
  }

  async #read(due: Due): Promise<void> {
    const { now, refreshMs = 30_000 } = this.#options;
    const age = now() - due.readAt;
    const lasts = Math.max(refreshMs, due.tookMs * SHARE);
    // A clock that was set back must not keep what is old.
    if (due.all || age < 0 || age >= lasts * 2 || due.names.size > MOST_NAMES) return this.#readAll(due);
    for (const name of [...due.names]) await this.#readOne(due, name);
    if (age < lasts) return;
    // Of changes that nobody told of; whoever waits for it now waits in vain most of the time. Where it cannot be done, what is
    // there serves as long again: a database that is gone for a moment stops no agent.
    due.renewing ??= this.#readEverything(due)
      .catch(() => undefined)
      .finally(() => {
        due.renewing = undefined;
      });
  }

  async #readOne(due: Due, name: string): Promise<void> {
    due.names.delete(name);
    try {
      await due.fingerprints.readOne(name);
    } catch (error) {
      due.names.add(name);
      throw error;
    }
  }

  async #readAll(due: Due): Promise<void> {
    // What changes meanwhile is read again.
    due.all = false;
    due.names.clear();
    try {
      await this.#readEverything(due);
    } catch (error) {
      due.all = true;
      throw error;
    }
  }

  async #readEverything(due: Due): Promise<void> {
    const started = this.#options.now();
    await due.fingerprints.readAll();
    due.readAt = this.#options.now();
    due.tookMs = due.readAt - started;
    this.#tenants.keepWithin(this.#options.maxBytes ?? MAX_BYTES, ({ fingerprints }) => fingerprints.bytes);
  }
}

/** Other tenants' agents act as well; they have nothing that could be exposed. */
function mayHaveSecrets(tenant: string): boolean {
  try {
    asSecretTenant(tenant);
    return true;
  } catch {
    return false;
  }
}

async function* none(): AsyncGenerator<LiveValue> {}
