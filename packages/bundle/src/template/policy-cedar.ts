export const POLICY_CEDAR = `// Who may do what. Nothing is permitted by default; a forbid beats every permit.
// Vocabulary: docs/reference/bundle.md; types: schema.cedarschema.

@id("reading-for-assistants")
permit (
  principal in Role::"assistant",
  action == Action::"call",
  resource in Effect::"read"
);

@id("mail-for-assistants")
permit (
  principal in Role::"assistant",
  action == Action::"call",
  resource == Tool::"send_mail"
);

// An example of a condition on an argument. A forbid whose condition cannot be evaluated refuses.
@id("no-key-files")
forbid (
  principal,
  action == Action::"call",
  resource in Effect::"read"
)
when { context.args has path && context.args.path like "*.key" };
`;
