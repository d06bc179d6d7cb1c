/** What the policy's Cedar clauses can speak of. Clauses are validated against it strictly. */
export const CEDAR_SCHEMA = `entity Role;
entity Signer in [Role];
entity Folder in [Folder];
entity File in [Folder];
entity Change;

type FileContext = {
  path: String, extension: String, operation: String, edits: Set<String>,
  bytes_before: Long, bytes_after: Long, edit_bytes: Long,
  binary: Bool, generated: Bool, mode_changed: Bool,
  matches: Set<String>, findings: Set<String>,
  files: Long, total_bytes: Long, rationale_length: Long, tests: Long,
  tier: String, purpose: String,
  signers: Set<String>, signatures: Long, human_signatures: Long,
};
type CommandContext = {
  command: String, matches: Set<String>, findings: Set<String>,
  files: Long, total_bytes: Long, rationale_length: Long, tests: Long,
  tier: String, purpose: String,
  signers: Set<String>, signatures: Long, human_signatures: Long,
};
type ChangeContext = {
  findings: Set<String>,
  files: Long, total_bytes: Long, rationale_length: Long, tests: Long,
  tier: String, purpose: String,
  signers: Set<String>, signatures: Long, human_signatures: Long,
};

action change;
action create in [change] appliesTo { principal: Signer, resource: File, context: FileContext };
action modify in [change] appliesTo { principal: Signer, resource: File, context: FileContext };
action "delete" in [change] appliesTo { principal: Signer, resource: File, context: FileContext };
action chmod in [change] appliesTo { principal: Signer, resource: File, context: FileContext };
action test appliesTo { principal: Signer, resource: Change, context: CommandContext };
action apply appliesTo { principal: Signer, resource: Change, context: ChangeContext };
`;
