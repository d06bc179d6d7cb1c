/** Signs with Ed25519, here or elsewhere. Rejects where it cannot; never resolves to what is no signature of its key. */
export interface AsyncSigner {
  /** As in the key ring; the envelope's keyid is `ed25519:<keyId>`. */
  readonly keyId: string;
  sign(message: Uint8Array): Promise<Uint8Array>;
}

/** A signer that says which key it signs with. */
export interface KeySigner extends AsyncSigner {
  /** The 32 bytes of RFC 8032. */
  readonly publicKey: Uint8Array;
}

/** An Ed25519 key that a key management service keeps: it signs, and never leaves. */
export interface KmsKey {
  /** The service's own name for it, for messages. */
  readonly id: string;
  publicKey(): Promise<Uint8Array>;
  sign(message: Uint8Array): Promise<Uint8Array>;
}
