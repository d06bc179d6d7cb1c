/** What one manifest may hold, whatever the policy says: bytes of UTF-8, or of what base64 stands for. */
export const MANIFEST_LIMITS = {
  contentBytes: 64 * 1024,
  allContentBytes: 512 * 1024,
  targets: 1_000,
  // Deletions carry no text, so the bytes above do not bound them.
  edits: 10_000,
  tests: 64,
  testBytes: 4 * 1024,
  rationaleBytes: 4 * 1024,
  pathBytes: 4_096,
  // As deep as a tree is walked. Each folder above a file is looked at for each rule about paths, so all of them have a bound.
  pathNames: 128,
  allPathNames: 20_000,
} as const;
