import { canonicalBytes, hex } from '@provability-fabric/kernel';

/**
 * The id that the certificate of a request must have (docs/reference/http.md): an answer under another one
 * belongs to somebody else's request, whatever it allows.
 */
export async function certificateIdFor(tenant: string, session: string, requestId: string): Promise<string> {
  const bytes = Uint8Array.from(canonicalBytes([tenant, session, requestId]));
  return hex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
}
