/**
 * The two operations the kernel does not do itself: node:crypto in the apps, a pure implementation in a
 * browser. Both are pure functions, and keep nothing of what they are given. Call verifySignature rather than verifyEd25519: it fixes the encodings
 * that implementations differ about. The equation is the port's: it must be the one without cofactor (RFC
 * 8032 §5.1.7, "sufficient, but not required"), as in OpenSSL and browsers; a batching verifier may accept
 * what these refuse.
 */
export interface Crypto {
  sha256(data: Uint8Array): Uint8Array;
  /** The same in lowercase hexadecimal, where the platform has that at hand for less than the bytes cost. */
  sha256Hex?(data: Uint8Array): string;
  verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
}
