/**
 * Who a key speaks for. `human`: a person; their signature is the approval that autonomy tier beta asks for. `agent`: a program;
 * it proposes. `service`: the governor itself; it signs rollbacks that an admin has asked for.
 */
export type SignerRole = 'human' | 'agent' | 'service';

export const SIGNER_ROLES: readonly SignerRole[] = ['human', 'agent', 'service'];

/** A key of the ring whose signature under a manifest holds. */
export interface Signer {
  /** As in `ed25519.<id>.vk`; the envelope's keyid is `ed25519:<id>`. */
  readonly keyId: string;
  readonly role: SignerRole;
}
