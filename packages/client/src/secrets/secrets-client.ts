import type { JsonObject, JsonValue } from '@provability-fabric/kernel';
import { z } from 'zod';
import { parseAnswer } from '../answers.ts';
import type { TransportOptions } from '../transport/options.ts';
import { createTransport, jsonOf } from '../transport/transport.ts';

export interface SecretReading {
  /** A number or an id; absent: the current one. */
  readonly version?: number | string;
  /** Another tenant than the token's takes the role `platform-secrets-admin`. */
  readonly tenant?: string;
  readonly signal?: AbortSignal | undefined;
}

export interface ReadSecret {
  readonly name: string;
  readonly value: Readonly<Record<string, string>>;
  /** The number of the version that was read. */
  readonly version: number;
}

/** What a sidecar asks of the secrets service. */
export type SidecarQuestion = '/internal/secrets/use' | '/internal/secrets/fingerprints';

/** Asks the secrets service, with a token whose audience is `secrets`. Each access is on record there before the answer. */
export interface SecretsClient {
  /** Repeated where the answer was lost: each attempt is an access of its own on record. */
  read(name: string, reading?: SecretReading): Promise<ReadSecret>;
  /** For sidecars, with a token of the role `secrets-sidecar`. */
  ask(question: SidecarQuestion, body: JsonObject): Promise<JsonValue>;
}

const MAX_SECRET_BYTES = 256 * 1024;
/** Ten thousand secrets of a tenant, as fingerprints. */
const MAX_FINGERPRINT_BYTES = 256 * 1024 * 1024;

const secretShape = z.object({
  name: z.string().max(255),
  value: z.record(z.string(), z.string()),
  version: z.object({ version: z.int().min(1) }),
});

export function createSecretsClient(options: TransportOptions): SecretsClient {
  const transport = createTransport(options);
  return {
    async read(name, { version, tenant, signal } = {}) {
      const search = new URLSearchParams();
      if (version !== undefined) search.set('version', `${version}`);
      if (tenant !== undefined) search.set('tenant', tenant);
      const path = `/api/secrets/${name.split('/').map(encodeURIComponent).join('/')}`;
      const answer = await transport.send({
        method: 'GET',
        path: search.size === 0 ? path : `${path}?${search}`,
        signal,
        maxBytes: MAX_SECRET_BYTES,
      });
      const secret = parseAnswer(secretShape, jsonOf(answer), 'a secret');
      return { name: secret.name, value: secret.value, version: secret.version.version };
    },
    async ask(question, body) {
      const answer = await transport.send({
        method: 'POST',
        path: question,
        body,
        maxBytes: question === '/internal/secrets/use' ? MAX_SECRET_BYTES : MAX_FINGERPRINT_BYTES,
      });
      return jsonOf(answer);
    },
  };
}
